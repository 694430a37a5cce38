import { assertEquals, assertMatch } from "@std/assert";
import { Container } from "../../mod.ts";
import { requires, tempFolder, until } from "../support.ts";
import { containers } from "../support_rootfs.ts";
import { Root } from "./support.ts";

const test = requires(containers);

/** Every way in which a path can come and go. */
const CHANGES = `
  set -e; cd /srv
  echo more >>file; mkdir -p new/folder; touch new/folder/file; ln -s /etc/passwd new/link
  rm keep/a; rm -r deep; mkdir deep; touch deep/new; rmdir empty; touch empty
  rm link; mkdir link; touch link/in; mv /etc/group /etc/groups; ln file hard; touch gone; rm gone; chmod 600 keep/b
  touch "$(printf 'odd\\nname')" /tmp/unseen; cat same >/dev/null
  echo done
`;

const CHANGED = [
  ...["C /etc", "D /etc/group", "A /etc/groups", "C /srv", "C /srv/deep", "D /srv/deep/er", "A /srv/deep/new"],
  ...["C /srv/empty", "C /srv/file", "A /srv/hard", "C /srv/keep", "D /srv/keep/a", "C /srv/keep/b", "C /srv/link"],
  ...["A /srv/link/in", "A /srv/new", "A /srv/new/folder", "A /srv/new/folder/file", "A /srv/new/link"],
  "A /srv/odd\\nname",
];

/** A root with something in its root filesystem to change. */
function furnished(): Root {
  const root = new Root();
  const { path } = root.rootfs;
  for (const folder of ["keep", "empty", "deep/er"]) Deno.mkdirSync(`${path}/srv/${folder}`, { recursive: true });
  for (const file of ["keep/a", "keep/b", "deep/er/f", "file", "same"]) {
    Deno.writeTextFileSync(`${path}/srv/${file}`, file);
  }
  Deno.symlinkSync("file", `${path}/srv/link`);
  return root;
}

test("diff lists what was changed, in memory and in a folder, while it runs and afterwards", async () => {
  await using root = furnished();
  using layer = tempFolder();
  const ways = { memory: ["--overlay"], folder: ["--overlay", "--container-dir", layer.path] };
  for (const [name, options] of Object.entries(ways)) {
    await root.detached(`${CHANGES}sleep 1000`, "--name", name, ...options, "--tmpfs", "/tmp");
    while (await root.run("logs", name) !== "done\n");
    assertEquals((await root.run("diff", name)).trimEnd().split("\n"), CHANGED, name);
    await root.run("stop", "-t", "0", name);
  }
  assertEquals((await root.run("diff", "folder")).trimEnd().split("\n"), CHANGED);
  const [first] = JSON.parse(await root.run("diff", "--json", "folder"));
  assertEquals(first, { path: "/etc", kind: "changed" });
  const { code, stderr } = await root.call("diff", "memory");
  assertEquals(code, 1);
  assertMatch(stderr, /its overlay was in memory, and is gone with it: --container-dir keeps one/);
});

test("changes() is empty where nothing was written, and refused without an overlay", async () => {
  await using root = furnished();
  const container = await root.start("cat /srv/file; exec sleep 1000", { id: "one", overlay: true });
  await until("it sleeps", () => Deno.readTextFileSync(`${root.path}/one/log`).includes("file"));
  assertEquals(await container.changes(), { changes: [], degraded: [] });
  await root.detached("sleep 1000", "--name", "plain");
  const { code, stdout, stderr } = await root.call("diff", "plain");
  assertEquals({ code, stdout }, { code: 1, stdout: "" });
  assertMatch(stderr, /^minicontainer: cannot tell what "plain" has changed: it has no overlay \(.*\)\n$/);
  await using created = await Container.create({
    program: "true",
    rootfs: root.rootfs.path,
    overlay: true,
    root: root.path,
  });
  assertEquals((await created.changes()).changes, []);
});
