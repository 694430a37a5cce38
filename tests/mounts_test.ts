/**
 * What is mounted in a root filesystem: volumes, filesystems in memory, overlays, files and devices; each by both of the
 * kernel's interfaces.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { namespaceExec, type NamespaceExecConfig, namespaceSpawn, SpecError, SystemError } from "../mod.ts";
import { exists, requires, shell, tempFolder, textOf } from "./support.ts";
import { cli } from "./support_cli.ts";
import { containers, leavesTheHost, mountLines, rootfs, says, sh } from "./support_rootfs.ts";

const test = requires(containers);

/** Busybox's head has no words of its own for it. */
const NO_ROOM = /No space left on device|I\/O error/;

/** A folder with a file, and a folder in it that another filesystem is mounted on. */
function source(): Disposable & { path: string } {
  const folder = tempFolder();
  Deno.writeTextFileSync(`${folder.path}/file`, "text");
  Deno.mkdirSync(`${folder.path}/below`);
  hostMount("-t", "tmpfs", "below", `${folder.path}/below`);
  return {
    path: folder.path,
    [Symbol.dispose]() {
      assert(new Deno.Command("umount", { args: ["--recursive", `${folder.path}/below`] }).outputSync().success);
      folder[Symbol.dispose]();
    },
  };
}

function hostMount(...args: string[]) {
  assert(new Deno.Command("mount", { args }).outputSync().success, `mount ${args.join(" ")}`);
}

