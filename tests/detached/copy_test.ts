import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Container, StateError, SystemError } from "../../mod.ts";
import { requires, tempFolder, textOf } from "../support.ts";
import { containers } from "../support_rootfs.ts";
import { Root } from "./support.ts";

const test = requires(containers);

/** What a container's shell says. */
async function inside(container: Container, script: string): Promise<string> {
  await using process = await container.exec({
    program: "/bin/sh",
    argv: ["sh", "-c", script],
    stdout: "piped",
    stderr: "null",
  });
  const [output] = await Promise.all([new Response(process.stdout).bytes(), process.status]);
  return textOf(output);
}

/** Names, kinds, permissions, owners, times and contents of what is in a folder. */
function tree(path: string): string {
  const script =
    'set -e; cd "$1"; find . -mindepth 1 -printf "%P %y %m %U:%G %l\\n" | sort; find . -type f | sort | xargs cat';
  const { success, stdout } = new Deno.Command("sh", { args: ["-c", script, "sh", path] }).outputSync();
  assertEquals(success, true);
  return textOf(stdout);
}

/** A folder with all that can be copied. */
function sample(path: string): string {
  const script = `
    mkdir -p "$1/sub/deep" "$1/closed"; cd "$1"
    echo one >file; chmod 640 file; chown 1000:1001 file; ln file closed/same
    printf '#!/bin/sh\\necho runs\\n' >sub/run; chmod 4755 sub/run; : >sub/empty; touch -d 2001-02-03 sub/empty
    ln -s ../file sub/link; ln -s /nowhere dangling; chown -h 7:8 dangling
    chmod 2750 sub/deep; chown 5:6 sub/deep; echo x >closed/x; chmod 500 closed
  `;
  new Deno.Command("sh", { args: ["-ec", script, "sh", path] }).outputSync();
  return path;
}

test("cp takes a folder in and out with its permissions, owners, times and links", async () => {
  await using root = new Root();
  using host = tempFolder();
  const source = sample(`${host.path}/source`);
  const id = await root.detached("sleep 1000", "--name", "one", "-v", `${host.path}:/volume`);
  await root.run("cp", source, `${id}:/home`);
  // A folder that is there gets the folder by its name.
  assertEquals(tree(`${root.rootfs.path}/home/source`), tree(source));
  assertEquals(Deno.statSync(`${root.rootfs.path}/home/source/sub/empty`).mtime, new Date("2001-02-03T00:00:00"));
  const container = await Container.open("one", { root: root.path });
  assertEquals(
    await inside(container, "cd /home/source; ./sub/run; cat sub/link; stat -c %u:%g file"),
    "runs\none\n1000:1001",
  );
  await root.run("cp", `${id}:/home/source`, `${host.path}/back`);
  // A program that a container has made is no set-user-ID program of the host's.
  assertEquals(tree(`${host.path}/back`), tree(source).replace("4755", "755").replace("2750", "750"));
  // What is mounted in it is seen; the contents alone go into a folder that is there.
  await root.run("cp", "one:/volume/source/.", `${host.path}/back/closed`);
  assertEquals(tree(`${host.path}/back/closed/sub`), tree(`${host.path}/back/sub`));
});

test("cp keeps that names are of one file, in both directions and over what was copied before", async () => {
  await using root = new Root();
  using host = tempFolder();
  const { path } = host;
  for (const folder of ["from", "from/a", "from/b", "contents"]) Deno.mkdirSync(`${path}/${folder}`);
  Deno.writeTextFileSync(`${path}/from/a/one`, "x");
  Deno.chownSync(`${path}/from/a/one`, 1000, 1001);
  for (const name of ["from/a/two", "from/b/three", "outside"]) Deno.linkSync(`${path}/from/a/one`, `${path}/${name}`);
  const links = (base: string) => {
    const found = ["a/one", "a/two", "b/three"].map((name) => Deno.lstatSync(`${base}/${name}`));
    for (const { uid, gid, size } of found) assertEquals([uid, gid, size], [1000, 1001, 1]);
    return [new Set(found.map(({ ino }) => ino)).size, found[0].nlink];
  };
  await using container = await root.start("sleep 1000", { id: "one" });
  for (const _time of ["once", "again"]) {
    await container.copyIn(`${path}/from`, "/home");
    assertEquals(links(`${root.rootfs.path}/home/from`), [1, 3]);
    await container.copyOut("/home/from/.", `${path}/contents`);
    assertEquals(links(`${path}/contents`), [1, 3]);
  }
  await container.copyIn(`${path}/outside`, "/home/from/a/two");
  assertEquals(links(`${root.rootfs.path}/home/from`), [2, 2]);
});

