/**
 * A container swaps parts of paths for links to the host while files are copied into it and out of it: nothing outside of
 * its root is read or written.
 *
 * @module
 */

import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { Container, type ProgramConfig, SystemError } from "../../mod.ts";
import { openLibrary } from "../../src/native/library.ts";
import { adoptSymbols, lifeHereSymbols, lifeSymbols } from "../../src/native/symbols.ts";
import { requires, tempFolder } from "../support.ts";
import { containers, rootfs } from "../support_rootfs.ts";
import { compile, compiler, namesIn, race } from "./support.ts";

// They stay open for as long as the process lives: opened by a test, they would look like that test's leak.
openLibrary(adoptSymbols);
openLibrary(lifeSymbols);
openLibrary(lifeHereSymbols);

const test = requires(containers, compiler);

/** Swaps two names without end: the container's own program. */
const SWAPPER = `
  #define _GNU_SOURCE
  #include <fcntl.h>
  #include <stdio.h>
  int main(int count, char **names) {
    for (;;) renameat2(AT_FDCWD, names[1], AT_FDCWD, names[2], RENAME_EXCHANGE);
  }
`;

/** A container that swaps a folder, `/data/real` with `/data/real/secret`, for a link to a folder of the host's. */
async function attacker(base: string, host: string, config: Partial<ProgramConfig> = {}): Promise<Container> {
  await compile(`${base}/bin/swap`, SWAPPER);
  Deno.mkdirSync(`${base}/data/real`, { recursive: true });
  Deno.writeTextFileSync(`${base}/data/real/secret`, "legit");
  Deno.symlinkSync(host, `${base}/data/link`);
  // The link leads to a folder of the root too, so that it can be followed there.
  Deno.mkdirSync(`${base}${host}`, { recursive: true });
  Deno.writeTextFileSync(`${base}${host}/secret`, "decoy");
  const argv = ["swap", "/data/real", "/data/link"];
  const program = { program: "/bin/swap", argv, rootfs: base, root: `${base}/../containers` };
  const container = await Container.create({ ...program, ...config });
  await container.start();
  return container;
}

/** A folder of the host's, which is as it was at the end of the block. */
function canary(): Disposable & { path: string } {
  const folder = tempFolder();
  const path = `${folder.path}/canary`;
  Deno.mkdirSync(path);
  Deno.writeTextFileSync(`${path}/secret`, "host's", { mode: 0o600 });
  Deno.writeTextFileSync(`${path}/again`, "host's", { mode: 0o600 });
  const look = () => {
    const files = ["secret", "again"].map((name) => {
      const { mode, uid, mtime, ino, nlink } = Deno.statSync(`${path}/${name}`);
      return [Deno.readTextFileSync(`${path}/${name}`), mode, uid, mtime?.getTime(), ino, nlink];
    });
    return [namesIn(path), files];
  };
  const before = look();
  return {
    path,
    [Symbol.dispose]: () => {
      try {
        assertEquals(look(), before);
      } finally {
        folder[Symbol.dispose]();
      }
    },
  };
}

test("CVE-2018-15664: what is copied out is the container's, whatever its links are swapped for meanwhile", async () => {
  using root = rootfs();
  using host = canary();
  using out = tempFolder();
  await using container = await attacker(root.path, host.path);
  const seen = new Set<string>();
  const { ended } = await race(async () => {
    for (const followLink of [false, true]) {
      await container.copyOut("/data/real/secret", `${out.path}/file`, { followLink });
      seen.add(Deno.readTextFileSync(`${out.path}/file`));
    }
  });
  assertGreater(ended, 0);
  // Both ends of the swap were met, and neither led to the host.
  assertEquals([...seen].sort(), ["decoy", "legit"]);
  let folders = 0;
  await race(async () => {
    const to = `${out.path}/tree`;
    await container.copyOut("/data", to);
    for (const name of ["real", "link"]) {
      if (!(await Deno.lstat(`${to}/${name}`).catch(() => undefined))?.isDirectory) continue;
      assertEquals(Deno.readTextFileSync(`${to}/${name}/secret`), "legit");
      folders++;
    }
    Deno.removeSync(to, { recursive: true });
  });
  assertGreater(folders, 0);
});

