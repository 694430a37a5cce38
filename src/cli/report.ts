/** What goes wrong, as one line on stderr and an exit code. */

/** A line on stderr; a stderr that is closed is not worth an error. */
export function say(line: string) {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(`minicontainer: ${line}\n`));
  } catch {
    // Nobody listens.
  }
}

/** A text on stdout, all of it. */
export function print(text: string) {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

/** The fields of a spec that options set. */
const OPTION_OF_FIELD = [
  ["process.env", "--env"],
  ["process.cwd", "--cwd"],
  ["process.args[0]", "program"],
  ["process.args", "argument"],
  ["minicontainer.envFiles", "--env-file"],
  ["minicontainer.timeoutMs", "--timeout"],
];

/** Tells of an error; the exit code that it has. */
export async function fail(error: unknown): Promise<number> {
  if (error instanceof Deno.errors.BrokenPipe) return 128 + 13;
  say(await words(error));
  const { exitCode } = error as { exitCode?: number };
  return exitCode ?? 125;
}

async function words(error: unknown): Promise<string> {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "UsageError") {
    const { unknown } = error as { unknown?: { given: string; known: string[] } };
    const nearest = unknown && (await import("./suggest.ts")).nearest(unknown.given, unknown.known);
    return `${error.message}${nearest ? `; did you mean ${nearest}?` : ""} (see minicontainer --help)`;
  }
  if (error.name === "SpecError") {
    const { path } = error as Error & { path: string };
    const [field, option] = OPTION_OF_FIELD.find(([field]) => path.startsWith(field)) ?? [];
    if (field !== undefined) return error.message.replace(path, option!);
  }
  if (error.name === "NotCapable" && error.message.includes("ffi")) {
    return `${error.message.replace(/, run again.*/, "")}: run with deno run --allow-ffi --allow-run`;
  }
  return error.message;
}
