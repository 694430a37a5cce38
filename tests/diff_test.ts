/**
 * What was changed in a container's overlay, as it is told after its end.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import {
  explain,
  type FileChange,
  namespaceExec,
  type NamespaceExecConfig,
  namespaceExecSync,
  namespaceSpawn,
  SpecError,
} from "../mod.ts";
import { mountApis } from "./attacks/support.ts";
import { exists, leavesNothing, requires, shell, soon, startDeno, tempFolder, until } from "./support.ts";
import { cli, Lines } from "./support_cli.ts";
import { containers, hostState, leavesTheHost, rootfs } from "./support_rootfs.ts";
import { asOrdinaryUser, ordinaryUsers, RANGE, rangesOfIds } from "./support_user.ts";

const test = requires(containers);

if (containers === undefined) {
  // The library stays open for as long as the process lives, as in `support.ts`.
  using root = rootfs();
  namespaceExecSync({ program: "/bin/true", rootfs: root.path, overlay: { diff: true } });
}

/** `A /added`, `C /changed`, `D /deleted`. */
function lines(changes: FileChange[] | undefined): string[] | undefined {
  return changes?.map(({ path, kind }) => `${kind[0].toUpperCase()} ${path}`);
}

/** What a container has changed. */
async function diffOf(config: Omit<NamespaceExecConfig, "program">, script: string): Promise<string[] | undefined> {
  const { exitCode, changes, degraded } = await namespaceExec({ overlay: { diff: true }, ...config, ...shell(script) });
  assertEquals([exitCode, degraded], [0, []]);
  return lines(changes);
}

/** A root filesystem with something in it to change. */
function furnished() {
  const root = rootfs();
  for (const folder of ["srv/keep", "srv/empty", "srv/deep/er"]) {
    Deno.mkdirSync(`${root.path}/${folder}`, { recursive: true });
  }
  for (const file of ["srv/keep/a", "srv/keep/b", "srv/deep/er/file", "srv/file"]) {
    Deno.writeTextFileSync(`${root.path}/${file}`, file);
  }
  Deno.symlinkSync("file", `${root.path}/srv/link`);
  return root;
}

/** Every way in which a path can come and go. */
const CHANGES = `
  set -e
  cd /srv
  echo more >>file
  mkdir -p new/folder && touch new/folder/file && ln -s /etc/passwd new/link
  rm keep/a
  rm -r deep && mkdir deep && touch deep/new
  rmdir empty && touch empty
  rm link && mkdir link && touch link/in
  mv /etc/group /etc/groups
  ln file hard
  touch gone && rm gone
  mkfifo pipe
  chmod 600 keep/b
`;

const CHANGED = [
  ...["C /etc", "D /etc/group", "A /etc/groups", "C /srv", "C /srv/deep", "D /srv/deep/er", "A /srv/deep/new"],
  ...["C /srv/empty", "C /srv/file", "A /srv/hard", "C /srv/keep", "D /srv/keep/a", "C /srv/keep/b", "C /srv/link"],
  ...["A /srv/link/in", "A /srv/new", "A /srv/new/folder", "A /srv/new/folder/file", "A /srv/new/link", "A /srv/pipe"],
];

for (const [api, apiConfig] of mountApis) {
  test(`overlay.diff tells what was added, changed and deleted, in memory and in a folder, by ${api}`, async () => {
    using root = furnished();
    using layer = tempFolder();
    const config = { rootfs: root.path, ...apiConfig };
    assertEquals(await diffOf(config, CHANGES), CHANGED);
    const inFolder = { ...config, overlay: { diff: true, folder: layer.path } };
    assertEquals(await diffOf(inFolder, CHANGES), CHANGED);
    // It is kept, and what was changed before is told again.
    assertEquals(await diffOf(inFolder, "rm /srv/hard"), CHANGED.filter((line) => line !== "A /srv/hard"));
    assertEquals(exists(`${layer.path}/upper/srv/new/folder/file`), true);
    assertEquals(Deno.readTextFileSync(`${root.path}/srv/file`), "srv/file");
  });
}

test("overlay.diff tells what differs between the root and one in which the same was done", async () => {
  using root = furnished();
  using other = furnished();
  const changes = await diffOf({ rootfs: root.path }, CHANGES);
  assertEquals((await namespaceExec({ rootfs: other.path, ...shell(CHANGES) })).exitCode, 0);
  const paths = (folder: string): Set<string> => {
    const found = new Set<string>();
    const look = (path: string) => {
      for (const { name, isDirectory } of Deno.readDirSync(folder + path)) {
        found.add(`${path}/${name}`);
        if (isDirectory) look(`${path}/${name}`);
      }
    };
    look("");
    return found;
  };
  const [before, after] = [paths(root.path), paths(other.path)];
  const isDeleted = (path: string) => !after.has(path) && before.has(path);
  const above = (path: string) => path.replace(/\/[^/]*$/, "");
  const expected = [
    ...[...after].filter((path) => !before.has(path)).map((path) => `A ${path}`),
    // Of a folder that is gone, the folder alone.
    ...[...before].filter((path) => isDeleted(path) && !isDeleted(above(path))).map((path) => `D ${path}`),
  ];
  assertEquals(changes?.filter((line) => !line.startsWith("C ")).sort(), expected.sort());
});

