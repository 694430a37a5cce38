/** The commands beside that of running a program. */

/** Does one of them; the exit code. */
export async function command(args: string[]): Promise<number> {
  switch (args[0]) {
    case "explain":
      return await (await import("./explain.ts")).explainCommand(args.slice(1));
    case "check":
      return (await import("./check.ts")).checkCommand(args.slice(1));
    case "completions":
      return await (await import("./completions.ts")).completionsCommand(args.slice(1));
    default:
      return await (await import("./oci/main.ts")).oci(args);
  }
}