test("CVE-2018-15664: what is copied in goes to the container, whatever its links are swapped for meanwhile", async () => {
  using root = rootfs();
  using host = canary();
  using source = tempFolder();
  await using container = await attacker(root.path, host.path);
  const tree = `${source.path}/data`;
  Deno.mkdirSync(`${tree}/real`, { recursive: true });
  for (const path of [`${tree}/real/secret`, `${source.path}/file`]) Deno.writeTextFileSync(path, "in");
  for (const name of ["new", "again"]) Deno.linkSync(`${tree}/real/secret`, `${tree}/real/${name}`);
  for (
    const [from, to] of [
      [`${source.path}/file`, "/data/real/secret"],
      [`${source.path}/file`, "/data/real/added"],
      [`${source.path}/file`, "/data/real"],
      [`${tree}/real/.`, "/data/real"],
      [`${tree}/.`, "/data"],
      [tree, "/"],
    ]
  ) {
    const { ended } = await race(() => container.copyIn(from, to));
    assertGreater(ended, 0);
  }
  // It got somewhere in the root, through the link as well.
  assertEquals(Deno.readTextFileSync(`${root.path}${host.path}/secret`), "in");
  assert(namesIn(`${root.path}${host.path}`).includes("added"));
});

test("a folder of the host's that a container shares leads a copy to nothing else of the host's", async () => {
  using root = rootfs();
  using host = canary();
  using shared = tempFolder();
  Deno.mkdirSync(`${root.path}/tree/data/real`, { recursive: true });
  const names = ["secret", "new", "again"];
  Deno.writeTextFileSync(`${root.path}/tree/data/real/secret`, "out");
  // Of whichever is copied first, the others are made by linking what is there by its name.
  for (const name of names.slice(1)) {
    Deno.linkSync(`${root.path}/tree/data/real/secret`, `${root.path}/tree/data/real/${name}`);
  }
  Deno.mkdirSync(`${shared.path}/real`);
  Deno.symlinkSync(host.path, `${shared.path}/link`);
  await using container = await attacker(root.path, host.path, { volumes: [`${shared.path}:/data`] });
  let linked = 0;
  const { ended, refused } = await race(async () => {
    await container.copyOut("/tree/data/.", shared.path);
    // The next attempt would remove what it got.
    for (const name of ["secret", "again"]) assertEquals(Deno.statSync(`${host.path}/${name}`).nlink, 1);
    for (const name of ["real", "link"]) {
      if (Deno.statSync(`${shared.path}/${name}/secret`).nlink === names.length) linked++;
    }
  });
  assertGreater(ended, 0);
  assertGreater(refused, 0);
  assertGreater(linked, 0);
});

test("copying leads through none of procfs' links, and changes none of the kernel's switches", async () => {
  using root = rootfs();
  using host = canary();
  using out = tempFolder();
  await using container = await attacker(root.path, host.path);
  const before = Deno.readTextFileSync("/proc/sys/kernel/core_pattern");
  Deno.writeTextFileSync(`${out.path}/file`, "|/evil");
  const links = { switch: "/proc/sys/kernel/core_pattern", root: "/proc/1/root", up: `../../../../../..${host.path}` };
  for (const [name, to] of Object.entries(links)) Deno.symlinkSync(to, `${root.path}/to-${name}`);
  await assertRejects(
    () => container.copyIn(`${out.path}/file`, "/to-switch"),
    SystemError,
    "filesystem of the kernel's",
  );
  await assertRejects(() => container.copyOut("/to-root/etc/passwd", `${out.path}/x`), SystemError, "cannot copy");
  await container.copyOut("/to-up/secret", `${out.path}/up`);
  assertEquals(Deno.readTextFileSync(`${out.path}/up`), "decoy");
  assertEquals(Deno.readTextFileSync("/proc/sys/kernel/core_pattern"), before);
});