test("overlay.diff is told by every form, and only where it is asked for", async () => {
  using root = rootfs();
  const config = { rootfs: root.path, ...shell("touch /new; echo said; exit 3"), stderr: "null" } as const;
  const asks = { ...config, overlay: { diff: true } };
  const expected = ["A /new"];
  assertEquals(lines(namespaceExecSync({ ...asks, stdout: "null" }).changes), expected);
  const { changes, stdout, exitCode } = namespaceExecSync({ ...asks, stdout: "piped" });
  assertEquals([lines(changes), stdout?.length, exitCode], [expected, 5, 3]);
  const several = await Promise.all([1, 2, 3].map(() => namespaceExec({ ...asks, stdout: "piped" })));
  assertEquals(several.map(({ changes }) => lines(changes)), [expected, expected, expected]);
  await using handle = namespaceSpawn({ ...asks, stdout: "piped" });
  assertEquals(lines((await handle.output()).changes), expected);
  for (const overlay of [true, false, {}, { diff: false }]) {
    using fresh = rootfs();
    assertEquals((await namespaceExec({ ...config, rootfs: fresh.path, stdout: "null", overlay })).changes, undefined);
  }
  assertEquals(await diffOf({ rootfs: root.path }, "cat /etc/passwd >/dev/null"), []);
});

test("overlay.diff tells of places that had to be made for mounts, and of none that were there", async () => {
  using root = rootfs();
  const config = { rootfs: root.path, tmpfs: ["/tmp", "/made/for/this"] };
  assertEquals(await diffOf(config, "touch /tmp/file"), ["A /made", "A /made/for", "A /made/for/this"]);
});

test("overlay.diff is told of a program that was killed", async () => {
  using root = rootfs();
  const config = { rootfs: root.path, ...shell("touch /new; sleep 60"), overlay: { diff: true } };
  const { outOfTime, changes } = await namespaceExec({ ...config, timeoutMs: 300 });
  assertEquals([outOfTime, lines(changes)], [true, ["A /new"]]);
});

test("overlay.diff leaves nothing, whether its changes are waited for or not", async () => {
  using root = rootfs();
  const config = { rootfs: root.path, overlay: { diff: true } };
  await leavesTheHost(() =>
    leavesNothing(async () => {
      await diffOf(config, "touch /new");
      namespaceExecSync({ ...config, ...shell("touch /new") });
      const controller = new AbortController();
      const aborted = namespaceExec({ ...config, ...shell("sleep 60"), signal: controller.signal });
      controller.abort(new Error("no more"));
      await assertRejects(() => aborted, Error, "no more");
      {
        await using _handle = namespaceSpawn({ ...config, ...shell("sleep 60") });
      }
      await assertRejects(() => namespaceExec({ ...config, program: "/no/such" }));
    })
  );
});

test("nothing is left of an overlay whose owner is killed", async () => {
  using root = rootfs();
  const before = hostState();
  const code = `
    import { namespaceSpawn } from MOD;
    const config = { rootfs: ${JSON.stringify(root.path)}, overlay: { diff: true } };
    const program = namespaceSpawn({ ...config, program: "/bin/sh", argv: ["sh", "-c", "touch /new; sleep 600"] });
    console.log(program.pid);
    await program.status;
  `;
  const owner = await startDeno(code);
  const output = new Lines(owner.stdout);
  const pid = await soon("it is started", output.next());
  assertMatch(pid, /^\d+$/);
  owner.kill("SIGKILL");
  await Promise.all([output.close(), owner.stderr.cancel(), owner.status]);
  await until("the program ends", () => !exists(`/proc/${pid}`));
  assertEquals(hostState(), before);
  assertEquals(exists(`${root.path}/new`), false);
});

test("minicontainer --diff lists on stderr what was changed, and ends as the program does", async () => {
  using root = furnished();
  using layer = tempFolder();
  const script = "rm /srv/keep/a; touch /srv/new; echo said; exit 3";
  const expected = ["C /srv", "C /srv/keep", "D /srv/keep/a", "A /srv/new", ""].join("\n");
  for (const options of [["--diff"], ["--diff", "--overlay"], ["--diff", "--container-dir", layer.path]]) {
    const { code, stdout, stderr } = await cli(["--rootfs", root.path, ...options, "/bin/sh", "-c", script]);
    assertEquals([code, stdout, stderr], [3, "said\n", expected], options.join(" "));
  }
  assertEquals(exists(`${layer.path}/upper/srv/new`), true);
  assertEquals(exists(`${root.path}/srv/keep/a`), true);
  const { stderr } = await cli(["--rootfs", root.path, "--overlay", "/bin/sh", "-c", script]);
  assertEquals(stderr, "");
  const { code, stderr: refused } = await cli(["--diff", "true"]);
  assertEquals([code, refused], [125, "minicontainer: --overlay: needs a rootfs\n"]);
});

