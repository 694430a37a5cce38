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

/** What a program that was left behind may hold the output open for, after the command itself has ended. */
const GRACE_MS = 5_000;

/**
 * Runs a command in the project's folder, shows what it prints, and returns it.
 *
 * @param options `timeoutMs`: after so long it is killed
 * @returns the exit code, 127 where the command is missing, and stdout
 */
export async function run(
  [command, ...args]: string[],
  { cwd = ROOT, quiet = false, timeoutMs }: { cwd?: string; quiet?: boolean; timeoutMs?: number } = {},
): Promise<{ code: number; output: string }> {
  const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  let child;
  try {
    child = new Deno.Command(command, { args, cwd, signal, stdin: "null", stdout: "piped", stderr: "inherit" }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.error(`cannot run ${command}: it is not installed`);
    return { code: 127, output: "" };
  }
  const pieces: Uint8Array[] = [];
  const reading = (async () => {
    for await (const piece of child.stdout) {
      pieces.push(piece);
      if (!quiet) await writeAll(piece);
    }
  })();
  const { code } = await child.status;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, GRACE_MS);
  await Promise.race([reading, late]);
  clearTimeout(timer);
  return { code, output: await new Blob(pieces as Uint8Array<ArrayBuffer>[]).text() };
}

/** Runs a command as {@linkcode run} does, without showing its output, which it returns; where it fails, that ends us. */
export async function mustRun(goal: string, command: string[]): Promise<string> {
  const { code, output } = await run(command, { quiet: true });
  if (code === 0) return output;
  console.error(`cannot ${goal}: ${command.join(" ")} ended with exit code ${code}`);
  Deno.exit(1);
}

async function writeAll(bytes: Uint8Array) {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await Deno.stdout.write(rest));
}

/** A unified hierarchy with controllers beside those of cgroup v1, which crun refuses to work with. */
const HYBRID_CGROUP = "/sys/fs/cgroup/unified";

/** What hides the hybrid hierarchy from everything that is started behind it, in a mount namespace of its own. */
export async function withoutHybridCgroup(): Promise<string[]> {
  const attempt = async () => {
    const command = new Deno.Command("unshare", { args: ["--mount", "umount", HYBRID_CGROUP], stderr: "null" });
    return (await command.output()).success;
  };
  const isHidden = await attempt().catch(() => false);
  return isHidden ? ["unshare", "--mount", "sh", "-c", `umount ${HYBRID_CGROUP}; exec "$@"`, "sh"] : [];
}
