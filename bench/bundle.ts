/** An OCI bundle for the other runtimes: one static program in a PID and a mount namespace. */

/** Where Debian's busybox-static and others put it. */
const BUSYBOX = ["/usr/bin/busybox", "/bin/busybox", "/usr/local/bin/busybox", "/bin/busybox.static"];

/** OCI runtime-spec 1.0 `config.json`: the least that crun and runc take. */
const CONFIG = {
  ociVersion: "1.0.2",
  process: { terminal: false, user: { uid: 0, gid: 0 }, args: ["/bin/true"], env: ["PATH=/bin"], cwd: "/" },
  root: { path: "rootfs" },
  mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
  linux: { namespaces: [{ type: "pid" }, { type: "mount" }] },
};

/** Makes a bundle that does no more than `/bin/true`, where a static busybox is installed, and returns its path. */
export async function makeBundle(folder: string): Promise<string> {
  const bundle = `${folder}/bundle`;
  for (const name of ["bin", "dev", "proc"]) await Deno.mkdir(`${bundle}/rootfs/${name}`, { recursive: true });
  await Deno.writeTextFile(`${bundle}/config.json`, JSON.stringify(CONFIG));
  for (const path of BUSYBOX) {
    // It is the program that it is called as. One that is not static cannot be executed there.
    await Deno.copyFile(path, `${bundle}/rootfs/bin/true`).catch(() => {});
  }
  return bundle;
}
