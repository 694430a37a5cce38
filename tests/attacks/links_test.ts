/**
 * Root filesystems whose links lead out of them: nothing of the host's is mounted over, written to or read.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { type NamespaceExecConfig, SpecError, SystemError } from "../../mod.ts";
import { namedPipe, requires, shell, tempFolder, tool } from "../support.ts";
import { cli } from "../support_cli.ts";
import { containers, leavesTheHost, rootfs } from "../support_rootfs.ts";
import { contained, mountApis, namesIn } from "./support.ts";

const test = requires(containers);

/** A root filesystem, and a folder of the host's that it must not reach. */
function scene() {
  const root = rootfs();
  const host = tempFolder();
  Deno.writeTextFileSync(`${host.path}/secret`, "the host's");
  return {
    root: root.path,
    host: host.path,
    /** Puts something else where a folder of the root is. */
    replace(name: string, make: (path: string) => unknown) {
      Deno.removeSync(`${root.path}/${name}`, { recursive: true });
      make(`${root.path}/${name}`);
    },
    /** What the host's folder holds, and what its file says: neither may change. */
    hostIsUntouched() {
      assertEquals(namesIn(host.path), ["secret"]);
      assertEquals(Deno.readTextFileSync(`${host.path}/secret`), "the host's");
    },
    [Symbol.dispose]() {
      root[Symbol.dispose]();
      host[Symbol.dispose]();
    },
  };
}

const link = (to: string) => (path: string) => Deno.symlinkSync(to, path);

