/**
 * Containers that cannot be started: the message says what could not be done, the command ends with 125, and nothing is
 * left of the start.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type NamespaceExecConfig, SystemError } from "../mod.ts";
import { execForms, leavesNothing, requires } from "./support.ts";
import { cli } from "./support_cli.ts";
import { containers, leavesTheHost, rootfs } from "./support_rootfs.ts";

const test = requires(containers);

/** What the command says of a container's start that failed. */
const START_FAILED = 125;

/** What is wrong; the same as fields and as options; the message. `ROOTFS` stands for the root filesystem. */
type Fault = [what: string, fields: Partial<NamespaceExecConfig>, options: string[], message: string];

const faults: Fault[] = [
  [
    "there is no rootfs",
    { rootfs: "/no/such/root" },
    ["--rootfs", "/no/such/root"],
    'cannot open the root filesystem "/no/such/root": no such file or directory',
  ],
  [
    "there is no rootfs to find a user in",
    { rootfs: "/no/such/root", user: "joe" },
    ["--rootfs", "/no/such/root", "--run-as", "joe"],
    'cannot open the root filesystem "/no/such/root": no such file or directory',
  ],
  [
    "the rootfs is a file",
    { rootfs: "ROOTFS/etc/passwd" },
    ["--rootfs", "ROOTFS/etc/passwd"],
    'cannot open the root filesystem "ROOTFS/etc/passwd": not a directory',
  ],
  [
    "a filesystem's type is unknown",
    { mounts: [{ destination: "/mnt", type: "nosuchfs", source: "x" }] },
    ["--mount", "type=nosuchfs,source=x,target=/mnt"],
    'cannot mount "nosuchfs" on "/mnt": no such device',
  ],
  [
    "a filesystem does not know an option",
    { mounts: [{ destination: "/mnt", type: "mqueue", source: "x", options: ["such=1"] }] },
    ["--mount", "type=mqueue,source=x,target=/mnt,such=1"],
    'cannot mount "mqueue" on "/mnt": invalid argument',
  ],
  [
    "a volume's source is missing",
    { volumes: ["/no/such/volume:/mnt"] },
    ["--volume", "/no/such/volume:/mnt"],
    'cannot bind "/no/such/volume" on "/mnt": no such file or directory',
  ],
  [
    "a volume's target is a file where a folder is needed",
    { volumes: ["ROOTFS/home:/etc/passwd"] },
    ["--volume", "ROOTFS/home:/etc/passwd"],
    'cannot bind "ROOTFS/home" on "/etc/passwd": not a directory',
  ],
  [
    "a volume's target is a folder where a file is needed",
    { volumes: ["ROOTFS/etc/passwd:/home"] },
    ["--volume", "ROOTFS/etc/passwd:/home"],
    'cannot bind "ROOTFS/etc/passwd" on "/home": is a directory',
  ],
  [
    "a kernel parameter does not take a value",
    { sysctl: { "kernel.shmmax": "much" } },
    ["--sysctl", "kernel.shmmax=much"],
    'cannot write "much" to "/proc/sys/kernel/shmmax": invalid argument',
  ],
  [
    "there is no such kernel parameter",
    { sysctl: { "net.no_such": "1" } },
    ["--sysctl", "net.no_such=1"],
    'cannot write "1" to "/proc/sys/net/no_such": no such file or directory',
  ],
  [
    "there is no such folder to start in",
    { cwd: "/no/such" },
    ["--cwd", "/no/such"],
    'cannot change to directory "/no/such": no such file or directory',
  ],
];

const RUNS = { program: "/bin/true", enableAllNamespaces: true } as const;

/** A value with the place of the root filesystem in it. */
function inRootfs<T>(value: T, path: string): T {
  return JSON.parse(JSON.stringify(value).replaceAll("ROOTFS", path));
}

for (const [what, fields, options, message] of faults) {
  for (const [name, exec] of execForms) {
    test(`${name}() says what could not be done and leaves nothing when ${what}`, async () => {
      using root = rootfs();
      const config = { ...RUNS, rootfs: root.path, ...inRootfs(fields, root.path) };
      await leavesTheHost(() =>
        leavesNothing(async () => {
          const error = await assertRejects(() => exec(config), SystemError);
          assertStringIncludes(error.message, inRootfs(message, root.path));
        })
      );
    });
  }

  test(`the command ends with 125 and one line when ${what}`, async () => {
    using root = rootfs();
    await leavesTheHost(async () => {
      const given = inRootfs(options, root.path);
      const { code, stdout, stderr } = await cli(["--all", "--rootfs", root.path, ...given, "/bin/true"]);
      assertEquals({ code, stdout, lines: stderr.trimEnd().split("\n").length }, {
        code: START_FAILED,
        stdout: "",
        lines: 1,
      });
      assertStringIncludes(stderr, inRootfs(message, root.path));
    });
  });
}

test("a container runs when nothing of that is wrong", async () => {
  using root = rootfs();
  const fields: Partial<NamespaceExecConfig> = {
    user: "joe",
    mounts: [{ destination: "/mnt/a", type: "tmpfs", source: "x" }],
    tmpfs: ["/mnt/b:size=1m"],
    volumes: [`${root.path}/home:/mnt/c`, `${root.path}/etc/passwd:/mnt/d`],
    sysctl: { "kernel.shmmax": "65536", "net.ipv4.ip_forward": "1" },
    cwd: "/tmp",
  };
  for (const [, exec] of execForms) {
    assertEquals((await exec({ ...RUNS, rootfs: root.path, ...fields })).exitCode, 0);
  }
  assertEquals((await cli(["--all", "--rootfs", root.path, "/bin/true"])).code, 0);
});

test("the command ends with 127 and 126 when the container has no such program, or none that can be executed", async () => {
  using root = rootfs();
  const run = async (program: string) => await cli(["--all", "--rootfs", root.path, program]);
  await leavesTheHost(async () => {
    const [missing, folder] = [await run("/no/such/program"), await run("/etc/passwd")];
    assertEquals([missing.code, folder.code], [127, 126]);
    assertStringIncludes(missing.stderr, 'cannot execute "/no/such/program": no such file or directory');
    assertStringIncludes(folder.stderr, 'cannot execute "/etc/passwd": permission denied');
  });
});
