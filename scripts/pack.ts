/**
 * Makes a package for npm: `deno task pack [OUTPUT]`, as `deno pack` does, with the library and the command in it.
 *
 * The library is for this machine's architecture; on another one it is built on first use, from the sources that the
 * package has as well.
 */

import { bundleInto, DENO_FLAGS, MODULE } from "./bundle.ts";
import { mustRun, projectPath, say } from "./support.ts";

/** What nobody needs who uses the package. */
const left = ["tests", "bench", "scripts", "docs", ".ci", ".github"];

const output = Deno.args[0] ?? "dist/minicontainer.tgz";
const work = await Deno.makeTempDir({ prefix: "minicontainer-pack-" });
try {
  await mustRun("pack", ["cargo", "build", "--release", "--locked"]);
  const ignored = left.map((folder) => `--ignore=${folder}`);
  await mustRun("pack", [
    Deno.execPath(),
    "pack",
    "--quiet",
    "--allow-dirty",
    ...ignored,
    "--output",
    `${work}/plain.tgz`,
  ]);
  await mustRun("pack", ["tar", "-xzf", `${work}/plain.tgz`, "-C", work]);
  await bundleInto(`${work}/package`, "pack");
  await Deno.writeTextFile(`${work}/package/minicontainer`, launcher());
  await Deno.chmod(`${work}/package/minicontainer`, 0o755);
  await describe(`${work}/package/package.json`);
  await Deno.mkdir(absolute(output).replace(/\/[^/]*$/, ""), { recursive: true });
  await mustRun("pack", ["tar", "-czf", absolute(output), "-C", work, "package"]);
  say(`made ${output}`);
} finally {
  await Deno.remove(work, { recursive: true });
}

function absolute(path: string): string {
  return path.startsWith("/") ? path : projectPath(path);
}

/** npm links to it, so it looks for its own place. */
function launcher(): string {
  return `#!/bin/sh
here=$(dirname -- "$(readlink -f -- "$0")")
command -v deno >/dev/null || { echo "minicontainer: deno is not on PATH: npm install deno" >&2; exit 125; }
exec deno run ${DENO_FLAGS.join(" ")} "$here/${MODULE}" "$@"
`;
}

async function describe(path: string) {
  const description = JSON.parse(await Deno.readTextFile(path));
  Object.assign(description, { os: ["linux"], bin: { minicontainer: "minicontainer" } });
  await Deno.writeTextFile(path, `${JSON.stringify(description, null, 2)}\n`);
}