for (const mountApi of ["new", "classic"] as const) {
  const by = `by the ${mountApi} calls`;
  const config = (root: { path: string }, more: Partial<NamespaceExecConfig>) =>
    ({ rootfs: root.path, mountApi, ...more }) as Omit<NamespaceExecConfig, "program" | "spec">;

  test(`volumes show a folder with what is mounted in it, to be written to when nothing else is said, ${by}`, async () => {
    using root = rootfs();
    using folder = source();
    await leavesTheHost(async () => {
      const { stdout } = await sh(
        config(root, { volumes: [`${folder.path}:/data`] }),
        "cat /data/file; echo >/data/new; echo >/data/below/new",
      );
      assertEquals(stdout, "text");
    });
    assert(exists(`${folder.path}/new`) && exists(`${folder.path}/below/new`));
    const alone = config(root, { volumes: [`${folder.path}:/data:bind`] });
    assertEquals(await says(alone, "ls /data; ls /data/below"), "below\nfile\nnew");
  });

  test(`volumes let nothing be written to them when they are ro, ${by}`, async () => {
    using root = rootfs();
    using folder = source();
    const refused = config(root, { volumes: [{ source: folder.path, target: "/data", readOnly: true }] });
    assertMatch((await sh(refused, "echo >/data/new")).stderr, /Read-only file system/);
    // As Docker has it: what is mounted below is another mount.
    assertEquals(await says(refused, "echo >/data/below/new; cat /data/file"), "text");
    assert(exists(`${folder.path}/below/new`) && !exists(`${folder.path}/new`));
  });

  test(`volumes may be files when they are, ${by}`, async () => {
    using root = rootfs();
    using folder = source();
    const file = `${folder.path}/file`;
    assertEquals(await says(config(root, { volumes: [`${file}:/new/place:ro`] }), "cat /new/place"), "text");
    const over = config(root, { volumes: [`${file}:/etc/passwd`] });
    assertEquals(await says(over, "cat /etc/passwd; echo changed >/etc/passwd"), "text");
    assertEquals(Deno.readTextFileSync(file), "changed\n");
    assertMatch(Deno.readTextFileSync(`${root.path}/etc/passwd`), /^root:/);
  });

  test(`volumes are refused by name when the source is missing, or of the target's other kind, ${by}`, async () => {
    using root = rootfs();
    using folder = source();
    const bind = (volume: string) => sh(config(root, { volumes: [volume] }), "");
    await assertRejects(
      () => bind(`${folder.path}/missing:/data`),
      SystemError,
      `cannot bind "${folder.path}/missing" on "/data": no such file or directory`,
    );
    assert(!exists(`${root.path}/data`), "its place was made all the same");
    await assertRejects(() => bind(`${folder.path}/file:/etc`), SystemError, "is a directory");
    await assertRejects(() => bind(`${folder.path}:/etc/passwd`), SystemError, "not a directory");
  });

  test(`volumes stay in the root when their target climbs, or is a link that leads out, ${by}`, async () => {
    using root = rootfs();
    using folder = source();
    Deno.symlinkSync("/outside", `${root.path}/link`);
    Deno.mkdirSync(`${root.path}/outside`);
    Deno.symlinkSync("../../../../../../outside", `${root.path}/climbing`);
    await leavesTheHost(async () => {
      for (const target of ["/../../outside", "/link", "/climbing", "/etc/../../outside"]) {
        const volumes = [`${folder.path}:${target}`];
        assertEquals(await says(config(root, { volumes }), "cat /outside/file"), "text", target);
      }
    });
    assert(!exists("/outside"));
  });

  test(`volumes are mounted from the root downwards when one lies in the other, whatever their order, ${by}`, async () => {
    using root = rootfs();
    using folder = source();
    const volumes = [`${folder.path}/file:/a/b/c`, `${folder.path}:/a/b/d`];
    const below = config(root, { volumes, tmpfs: ["/a"] });
    assertEquals(await says(below, "cat /a/b/c /a/b/d/file; stat -f -c %T /a"), "texttexttmpfs");
    assert(!exists(`${root.path}/a/b`));
  });

  test(`mounts come in their own order, after all others, ${by}`, async () => {
    using root = rootfs();
    using folder = source();
    const bind = (destination: string) => ({ destination, type: "bind", source: folder.path, options: ["bind"] });
    const memory = { destination: "/a", type: "tmpfs", source: "tmpfs" };
    assertEquals(await says(config(root, { mounts: [bind("/a/b"), memory] }), "ls /a"), "");
    assertEquals(await says(config(root, { mounts: [memory, bind("/a/b")] }), "ls /a; cat /a/b/file"), "b\ntext");
    const relative = { ...memory, destination: "/x/../y" };
    assertEquals(await says(config(root, { mounts: [relative] }), "stat -f -c %T /y"), "tmpfs");
  });

  test(`tmpfs has the size and the permissions that are asked for, ${by}`, async () => {
    using root = rootfs();
    const tmpfs = ["/a:size=64k,mode=700", { target: "/b", sizeBytes: 8192, mode: 0o1711, options: ["exec", "ro"] }];
    const found = mountLines(
      await says(config(root, { tmpfs }), "cat /proc/self/mountinfo"),
    );
    const line = (path: string) => found.find(({ target }) => target === path)!;
    assertEquals(line("/a").options.join(), "rw,nosuid,nodev,noexec,relatime");
    assert(line("/a").superOptions.includes("size=64k"));
    assertEquals(line("/b").options.join(), "ro,nosuid,nodev,relatime");
    assert(line("/b").superOptions.includes("size=8k"));
    assertEquals(await says(config(root, { tmpfs }), "stat -c %a /a /b"), "700\n1711");
    const full = await sh(config(root, { tmpfs }), "head -c 100000 /dev/zero >/a/x");
    assertMatch(full.stderr, NO_ROOM);
  });

  test(`overlay keeps the root as it is when it is true, ${by}`, async () => {
    using root = rootfs();
    const before = [...Deno.readDirSync(root.path)].length;
    const script =
      "echo new >/new; echo more >>/etc/passwd; rm /etc/group; mkdir -p /a/b; cat /new; tail -n 1 /etc/passwd";
    await leavesTheHost(async () => {
      assertEquals(await says(config(root, { overlay: true }), `${script}; ls /etc`), "new\nmore\npasswd");
    });
    assertEquals([...Deno.readDirSync(root.path)].length, before);
    assert(exists(`${root.path}/etc/group`));
    assertEquals(await says(config(root, { overlay: true }), "ls /etc"), "group\npasswd");
    const full = await sh(config(root, { overlay: { sizeBytes: 65536 } }), "head -c 1000000 /dev/zero >/x");
    assertMatch(full.stderr, NO_ROOM);
  });

  test(`overlay keeps what is written when it has a folder, ${by}`, async () => {
    using root = rootfs();
    using folder = tempFolder();
    const kept = config(root, { overlay: { folder: folder.path } });
    await says(kept, "echo new >/new; rm /etc/group");
    assertEquals(Deno.readTextFileSync(`${folder.path}/upper/new`), "new\n");
    assert(!exists(`${root.path}/new`));
    assertEquals(await says(kept, "cat /new; ls /etc"), "new\npasswd");
    await assertRejects(
      () => sh(config(root, { overlay: { folder: `${folder.path}/missing` } }), ""),
      SystemError,
      "no such file or directory",
    );
  });

  test(`files are there with their bytes when they are given, over others and in new folders, ${by}`, async () => {
    using root = rootfs();
    const files = { "/a/b/bytes": new Uint8Array([0, 255, 10]), "/etc/passwd": "nobody" };
    const look = "stat -c '%s %a %u' /a/b/bytes; cat /etc/passwd; echo x >>/etc/passwd";
    const { stdout } = await sh(config(root, { files, user: "0" }), look);
    assertEquals(stdout.split("\n").slice(0, 2), ["3 444 0", "nobody"]);
    // What something is mounted on has to be there: an empty file is, and stays.
    assertEquals(Deno.statSync(`${root.path}/a/b/bytes`).size, 0);
    assertMatch(Deno.readTextFileSync(`${root.path}/etc/passwd`), /^root:/);
    await says(config(root, { files: { "/only/here": "text" }, overlay: true }), "cat /only/here");
    assert(!exists(`${root.path}/only`));
  });

  test(`devices are made as OCI describes them, ${by}`, async () => {
    using root = rootfs();
    const devices = [
      { type: "c", path: "/dev/own/null", major: 1, minor: 3, fileMode: 0o600, uid: 1, gid: 2 },
      { type: "b", path: "/dev/block", major: 7, minor: 200 },
      { type: "p", path: "/dev/pipe", fileMode: 0o640 },
    ] as const;
    const look = "stat -c '%F %t:%T %a %u:%g' /dev/own/null /dev/block /dev/pipe";
    assertEquals((await says(config(root, { devices, mounts: [] }), look)).split("\n"), [
      "character special file 1:3 600 1:2",
      "block special file 7:c8 666 0:0",
      "fifo 0:0 640 0:0",
    ]);
    const host = config(root, { hostDevices: ["/dev/kmsg"] });
    assertEquals(await says(host, "stat -c '%F %t:%T' /dev/kmsg"), "character special file 1:b");
    await assertRejects(() => sh(config(root, { hostDevices: ["/etc/passwd"] }), ""), SpecError, "hostDevices[0]");
    await assertRejects(() => sh(config(root, { hostDevices: ["/dev/missing"] }), ""), SpecError, "hostDevices[0]");
  });

  test(`volumes show what the host mounts later when they are rslave or rshared, and else don't, ${by}`, async () => {
    using root = rootfs();
    using folder = source();
    hostMount("--make-shared", `${folder.path}/below`);
    Deno.mkdirSync(`${folder.path}/below/later`);
    const volumes = ["rslave", "rshared", "rprivate"].map((each) => `${folder.path}:/${each}:${each}`);
    const script = "echo ready; read line; for each in rslave rshared rprivate; do ls /$each/below/later; echo .; done";
    const streams = { stdin: "piped", stdout: "piped" } as const;
    await using program = namespaceSpawn({ ...shell(script), ...config(root, { volumes }), ...streams });
    const reader = program.stdout.getReader();
    assertEquals(textOf((await reader.read()).value), "ready");
    hostMount("-t", "tmpfs", "later", `${folder.path}/below/later`);
    Deno.writeTextFileSync(`${folder.path}/below/later/seen`, "");
    const writer = program.stdin.getWriter();
    await writer.write(new TextEncoder().encode("go\n"));
    await writer.close();
    let output = "";
    for (let each = await reader.read(); !each.done; each = await reader.read()) output += textOf(each.value) + "\n";
    assertEquals(output.trim().split("\n"), ["seen", ".", "seen", ".", "."]);
    await program.status;
  });
}

