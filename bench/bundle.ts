/** OCI bundles for the other runtimes, over a root filesystem of busybox, and where runtimes keep containers. */

const ROOTFS_SCRIPT = new URL("../scripts/rootfs.sh", import.meta.url).pathname;

/** A number of what OCI says since which every runtime here takes. */
export const OCI_VERSION = "1.0.2";

/** The least that crun and runc take. */
const LEAST = {
  ociVersion: OCI_VERSION,
  process: { terminal: false, user: { uid: 0, gid: 0 }, args: ["/bin/true"], env: ["PATH=/bin"], cwd: "/" },
  root: { path: "../rootfs" },
  mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
  linux: { namespaces: [{ type: "pid" }, { type: "mount" }] },
};

/** Makes a root filesystem, once; its path. */
export async function makeRootfs(folder: string): Promise<string> {
  const rootfs = `${folder}/rootfs`;
  const { success, stderr } = await new Deno.Command("sh", { args: [ROOTFS_SCRIPT, rootfs] }).output();
  const told = new TextDecoder().decode(stderr);
  if (!success && !told.includes("is there already")) throw new Error(told);
  return rootfs;
}

/** A bundle that does no more than `/bin/true` in a PID and a mount namespace; its path. */
export async function makeBundle(folder: string): Promise<string> {
  return await writeBundle(folder, "bundle", LEAST);
}

/** The least, whose program waits for its end; its path. */
export async function makeWaitingBundle(folder: string): Promise<string> {
  return await writeBundle(folder, "waiting", {
    ...LEAST,
    process: { ...LEAST.process, args: ["/bin/sleep", "1000"] },
  });
}

/** The least, with these limits; its path. */
export async function makeLimitedBundle(folder: string, resources: unknown): Promise<string> {
  return await writeBundle(folder, "limited", { ...LEAST, linux: { ...LEAST.linux, resources } });
}

/** A bundle of this `config.json`, whose root filesystem is `../rootfs`; its path. */
export async function writeBundle(folder: string, name: string, config: unknown): Promise<string> {
  await makeRootfs(folder);
  const bundle = `${folder}/${name}`;
  await Deno.mkdir(bundle, { recursive: true });
  await Deno.writeTextFile(`${bundle}/config.json`, JSON.stringify(config));
  return bundle;
}

/** Where runtimes keep what they know of containers, and the same where that is no memory, as in a container. */
const STATE_FOLDERS = ["/run", "/dev/shm"];

/** A folder in memory for what runtimes keep of containers, as they usually have it; it goes with what holds it. */
export async function makeStateFolder(): Promise<AsyncDisposable & { path: string }> {
  const mounts = (await Deno.readTextFile("/proc/mounts")).split("\n").map((line) => line.split(" "));
  const isInMemory = (folder: string) => mounts.some(([, point, type]) => point === folder && type === "tmpfs");
  const dir = STATE_FOLDERS.find(isInMemory) ?? STATE_FOLDERS[0];
  const path = await Deno.makeTempDir({ dir, prefix: "minicontainer-bench-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