test("cp follows docker's rules for what the target is", async () => {
  await using root = new Root();
  using host = tempFolder();
  const at = (name: string) => `${host.path}/${name}`;
  await root.start("mkdir /d; echo old >/f; ln -s /d /to-d; ln -s f /to-f; sleep 1000", { id: "one" });
  const container = await Container.open("one", { root: root.path });
  while (await inside(container, "readlink /to-f") !== "f");
  Deno.writeTextFileSync(at("new"), "new");
  Deno.symlinkSync("new", at("link"));
  Deno.mkdirSync(at("folder"));
  await container.copyIn(at("new"), "/d");
  await container.copyIn(at("new"), "/to-d/other");
  await container.copyIn(at("link"), "/d/");
  await container.copyIn(at("link"), "/d/followed", { followLink: true });
  await container.copyIn(at("folder"), "d/made");
  await container.copyIn(at("new"), "/to-f");
  assertEquals(
    await inside(container, "cd /d; ls; cat new other followed ../f; readlink link; readlink ../to-f"),
    "followed\nlink\nmade\nnew\nother\nnewnewnewnewnew\nf",
  );
  await container.copyIn(at("new"), "/f");
  await container.copyOut("/f", at("folder"));
  assertEquals(Deno.readTextFileSync(at("folder/f")), "new");
  const refused = async (...sides: [string, string]) => {
    const { code, stdout, stderr } = await root.call("cp", ...sides);
    assertEquals({ code, stdout, lines: stderr.trimEnd().split("\n").length }, { code: 1, stdout: "", lines: 1 });
    return stderr;
  };
  assertMatch(await refused("one:/missing", at("x")), /cannot copy "one:\/missing": no such file or directory/);
  assertMatch(await refused(at("missing"), "one:/"), /cannot copy ".*missing": no such file or directory/);
  assertMatch(await refused(at("new"), "one:/no/file"), /cannot write "one:\/no\/file": no such file or directory/);
  assertMatch(await refused(at("new"), "one:/no/"), /cannot write "one:\/no\/": no such file or directory/);
  assertMatch(await refused(at("folder"), "one:/f"), /cannot write "one:\/f": a folder cannot take the place/);
  assertMatch(await refused(at("new"), "one:/f/"), /cannot write "one:\/f\/": not a directory/);
  assertMatch(await refused("one:/dev/null", at("x")), /cannot copy "one:\/dev\/null": it is a device/);
  assertMatch(await refused(at("new"), "one:/dev/null"), /cannot write "one:\/dev\/null": it is a device/);
  assertMatch(await refused(at("new"), "one:/proc/sys/x"), /it is on a filesystem of the kernel's/);
  assertMatch(await refused("one:/proc/1/root/f", at("x")), /cannot copy/);
  assertMatch(await refused("nobody:/f", at("x")), /container "nobody" does not exist/);
  assertMatch(await refused(at("new"), at("x")), /needs the ID of a container/);
  assertMatch(await refused("one:", at("x")), /needs a path behind the colon/);
  assertMatch(await refused("one:/f", "-"), /copies no tar stream, .*; a file is named \.\/-/);
  assertMatch(await refused("-", "one:/d"), /copies no tar stream/);
});

test("cp leaves out devices and what is the kernel's, and does not copy a folder into itself", async () => {
  await using root = new Root();
  using host = tempFolder();
  const container = await root.start("mkdir /a; echo 1 >/a/1; mkfifo /a/fifo; sleep 1000", { id: "one" });
  while (await inside(container, "ls /a") !== "1\nfifo");
  const leftOut = await container.copyOut("/", `${host.path}/all`);
  assertEquals(leftOut.includes('"one:/a/fifo" is left out: it is a device, a FIFO or a socket'), true);
  assertEquals(leftOut.includes('"one:/proc" is left out: it is a filesystem of the kernel\'s'), true);
  assertEquals(Deno.readTextFileSync(`${host.path}/all/a/1`), "1\n");
  const { code, stderr } = await root.call("cp", "one:/a", "one:/a/again");
  assertEquals(code, 0);
  assertMatch(stderr, /"one:\/a\/again" is left out: it is where it is copied to/);
  assertEquals(await inside(container, "find /a | sort"), "/a\n/a/1\n/a/again\n/a/again/1\n/a/fifo");
});

test("cp goes on with a container that is created, paused or stopped, and from one to another", async () => {
  await using root = new Root();
  using host = tempFolder();
  Deno.writeTextFileSync(`${host.path}/f`, "f");
  const copy = async (id: string, name: string) => {
    await root.run("cp", `${host.path}/f`, `${id}:/tmp/${name}`);
    await root.run("cp", `${id}:/tmp/${name}`, `${host.path}/${name}`);
    assertEquals(Deno.readTextFileSync(`${host.path}/${name}`), "f");
  };
  const { path: rootfs } = root.rootfs;
  await using created = await Container.create({ program: "true", rootfs, id: "one", root: root.path });
  await copy("one", "created");
  await created.delete({ force: true });
  await root.detached("sleep 1000", "--name", "two");
  await root.run("pause", "two");
  await copy("two", "paused");
  await root.run("resume", "two");
  await root.detached("sleep 1000", "--name", "three");
  await root.run("cp", "two:/tmp/paused", "three:/from-two");
  assertEquals(Deno.readTextFileSync(`${rootfs}/from-two`), "f");
  await root.run("stop", "-t", "0", "two");
  await copy("two", "stopped");
});

test("cp reaches an ended container's overlay in a folder, and says so where it was in memory", async () => {
  await using root = new Root();
  using host = tempFolder();
  const script = "echo written >/etc/new; rm /etc/passwd";
  await root.detached(script, "--name", "kept", "--overlay", "--container-dir", host.path);
  await root.detached(script, "--name", "lost", "--overlay");
  await root.run("wait", "kept", "lost");
  await root.run("cp", "kept:/etc", `${host.path}/etc`);
  assertEquals(Deno.readTextFileSync(`${host.path}/etc/new`), "written\n");
  assertEquals([...Deno.readDirSync(`${host.path}/etc`)].some(({ name }) => name === "passwd"), false);
  await root.run("cp", `${host.path}/etc/new`, "kept:/etc/newer");
  await root.run("cp", "kept:/etc/newer", `${host.path}/newer`);
  assertEquals([...Deno.readDirSync(`${root.rootfs.path}/etc`)].some(({ name }) => /new/.test(name)), false);
  const lost = await Container.open("lost", { root: root.path });
  await assertRejects(() => lost.copyOut("/etc/new", `${host.path}/x`), Error, "its overlay was in memory");
});

test("cp numbers owners as a user namespace does, and writes to its own filesystems", async () => {
  await using root = new Root();
  using host = tempFolder();
  const source = sample(`${host.path}/source`);
  const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  new Deno.Command("chown", { args: ["-R", "100000:100000", root.rootfs.path] }).outputSync();
  const config = { uidMappings: mapping, gidMappings: mapping, overlay: true };
  const container = await root.start("sleep 1000", { id: "one", ...config });
  for (const place of ["/home", "/dev/shm"]) {
    await container.copyIn(source, place);
    const said = "file 1000:1001 640 2\nclosed/same 1000:1001 640 2\nsub/run 0:0 4755 1\ndangling 7:8 777 1";
    const script = `cd ${place}/source; stat -c '%n %u:%g %a %h' file closed/same sub/run dangling`;
    assertEquals(await inside(container, script), said);
    await container.copyOut(`${place}/source`, `${host.path}/back${place.length}`);
    assertEquals(tree(`${host.path}/back${place.length}`), tree(source).replace("4755", "755").replace("2750", "750"));
  }
});

test("cp is refused where a container has the host's root", async () => {
  await using root = new Root();
  const spec = {
    ociVersion: "1.2.0",
    process: { args: ["sleep", "1000"], cwd: "/" },
    linux: { namespaces: [{ type: "pid" as const }] },
  };
  await using container = await Container.create({ spec, id: "one", root: root.path });
  await assertRejects(() => container.copyOut("/etc/passwd", "/nowhere"), StateError, "no root filesystem of its own");
  await using other = await root.start("sleep 1000", { id: "two", rootfs: root.rootfs.path, readOnly: true });
  await assertRejects(() => other.copyIn("/etc/passwd", "/etc/new"), SystemError, "read-only file system");
});