/** Runs code in another Deno, for which the kernel lacks system calls. */
async function withoutCalls(names: string[], code: string): Promise<string> {
  const mod = new URL("../mod.ts", import.meta.url).href;
  const { exitCode, stdout, stderr } = await namespaceExec({
    program: Deno.execPath(),
    argv: ["deno", "eval", "--quiet", `import { explain, namespaceExecSync } from "${mod}"; ${code}`],
    seccomp: {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names, action: "SCMP_ACT_ERRNO", errnoRet: 38 }],
    },
    stdout: "piped",
    stderr: "piped",
  });
  assertEquals([exitCode, textOf(stderr)], [0, ""]);
  return textOf(stdout);
}

test("mounts are made by the classic calls when the kernel lacks one of the new, and nothing else is said", async () => {
  using root = rootfs();
  using folder = source();
  const config = { ...shell("cat /data/file; ls /data/below"), rootfs: root.path, overlay: true, tmpfs: ["/t"] };
  const whole = JSON.stringify({ ...config, volumes: [`${folder.path}:/data:ro`] });
  const code = `
    const calls = new Set(explain(${whole}).map(({ syscall }) => syscall));
    console.log(["mount", "fsopen", "open_tree", "move_mount"].filter((call) => calls.has(call)).join());
    namespaceExecSync(${whole});
    try { namespaceExecSync({ ...${whole}, mountApi: "new" }); } catch ({ name }) { console.log(name); }
  `;
  const NEW = ["fsopen", "open_tree", "move_mount", "mount_setattr"];
  for (const lacks of [NEW, ...NEW.map((call) => [call])]) {
    assertEquals(await withoutCalls(lacks, code), "mount\ntextSystemError", lacks.join());
  }
  assertEquals(await withoutCalls(["kexec_load"], code), "mount,fsopen,open_tree,move_mount\ntexttext");
});