for (const [api, apiConfig] of mountApis) {
  for (const folder of ["proc", "sys"]) {
    test(`CVE-2019-16884, 2019-19921, 2023-27561, 2023-28642: /${folder} leads elsewhere, by ${api}`, async () => {
      using place = scene();
      const config: NamespaceExecConfig = { rootfs: place.root, program: "/bin/true", ...apiConfig };
      const forms: Record<string, (path: string) => unknown> = {
        "to the host": link(place.host),
        "to the host, relatively": link(`../../../../../..${place.host}`),
        "to a folder of the root": link("/tmp"),
        "to nothing": link("/no/such"),
        "to itself": link(folder),
        "to the host's own": link(`/proc/1/root/${folder}`),
        "nowhere: a file": (path) => Deno.writeTextFileSync(path, ""),
        "nowhere: a pipe": namedPipe,
      };
      for (const [form, make] of Object.entries(forms)) {
        place.replace(folder, make);
        await leavesTheHost(() => assertRejects(() => contained(config), SystemError, `on "/${folder}"`, form));
        place.hostIsUntouched();
        assertEquals(namesIn(`${place.root}/tmp`), []);
      }
      place.replace(folder, () => {});
      assertEquals((await contained(config)).exitCode, 0);
    });
  }

  test(`CVE-2026-41579, 2026-47766: /dev leads to a folder of the host's, by ${api}`, async () => {
    using place = scene();
    const config: NamespaceExecConfig = { rootfs: place.root, ...shell("ls /dev"), ...apiConfig };
    const volumes = [`${place.host}:/data`];
    Deno.mkdirSync(`${place.root}/data`);
    for (const to of [place.host, `../../../../../..${place.host}`, "/data", "data/../data"]) {
      place.replace("dev", link(to));
      for (const form of [config, { ...config, volumes }]) {
        await leavesTheHost(() => assertRejects(() => contained(form), SystemError, 'on "/dev"'));
        place.hostIsUntouched();
      }
    }
    place.replace("dev", () => {});
    const { stdout } = await contained({ ...config, volumes });
    assertEquals(stdout.split("\n").filter((name) => ["null", "ptmx", "urandom"].includes(name)).length, 3);
    place.hostIsUntouched();
    assertEquals(namesIn(`${place.root}/dev`), []);
  });

  test(`CVE-2026-41579: a device's folder leads to a folder of the host's, by ${api}`, async () => {
    using place = scene();
    const node = (path: string): Partial<NamespaceExecConfig> => ({
      devices: [{ type: "c", path, major: 1, minor: 3 }],
    });
    const volumes = [`${place.host}:/data`];
    const config = { rootfs: place.root, ...shell('stat -c "%F %t:%T" "$1"', "/srv/node"), volumes, ...apiConfig };
    Deno.symlinkSync("/data", `${place.root}/srv`);
    await leavesTheHost(() => assertRejects(() => contained({ ...config, ...node("/srv/node") }), SystemError));
    await assertRejects(() => contained({ ...config, ...node("/srv/deeper/node") }), SystemError);
    place.hostIsUntouched();
    Deno.removeSync(`${place.root}/srv`);
    assertEquals((await contained({ ...config, ...node("/srv/node") })).stdout, "character special file 1:3");
  });

  test(`CVE-2018-15664, 2024-45310: a volume's target leads to the host, by ${api}`, async () => {
    using place = scene();
    using source = tempFolder();
    Deno.writeTextFileSync(`${source.path}/mark`, "volume");
    // In the container the host's path is one of the root's own.
    const inRoot = `${place.root}${place.host}`;
    const targets: Record<string, [link: string, target: string]> = {
      absolute: [place.host, "/way"],
      relative: [`../../../../../../../..${place.host}`, "/way"],
      "on the way": ["/", `/way/${place.host}`],
      "with dots": [place.host, "/../../way/../../way"],
    };
    for (const [form, [to, target]] of Object.entries(targets)) {
      Deno.symlinkSync(to, `${place.root}/way`);
      const script = `cat ${place.host}/mark; echo written >${place.host}/new; cat ${place.host}/secret`;
      const config = { rootfs: place.root, ...shell(script), volumes: [`${source.path}:${target}`], ...apiConfig };
      if (form !== "on the way") await leavesTheHost(() => assertRejects(() => contained(config), SystemError));
      place.hostIsUntouched();
      Deno.mkdirSync(inRoot, { recursive: true });
      await leavesTheHost(async () => assertEquals((await contained(config)).stdout, "volume", form));
      assertEquals(namesIn(source.path), ["mark", "new"], form);
      place.hostIsUntouched();
      Deno.removeSync(`${place.root}/way`);
      Deno.removeSync(inRoot, { recursive: true });
    }
  });

  test(`files from memory over links change neither the host nor the root filesystem, by ${api}`, async () => {
    using place = scene();
    const files = { "/etc/motd": "from memory", "/new/folder/file": "made" };
    const config = { rootfs: place.root, ...shell("cat /etc/motd /new/folder/file"), files, ...apiConfig };
    for (const to of [`${place.host}/secret`, `../../../../../..${place.host}/secret`]) {
      Deno.symlinkSync(to, `${place.root}/etc/motd`);
      await assertRejects(() => contained(config), SystemError, '"/etc/motd"');
      place.hostIsUntouched();
      Deno.removeSync(`${place.root}/etc/motd`);
    }
    Deno.symlinkSync("../tmp/motd", `${place.root}/etc/motd`);
    Deno.writeTextFileSync(`${place.root}/tmp/motd`, "the root's");
    assertEquals((await contained(config)).stdout, "from memorymade");
    assertEquals(Deno.readTextFileSync(`${place.root}/tmp/motd`), "the root's");
  });

  test(`an overlay's layer that leads to the host is not written to, by ${api}`, async () => {
    using place = scene();
    using layer = tempFolder();
    const overlay = { folder: layer.path };
    const config = { rootfs: place.root, ...shell("echo changed >/secret"), overlay, ...apiConfig };
    for (const name of ["upper", "work"]) {
      Deno.symlinkSync(place.host, `${layer.path}/${name}`);
      await leavesTheHost(() => assertRejects(() => contained(config), SystemError, "overlay"));
      place.hostIsUntouched();
      Deno.removeSync(`${layer.path}/${name}`);
    }
    assertEquals((await contained(config)).exitCode, 0);
    assertEquals(Deno.readTextFileSync(`${layer.path}/upper/secret`), "changed\n");
  });

  test(`masked and read-only paths that lead to the host cover what they lead to in the root, by ${api}`, async () => {
    using place = scene();
    const inRoot = `${place.root}${place.host}`;
    Deno.mkdirSync(inRoot, { recursive: true });
    Deno.writeTextFileSync(`${inRoot}/secret`, "the root's");
    Deno.symlinkSync(`${place.host}/secret`, `${place.root}/file`);
    Deno.symlinkSync(`../../../..${place.host}`, `${place.root}/folder`);
    const paths = { maskedPaths: ["/file"], readonlyPaths: ["/folder", "/no/such"] };
    const script = "cat /file; echo changed >/folder/new || echo refused; stat -L -c %t:%T /file";
    await leavesTheHost(async () => {
      const { stdout } = await contained({ rootfs: place.root, ...shell(script), ...paths, ...apiConfig });
      assertEquals(stdout, "refused\n1:3");
    });
    place.hostIsUntouched();
  });
}