test("minicontainer --diff escapes what would move a terminal's cursor", async () => {
  using root = rootfs();
  const script = String.raw`touch "$(printf '/a\nb\033[2J')"`;
  const { code, stderr } = await cli(["--rootfs", root.path, "--diff", "/bin/sh", "-c", script]);
  assertEquals([code, stderr], [0, "A /a\\nb\\u{1b}[2J\n"]);
  assertEquals(await diffOf({ rootfs: root.path }, script), ["A /a\nb\x1b[2J"]);
  assertEquals(await diffOf({ rootfs: root.path }, String.raw`touch "$(printf '/\377')"`), ["A /\ufffd"]);
});

test("overlay.diff tells of more changes than a first answer holds", async () => {
  using root = rootfs();
  const script =
    'mkdir /many; cd /many; i=0; while [ $i -lt 3000 ]; do : >"file-with-a-long-name-$i"; i=$((i+1)); done';
  const config = { rootfs: root.path, ...shell(script), overlay: { diff: true } };
  for (const { changes } of [await namespaceExec(config), namespaceExecSync(config)]) {
    assertEquals(changes?.length, 3001);
    assertEquals(changes?.at(-1), { path: "/many/file-with-a-long-name-999", kind: "added" });
  }
});

test("overlay.diff follows no link, and goes on where a program has gone deeper than paths can be", async () => {
  using root = rootfs();
  using host = tempFolder();
  Deno.writeTextFileSync(`${host.path}/secret`, "");
  const name = "x".repeat(250);
  const script = `ln -s ${host.path} /link; ln -s / /top; rm -r /etc; ln -s /home /etc; mkdir /${name}; i=0; ` +
    `while [ $i -lt 30 ]; do mkdir /new && mv /${name} /new && mv /new /${name} || exit 1; i=$((i+1)); done`;
  const { exitCode, changes, degraded } = await namespaceExec({
    rootfs: root.path,
    ...shell(script),
    overlay: { diff: true },
  });
  assertEquals(exitCode, 0);
  const told = lines(changes)!;
  assertEquals(told.filter((line) => !line.includes(name)), ["C /etc", "A /link", "A /top"]);
  assert(told.length > 15, `${told.length}`);
  assertEquals(degraded.length, 1);
  assertMatch(degraded[0], /^what was changed in "\/x+.*" is not told: file name too long$/);
});

test("explain() says that what was changed is read, and overlay.diff is refused where it is no truth value", () => {
  const config = { rootfs: "/srv", program: "/bin/true", overlay: { diff: true } };
  const whys = explain(config).map(({ why }) => why);
  assertEquals(whys.filter((why) => /what was changed/.test(why)).length, 2);
  const wrong = { ...config, overlay: { diff: 1 } } as unknown as NamespaceExecConfig;
  assertThrows(() => explain(wrong), SpecError, "overlay.diff: must be true or false");
});

for (const ranges of [undefined, `nobody:${RANGE.first}:${RANGE.count}\n`]) {
  const how = ranges === undefined ? "without a range of ids" : "with a range of ids";
  requires(ranges === undefined ? ordinaryUsers : rangesOfIds)(`overlay.diff is told to a user ${how}`, async () => {
    const script = "echo >>/etc/passwd; rm -r /var; mkdir /var; touch /var/new; rm /bin/wc; " +
      "mkdir /hidden /theirs; touch /theirs/file; " +
      (ranges === undefined ? "chmod 0 /hidden" : "chown joe /hidden /theirs; chmod 700 /hidden");
    const config = "rootfs: ROOT, enableUserNamespace: true, overlay: { diff: true";
    const code = `const result = [
      await sh({ ${config} } }, ${JSON.stringify(script)}),
      await sh({ ${config}, folder: PLACE + "/home" } }, ${JSON.stringify(script)}),
    ];`;
    interface Came {
      stderr?: string;
      message?: string;
      changes?: FileChange[];
      degraded?: string[];
    }
    for (const came of await asOrdinaryUser<Came[]>(code, { ranges })) {
      assertEquals([came.message, came.stderr], [undefined, ""]);
      assertEquals(lines(came.changes), [
        ...["C /bin", "D /bin/wc", "C /etc", "C /etc/passwd", "A /hidden", "A /theirs", "A /theirs/file"],
        ...["C /var", "A /var/new", "D /var/tmp"],
      ]);
      const notTold = came.degraded?.filter((sentence) => !sentence.startsWith("only one user id"));
      assertEquals(notTold, ['what was changed in "/hidden" is not told: permission denied']);
    }
  });
}
