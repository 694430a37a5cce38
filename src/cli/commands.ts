/** The commands beside that of running a program. */

/** Those that the help as a whole tells of. */
const OF_THE_HELP = ["explain", "check", "completions"];

/** Does one of them; the exit code. */
export async function command([name, ...args]: string[]): Promise<number> {
  if (OF_THE_HELP.includes(name) && (args[0] === "--help" || args[0] === "-h")) {
    return (await import("./help.ts")).helpCommand();
  }
  switch (name) {
    case "explain":
      return await (await import("./explain.ts")).explainCommand(args);
    case "check":
      return (await import("./check.ts")).checkCommand(args);
    case "completions":
      return await (await import("./completions.ts")).completionsCommand(args);
    default:
      return await (await import("./oci/main.ts")).oci([name, ...args]);
  }
}