/** Starts the command where a device of the host's is another file, in a mount namespace of its own. */
const replacing = (device: string) => [
  ...["unshare", "-m", "sh", "-c", 'mount --bind /dev/full "$0"; exec "$@"', device],
];

requires(containers, tool("unshare"))("CVE-2025-31133: what is bound as a device is that device", async () => {
  using place = scene();
  const command = ["--rootfs", place.root, "stat", "-c", "%t:%T", "/dev/null", "/dev/zero"];
  const inNamespace = ["--user", "--map-ids", "single", ...command];
  for (
    const [device, args, what] of [
      ["/dev/zero", inNamespace, 'bind the device "/dev/zero"'],
      ["/dev/null", inNamespace, 'bind the device "/dev/null"'],
      ["/dev/null", command, 'mask "/proc/'],
    ] as const
  ) {
    const { code, stdout, stderr } = await cli([...args], { prefix: replacing(device) });
    assertEquals([code, stdout], [125, ""]);
    assertMatch(stderr, new RegExp(`^minicontainer: cannot ${what}.*: no such device\n$`));
  }
  for (const args of [command, inNamespace]) assertEquals((await cli(args)).stdout, "1:3\n1:5\n");
});

test("CVE-2024-9676, 2026-47262: /etc/passwd is a link to the host's, a pipe, a device, a folder, endless", async () => {
  using place = scene();
  Deno.writeTextFileSync(`${place.host}/secret`, "the-hosts-user:x:7:7::/:/bin/sh\n");
  const config = { rootfs: place.root, ...shell("id -u"), user: "the-hosts-user" };
  const forms: [make: (path: string) => unknown, message: string][] = [
    [link(`${place.host}/secret`), "has no"],
    [link(`../../../../../..${place.host}/secret`), "has no"],
    [link("/proc/self/fd/0"), "has no"],
    [link("passwd"), "symbolic links"],
    [namedPipe, "is a FIFO"],
    [(path) => Deno.mkdirSync(path), "is a folder"],
    [(path) => new Deno.Command("mknod", { args: [path, "c", "1", "5"] }).outputSync(), "is a character device"],
    [(path) => {
      Deno.writeTextFileSync(path, "");
      Deno.truncateSync(path, 2 ** 40);
    }, "is larger than"],
  ];
  for (const [make, message] of forms) {
    place.replace("etc/passwd", make);
    const error = await contained(config).then(() => undefined, (error) => error);
    assert(error instanceof SpecError || error instanceof SystemError, `${error}`);
    assertStringIncludes(error.message, message);
  }
  place.replace("etc/passwd", link("/usr/lib/passwd"));
  Deno.mkdirSync(`${place.root}/usr/lib`, { recursive: true });
  Deno.writeTextFileSync(`${place.root}/usr/lib/passwd`, "the-hosts-user:x:8:8::/:/bin/sh\n");
  assertEquals((await contained(config)).stdout, "8");
  place.replace("etc/passwd", () => {});
  assertEquals((await contained({ ...config, user: "12:34" })).stdout, "12");
});
