/**
 * Volumes: a path that starts from a folder that is gone is no other folder's.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { requires, runDeno, tempFolder } from "../support.ts";
import { containers, rootfs } from "../support_rootfs.ts";

const test = requires(containers);

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
