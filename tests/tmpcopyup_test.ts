/**
 * `tmpcopyup`: a filesystem in memory begins with what stood at its place.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { namespaceExec, type NamespaceExecConfig, SpecError, SystemError } from "../mod.ts";
import { requires, shell, textOf } from "./support.ts";
import { containers, leavesTheHost, rootfs } from "./support_rootfs.ts";

const test = requires(containers);

/** What the script prints in a container with a filesystem in memory at /var. */
async function inVar(path: string, script: string, config: Partial<NamespaceExecConfig> = {}): Promise<string> {
  const { stdout, stderr, exitCode } = await namespaceExec({
    ...shell(script),
    rootfs: path,
    mounts: [{ destination: "/var", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] }],
    stdout: "piped",
    stderr: "piped",
    ...config,
  });
  assertEquals({ exitCode, stderr: textOf(stderr) }, { exitCode: 0, stderr: "" });
  return textOf(stdout);
}

for (const mountApi of ["new", "classic"] as const) {
  test(`namespaceExec() copies files, links, modes and owners up when mountApi is ${mountApi}`, async () => {
    using root = rootfs();
    Deno.mkdirSync(`${root.path}/var/lib/deep`, { recursive: true });
    Deno.writeTextFileSync(`${root.path}/var/lib/deep/file`, "content");
    Deno.chmodSync(`${root.path}/var/lib/deep/file`, 0o4751);
    Deno.chownSync(`${root.path}/var/lib/deep`, 1000, 100);
    Deno.symlinkSync("deep/file", `${root.path}/var/lib/link`);
    await leavesTheHost(async () => {
      const script = "cd /var/lib && cat link && readlink link && stat -c '%a' deep/file && stat -c '%u:%g' deep && " +
        "df -T . | grep -c tmpfs && echo more >> deep/file && touch /var/new";
      assertEquals(
        (await inVar(root.path, script, { mountApi })).split("\n"),
        ["contentdeep/file", "4751", "1000:100", "1"],
      );
    });
    assertEquals(Deno.readTextFileSync(`${root.path}/var/lib/deep/file`), "content");
    assertEquals([...Deno.readDirSync(`${root.path}/var`)].map(({ name }) => name).sort(), ["lib", "tmp"]);
  });
}

test("namespaceExec() copies a file of many pages and many files up when tmpcopyup is given", async () => {
  using root = rootfs();
  const large = new Uint8Array(3 * 1024 * 1024 + 17).map((_, index) => index * 7);
  Deno.writeFileSync(`${root.path}/var/large`, large);
  for (let index = 0; index < 300; index++) Deno.writeTextFileSync(`${root.path}/var/tmp/file-number-${index}`, "x");
  const expected = textOf(new Deno.Command("sha1sum", { args: [`${root.path}/var/large`] }).outputSync().stdout);
  const output = await inVar(root.path, "sha1sum /var/large; ls /var/tmp | wc -l");
  assertEquals(output.split(/\s+/), [expected.split(" ")[0], "/var/large", "300"]);
});

test("namespaceExec() says what it could not copy when folders lie too deep", async () => {
  using root = rootfs();
  const folders = (depth: number) => Array.from({ length: depth }, (_, index) => `d${index}`).join("/");
  Deno.mkdirSync(`${root.path}/var/${folders(11)}`, { recursive: true });
  assertEquals(await inVar(root.path, `ls -d /var/${folders(11)}`), `/var/${folders(11)}`);
  Deno.mkdirSync(`${root.path}/var/${folders(12)}`, { recursive: true });
  const error = await assertRejects(() => inVar(root.path, "true"), SystemError);
  assertStringIncludes(error.message, 'cannot mount "tmpfs" on "/var"');
});

test("namespaceExec() refuses tmpcopyup when the filesystem is read-only or no tmpfs", async () => {
  using root = rootfs();
  for (const mount of [{ type: "tmpfs", options: ["ro", "tmpcopyup"] }, { type: "proc", options: ["tmpcopyup"] }]) {
    const mounts = [{ destination: "/var", source: "x", ...mount }];
    const error = await assertRejects(() => inVar(root.path, "true", { mounts }), SpecError);
    assertStringIncludes(error.message, "tmpcopyup is for a tmpfs that can be written to");
  }
});
