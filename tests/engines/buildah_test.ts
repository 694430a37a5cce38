import { assertEquals } from "@std/assert";
import { Ground, installed, said, withEngine } from "./support.ts";

const test = withEngine("buildah");

test("buildah run executes in the image that is being built", async () => {
  const runtime = await installed();
  using ground = new Ground();
  const { folder } = ground;
  const common = ["--root", `${folder}/root`, "--runroot", `${folder}/run`, "--storage-driver", "vfs"];
  const buildah = (...args: string[]) => said("buildah", [...common, ...args]);
  const limits = ["--ulimit", "nofile=1000:1000", "--ulimit", "nproc=1000:1000"];
  const { stdout: id } = await buildah("from", ...limits, "scratch");
  assertEquals((await buildah("copy", "--quiet", id, ground.rootfs, "/")).code, 0);
  const run = (script: string) =>
    buildah("run", "--network", "none", "--isolation", "oci", "--runtime", runtime, id, "--", "sh", "-c", script);
  assertEquals((await run("echo built >/made; exit 4")).code, 4);
  assertEquals((await run("cat /made")).stdout, "built");
  assertEquals((await buildah("rm", id)).code, 0);
});
