/**
 * Volumes: a device file that one container has left in a folder is of no use to the next, and a path that starts from a
 * folder that is gone is no other folder's.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { requires, runDeno, shell, tempFolder } from "../support.ts";
import { containers, rootfs } from "../support_rootfs.ts";
import { contained, mountApis } from "./support.ts";

const test = requires(containers);

for (const [api, apiConfig] of mountApis) {
  test(`a device file in a volume cannot be opened unless that is asked for, by ${api}`, async () => {
    using root = rootfs();
    using folder = tempFolder();
    // A container with limits may make such files, and cannot open them; one without has no cgroup that keeps it off.
    const volume = `${folder.path}:/data`;
    const limits = { pids: 20 };
    const made = await contained({ rootfs: root.path, volumes: [volume], limits, ...shell("mknod /data/null c 1 3") });
    assertEquals(made.stderr, "");
    const opens = (volume: string) =>
      contained({ rootfs: root.path, volumes: [volume], ...shell("echo >/data/null && echo opened"), ...apiConfig });
    for (
      const [volume, expected] of [
        [`${folder.path}:/data`, ""],
        [`${folder.path}:/data:dev`, "opened"],
        ["/dev/null:/data/null", "opened"],
      ]
    ) {
      const { stdout } = await opens(volume);
      assertEquals(stdout, expected, volume);
    }
  });
}

test("a relative path starts from no other folder where the one that it starts from is gone", async () => {
  using root = rootfs();
  using folder = tempFolder();
  // From the host's root it would be there.
  const paths = [{ rootfs: `.${root.path}` }, { rootfs: root.path, volumes: ["./etc:/mine"] }, {
    rootfs: root.path,
    overlay: { folder: "./tmp" },
  }];
  const { stdout, stderr } = await runDeno(`
    const { namespaceExecSync } = await import(MOD);
    const says = (config) => {
      try {
        return namespaceExecSync({ program: "true", ...config }).exitCode;
      } catch (error) {
        return error.message;
      }
    };
    namespaceExecSync({ program: "true" });
    const folder = ${JSON.stringify(folder.path)} + "/inner";
    Deno.mkdirSync(folder + "/etc", { recursive: true });
    Deno.chdir(folder);
    const paths = ${JSON.stringify(paths)};
    const there = says(paths[1]);
    Deno.removeSync(folder, { recursive: true });
    console.log(JSON.stringify([there, says({ rootfs: paths[1].rootfs }), ...paths.map(says)]));
  `);
  assertEquals(stderr, "");
  const gone = (path: string) =>
    `cannot find "${path}": no such file or directory; the folder that it starts from is gone`;
  assertEquals(JSON.parse(stdout), [0, 0, gone(`.${root.path}`), gone("./etc"), gone("./tmp")]);
});
