/** What tests of ordinary users share: another Deno that runs as one, with ranges of ids of its own or none. */

import { type Lack, runDeno, tempFolder, tool } from "./support.ts";
import { rootfs, rootfsLack } from "./support_rootfs.ts";

/** Debian's nobody. */
const USER = 65_534;

/** The first id behind its own, and how many, where a user has a range. */
export const RANGE = { first: 200_000, count: 65_536 };

const isRoot = Deno.uid() === 0;

/** What running as an ordinary user needs; whoever is one already needs nothing. */
export const ordinaryUsers: Lack = isRoot ? tool("setpriv") ?? tool("unshare") ?? rootfsLack : rootfsLack;

/** What giving that user a range needs: its files are root's. */
export const rangesOfIds: Lack = isRoot
  ? ordinaryUsers ?? tool("newuidmap") ?? tool("newgidmap")
  : "needs root, to give a user a range of ids";

/**
 * In a mount namespace of its own: the project and Deno where that user can see them, and the ranges of ids. Its
 * arguments: the place, the project, then Deno and its arguments.
 */
const SETUP = `
  set -e
  place=$1 project=$2 deno=$3; shift 3
  mount --bind "$project" "$place/project"
  mount --bind "$deno" "$place/deno"
  mount --bind "$place/subid" /etc/subuid
  mount --bind "$place/subid" /etc/subgid
  cd "$place"
  exec setpriv --reuid=${USER} --regid=${USER} --clear-groups env -i HOME="$place/home" DENO_DIR="$place/home/cache" \\
    NO_COLOR=1 PATH=/usr/bin:/bin "$place/deno" "$@"
`;

const PROJECT = new URL("../", import.meta.url).pathname;

/** What the code has before its own: a shell's script run by `MOD`'s namespaceExec, and what came of it. */
const PRELUDE = `
  import { namespaceExec } from MOD;
  const [PLACE, ROOT] = [Deno.cwd(), Deno.cwd() + "/rootfs"];
  async function sh(config, script) {
    const text = (bytes) => new TextDecoder().decode(bytes).trimEnd();
    const streams = { stdin: "null", stdout: "piped", stderr: "piped", timeoutMs: 15_000 };
    try {
      const program = { program: "/bin/sh", argv: ["sh", "-c", script] };
      const { exitCode, stdout, stderr, ...rest } = await namespaceExec({ ...program, ...streams, ...config });
      return { ...rest, exitCode, stdout: text(stdout), stderr: text(stderr) };
    } catch ({ name, message, path }) {
      return { name, message, path };
    }
  }
`;

/** What {@linkcode asOrdinaryUser} may be given. */
export interface UserOptions {
  /** Lines of `/etc/subuid` and `/etc/subgid`; absent: the user has no range. */
  ranges?: string;
  /** What is looked at before all is removed: the user's folder, which holds `rootfs` and `home`. */
  look?: (place: string) => void;
}

/**
 * Runs code as an ordinary user, in a folder of its own with a root filesystem in it, `ROOT`; `sh(config, script)` runs
 * a shell's script. What the code's `result` is comes back.
 */
export async function asOrdinaryUser<T>(code: string, { ranges = "", look }: UserOptions = {}): Promise<T> {
  using folder = tempFolder();
  using root = rootfs();
  const place = folder.path;
  Deno.chmodSync(place, 0o755);
  for (const name of ["project", "home"]) Deno.mkdirSync(`${place}/${name}`);
  for (const name of ["deno", "subid"]) Deno.writeTextFileSync(`${place}/${name}`, ranges);
  run("cp", "-a", root.path, `${place}/rootfs`);
  if (isRoot) run("chown", "-R", `${USER}:${USER}`, place);
  const through = isRoot
    ? ["unshare", "-m", "--propagation", "private", "sh", "-c", SETUP, "sh", place, PROJECT]
    : ["sh", "-c", 'cd "$1"; shift; exec "$@"', "sh", place];
  const mod = isRoot ? `file://${place}/project/mod.ts` : undefined;
  const whole = `${PRELUDE}\n${code}\nconsole.log(JSON.stringify(result));`;
  const { exitCode, stdout, stderr } = await runDeno(whole, { through, mod });
  // What the kernel makes for an overlay, nobody but root can look into.
  run("chmod", "-R", "u+rwX", `${place}/home`);
  if (exitCode !== 0) throw new Error(`ended with ${exitCode}: ${stdout}${stderr}`);
  look?.(place);
  return JSON.parse(stdout);
}

function run(command: string, ...args: string[]) {
  const { success, stderr } = new Deno.Command(command, { args }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