test("volumes let nothing be written below them either when they are rro", async () => {
  using root = rootfs();
  using folder = source();
  const config = { rootfs: root.path, volumes: [`${folder.path}:/data:rro`] };
  for (const path of ["/data/new", "/data/below/new"]) {
    assertMatch((await sh(config, `echo >${path}`)).stderr, /Read-only file system/);
  }
  await assertRejects(() => sh({ ...config, mountApi: "classic" }, ""), SpecError, "volumes[0]: needs mount_setattr");
});

test("mounts show other owners when they have mappings of ids", async () => {
  using root = rootfs();
  using folder = source();
  const ids = [{ containerID: 0, hostID: 1000, size: 1 }];
  const mount = { destination: "/data", type: "bind", source: folder.path, options: ["bind"] };
  const config = { rootfs: root.path, mounts: [{ ...mount, uidMappings: ids, gidMappings: ids }] };
  assertEquals(await says(config, "stat -c %u:%g /data/file"), "1000:1000");
  await says({ ...config, user: "1000:1000" }, "echo >/data/new");
  assertEquals(Deno.statSync(`${folder.path}/new`).uid, 0);
  assertEquals(await says({ ...config, mounts: [mount] }, "stat -c %u:%g /data/file"), "0:0");
  const without = { rootfs: root.path, volumes: [`${folder.path}:/data:idmap`] };
  await assertRejects(() => sh(without, ""), SpecError, "volumes[0]: idmap needs");
});

test("volumes have the host see what a container mounts in them when they are rshared, and else don't", async () => {
  using root = rootfs();
  using folder = source();
  hostMount("--make-shared", `${folder.path}/below`);
  for (const each of ["rshared", "shared", "rslave", "rprivate"]) Deno.mkdirSync(`${folder.path}/below/${each}`);
  const mounts = (options: string) => `mount -t tmpfs inner /data/${options} && echo >/data/${options}/seen`;
  for (const options of ["rshared", "shared", "rslave", "rprivate"]) {
    const volumes = [`${folder.path}/below:/data:${options}${options === "shared" ? ",bind" : ""}`];
    const may = { capAdd: ["SYS_ADMIN"], seccomp: "unconfined" } as const;
    const { stderr } = await sh({ rootfs: root.path, volumes, ...may }, mounts(options));
    assertEquals(stderr, "", options);
    assertEquals(exists(`${folder.path}/below/${options}/seen`), options.endsWith("shared"), options);
  }
});

