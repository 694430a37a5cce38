/**
 * Options of the command that isolate, as the program finds them: where no other test has them beside the library's fields.
 *
 * @module
 */

import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { SpecError } from "../mod.ts";
import { pidNamespaces, requires, tempFolder } from "./support.ts";
import { cli } from "./support_cli.ts";
import { containers, mountLines, rootfs, sh } from "./support_rootfs.ts";

const testAsRoot = requires(pidNamespaces);
const test = requires(containers);

const MAPS = "id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '";
const MASKS = "grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb):' /proc/self/status | cut -f2 | xargs";
const RESTRICTIONS = "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | xargs";

/** CAP_NET_ADMIN's mask, and none. */
const [NET_ADMIN, NONE] = ["0000000000001000", "0000000000000000"];

/** The masks of root's program that has that one alone. */
const ADDED = [NONE, NET_ADMIN, NET_ADMIN, NET_ADMIN, NONE].join(" ");

for (
  const [options, script, expected] of [
    ["--uid-map 0:1000 --gid-map 0:2000:5", MAPS, "0\n0\n 0 1000 1\n 0 2000 5"],
    ["--uid-map 0:1000 --uid-map 7:2000:3 --gid-map 0:0 --run-as 8:0", MAPS, "8\n0\n 0 1000 1\n 7 2000 3\n 0 0 1"],
    ["--user --map-ids single", MAPS, "0\n0\n 0 0 1\n 0 0 1"],
    ["--cap-drop ALL --cap-add net_admin", MASKS, ADDED],
    ["--net", RESTRICTIONS, "NoNewPrivs: 0 Seccomp: 0"],
    ["--no-new-privs", RESTRICTIONS, "NoNewPrivs: 1 Seccomp: 0"],
    ["--seccomp default", RESTRICTIONS, "NoNewPrivs: 0 Seccomp: 2"],
  ] as const
) {
  testAsRoot(`minicontainer ${options} gives the program what it says`, async () => {
    const { stdout, stderr } = await cli([...options.split(" "), "/bin/sh", "-c", script]);
    assertEquals({ stdout, stderr }, { stdout: `${expected}\n`, stderr: "" });
  });
}

for (
  const [options, script, expected] of [
    ["--cap-add net_admin --cap-drop ALL", MASKS, ADDED],
    ["--cap-drop ALL --cap-add net_admin --run-as joe", MASKS, Array(5).fill(NET_ADMIN).join(" ")],
    ["--hostname box", `${RESTRICTIONS}; echo "[$GIVEN]"`, "NoNewPrivs: 1 Seccomp: 2\n[]"],
    ["--new-privs", RESTRICTIONS, "NoNewPrivs: 0 Seccomp: 2"],
    ["--seccomp unconfined", RESTRICTIONS, "NoNewPrivs: 1 Seccomp: 0"],
    ["--umask 027", "umask; touch /tmp/x; stat -c %a /tmp/x", "0027\n640"],
    ["--inherit-env", "echo $GIVEN", "by the caller"],
  ] as const
) {
  test(`minicontainer --rootfs ${options} gives the program what it says`, async () => {
    using root = rootfs();
    const args = ["--rootfs", root.path, ...options.split(" "), "/bin/sh", "-c", script];
    const { stdout, stderr } = await cli(args, { env: { GIVEN: "by the caller", PATH: "/usr/bin:/bin" } });
    assertEquals({ stdout, stderr }, { stdout: `${expected}\n`, stderr: "" });
  });
}

test("minicontainer --rootfs-propagation makes the root what it says", async () => {
  using root = rootfs();
  for (const [mode, tag] of [["shared", "shared"], ["unbindable", "unbindable"], ["private", ""]]) {
    const { stdout } = await cli(["--rootfs", root.path, "--rootfs-propagation", mode, "cat", "/proc/self/mountinfo"]);
    assertEquals(mountLines(stdout)[0].propagation.map((each) => each.split(":")[0]).join(), tag);
  }
});

