/** What the scripts share. */

const ROOT_URL = new URL("../", import.meta.url);

/** The project's folder. */
export const ROOT: string = decodeURIComponent(ROOT_URL.pathname);

/** The path of a file of the project. */
export function projectPath(path: string): string {
  return ROOT + path;
}

/** A line on stdout. */
export function say(line: string) {
  console.log(line);
}

/**
 * Runs a command in the project's folder, shows what it prints, and returns it.
 *
 * @returns the exit code, 127 where the command is missing, and stdout
 */
export async function run(
  [command, ...args]: string[],
  { cwd = ROOT, quiet = false }: { cwd?: string; quiet?: boolean } = {},
): Promise<{ code: number; output: string }> {
  let child;
  try {
    child = new Deno.Command(command, { args, cwd, stdin: "null", stdout: "piped", stderr: "inherit" }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.error(`cannot run ${command}: it is not installed`);
    return { code: 127, output: "" };
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of child.stdout) {
    pieces.push(piece);
    if (!quiet) await writeAll(piece);
  }
  const { code } = await child.status;
  return { code, output: await new Blob(pieces as Uint8Array<ArrayBuffer>[]).text() };
}

async function writeAll(bytes: Uint8Array) {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await Deno.stdout.write(rest));
}