for (const mountApi of ["new", "classic"] as const) {
  test(`volumes tell that they tell the host nothing when they cannot, by the ${mountApi} calls`, async () => {
    using root = rootfs();
    using folder = source();
    const volumes = [`${folder.path}:/data:rshared`];
    const config = { rootfs: root.path, mountApi, enableUserNamespace: mountApi === "new", volumes };
    await using program = namespaceSpawn({
      ...shell("true"),
      ...config,
      uidMappings: mapped(mountApi),
      gidMappings: mapped(mountApi),
    });
    const why = mountApi === "new" ? "the container has a user namespace" : "mount(2) makes it";
    const told = `what is mounted below /data is not mounted for the host, though it is shared: ${why}`;
    assertEquals(program.degraded, [told]);
  });
}

/** All ids, as they are. */
function mapped(mountApi: "new" | "classic") {
  return mountApi === "new" ? [{ containerID: 0, hostID: 0, size: 65536 }] : undefined;
}

test("volumes show their files as the container's when they are idmap in a user namespace", async () => {
  using root = rootfs();
  using folder = source();
  const ids = [{ containerID: 0, hostID: 100_000, size: 65536 }];
  // Its root owns nothing of the root filesystem, and could make no place in it.
  for (const place of ["data", "all"]) Deno.mkdirSync(`${root.path}/${place}`);
  const volumes = [`${folder.path}:/data:idmap,ro`, `${folder.path}:/all:ridmap`];
  const config = { rootfs: root.path, enableUserNamespace: true, uidMappings: ids, gidMappings: ids, volumes };
  await leavesTheHost(async () => {
    const show =
      "stat -c %u:%g /data/file /data/below /all/below; { echo >/data/new; } 2>/dev/null || echo refused; echo >/all/new";
    assertEquals((await says(config, show)).split("\n"), ["0:0", "65534:65534", "0:0", "refused"]);
  });
  assertEquals(Deno.statSync(`${folder.path}/new`).uid, 0);
  const lines = mountLines(await says(config, "cat /proc/self/mountinfo"));
  for (const target of ["/data", "/all"]) {
    assertEquals(lines.find((line) => line.target === target)?.propagation, [], target);
  }
});

test("an overlay over / in a user namespace tells why it cannot be", async () => {
  const { code, stderr } = await cli(["--user", "--rootfs", "/", "--overlay", "/bin/true"]);
  assertEquals(code, 125);
  assertMatch(stderr, /an overlay over the root filesystem: invalid argument; there are mounts below it, which a user/);
  assertEquals((await cli(["--rootfs", "/", "--overlay", "/bin/true"])).code, 0);
});

for (
  const [mode, tag] of [["private", ""], ["shared", "shared"], ["unbindable", "unbindable"], ["slave", ""]] as const
) {
  test(`rootfsPropagation makes the root ${mode} when it says so`, async () => {
    using root = rootfs();
    await leavesTheHost(async () => {
      const config = { rootfs: root.path, rootfsPropagation: mode };
      const [line] = mountLines(await says(config, "cat /proc/self/mountinfo"));
      assertEquals(line.propagation.map((each) => each.split(":")[0]).join(), tag);
    });
  });
}

for (
  const [options, script, expected] of [
    [["--volume", "SOURCE:/data:ro"], "cat /data/file; echo >/data/x || echo refused", "textrefused"],
    [["--tmpfs", "/data:size=64k"], "stat -f -c %T /data", "tmpfs"],
    [["--mount", "type=bind,src=SOURCE,dst=/data,ro"], "cat /data/file", "text"],
    [["--overlay"], "echo >/new; ls /new", "/new"],
    [["--read-only"], "echo >/new || echo refused", "refused"],
    [["--device", "/dev/kmsg"], "stat -c %t:%T /dev/kmsg", "1:b"],
    [["--container-dir", "SOURCE"], "echo text >/kept; cat /kept", "text"],
  ] as const
) {
  test(`minicontainer ${options[0]} does what the library's field does when it is given`, async () => {
    using root = rootfs();
    using folder = source();
    const given = options.map((option) => option.replace("SOURCE", folder.path));
    const { code, stdout } = await cli(["--rootfs", root.path, ...given, "/bin/sh", "-c", script]);
    assertEquals({ code, stdout: stdout.trimEnd() }, { code: 0, stdout: expected });
    if (options[0] === "--container-dir") assert(exists(`${folder.path}/upper/kept`));
  });
}