test("minicontainer --mount-api mounts by the calls that it says", async () => {
  using root = rootfs();
  for (const [api, call] of [["new", /child fsopen\("proc"/], ["classic", /child mount\("proc"/]] as const) {
    const options = ["--mount-api", api, "--rootfs", root.path];
    assertMatch((await cli(["explain", ...options, "/bin/true"])).stdout.replaceAll(/ +/g, " "), call);
    assertEquals((await cli([...options, "/bin/cat", "/proc/1/comm"])).stdout, "cat\n");
  }
});

for (const api of ["new", "classic"]) {
  test(`minicontainer --mount mounts whatever it names, by the ${api} calls`, async () => {
    using root = rootfs();
    using folder = tempFolder();
    for (const name of ["lower", "upper", "work"]) Deno.mkdirSync(`${folder.path}/${name}`);
    Deno.writeTextFileSync(`${folder.path}/lower/file`, "text\n");
    const layers = ["lower", "upper", "work"].map((name) => `${name}dir=${folder.path}/${name}`).join();
    const mounts = [
      `type=overlay,src=o,dst=/a/overlay,${layers}`,
      "type=tmpfs,dst=/a/tmpfs,size=64k,ro",
      "type=proc,dst=/a/proc,nosuid",
      "type=mqueue,dst=/a/mqueue",
      `type=bind,src=${folder.path}/lower,dst=/a/bind,ro,noexec`,
    ].flatMap((mount) => ["--mount", mount]);
    const script = "cat /a/overlay/file; echo new >/a/overlay/new; cat /a/proc/1/comm; cat /proc/self/mountinfo";
    const options = ["--mount-api", api, "--ipc", "--rootfs", root.path, ...mounts];
    const { stdout, stderr } = await cli([...options, "/bin/sh", "-c", script]);
    const [text, comm, ...lines] = stdout.trimEnd().split("\n");
    assertEquals([text, comm, stderr], ["text", "sh", ""]);
    assertEquals(Deno.readTextFileSync(`${folder.path}/upper/new`), "new\n");
    const found = mountLines(lines.join("\n")).filter(({ target }) => target.startsWith("/a/"));
    const shown = found.map(({ target, type, options }) => [target, type, options.join()]);
    assertEquals(shown.slice(0, 4), [
      ["/a/overlay", "overlay", "rw,relatime"],
      ["/a/tmpfs", "tmpfs", "ro,nosuid,nodev,noexec,relatime"],
      ["/a/proc", "proc", "rw,nosuid,relatime"],
      ["/a/mqueue", "mqueue", "rw,relatime"],
    ]);
    assertMatch(shown[4].join(" "), /^\/a\/bind \S+ ro,(nosuid,)?(nodev,)?noexec,/);
  });
}

/** Makes folders fail as if the disk were full. */
const NO_FOLDERS = JSON.stringify({
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 }],
});

test("seccompFile and --seccomp FILE filter by what stands in the file", async () => {
  using root = rootfs();
  using folder = tempFolder();
  const profile = `${folder.path}/profile.json`;
  Deno.writeTextFileSync(profile, NO_FOLDERS);
  const script = "mkdir /tmp/made";
  const { stderr } = await sh({ rootfs: root.path, seccompFile: profile }, script);
  assertStringIncludes(stderr, "No space left on device");
  const byOption = (file: string) => cli(["--rootfs", root.path, "--seccomp", file, "/bin/sh", "-c", script]);
  assertStringIncludes((await byOption(profile)).stderr, "No space left on device");
  Deno.writeTextFileSync(profile, '{"defaultAction": "SCMP_ACT_ALLOW"}');
  assertEquals(await byOption(profile), { code: 0, stdout: "", stderr: "" });
  for (const [text, message] of [["{}", "is no seccomp profile"], [undefined, "cannot be read"]] as const) {
    if (text === undefined) Deno.removeSync(profile);
    else Deno.writeTextFileSync(profile, text);
    await assertRejects(() => sh({ rootfs: root.path, seccompFile: profile }, ""), SpecError, message);
    assertEquals((await byOption(profile)).code, 125);
  }
});

test("minicontainer --debug tells what could not be had in full", async () => {
  using root = rootfs();
  using folder = tempFolder();
  const volume = ["--mount-api", "classic", "--volume", `${folder.path}:/data:rshared`];
  const { code, stderr } = await cli(["--debug", "--rootfs", root.path, ...volume, "/bin/true"]);
  assertEquals(code, 0);
  assertMatch(stderr, /^\[parent\] what is mounted below \/data is not mounted for the host, though it is shared: /m);
  const { stderr: usual } = await cli(["--rootfs", root.path, ...volume, "/bin/true"]);
  assertEquals(usual, "");
});
