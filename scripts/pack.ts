/**
 * Makes a package for npm: `deno task pack [OUTPUT]`, as `deno pack` does, with the library and the command in it.
 *
 * The library is for this machine's architecture; on another one it is built on first use, from the sources that the
 * package has as well.
 */

import { LIBRARY_URL } from "../src/native/library.ts";
import { projectPath, ROOT, run, say } from "./support.ts";

const library = decodeURIComponent(LIBRARY_URL.pathname).slice(ROOT.length);
const bundle = "src/native/minicontainer.js";
/** What nobody needs who uses the package. */
const left = ["tests", "bench", "scripts", "docs", ".ci", ".github"];

const output = Deno.args[0] ?? "dist/minicontainer.tgz";
const work = await Deno.makeTempDir({ prefix: "minicontainer-pack-" });
try {
  await done(["cargo", "build", "--release", "--locked"]);
  const ignored = left.map((folder) => `--ignore=${folder}`);
  await done([Deno.execPath(), "pack", "--quiet", "--allow-dirty", ...ignored, "--output", `${work}/plain.tgz`]);
  await done(["tar", "-xzf", `${work}/plain.tgz`, "-C", work]);
  await Deno.mkdir(`${work}/package/${library}`.replace(/\/[^/]*$/, ""), { recursive: true });
  await Deno.copyFile(projectPath(library), `${work}/package/${library}`);
  await done([
    Deno.execPath(),
    "bundle",
    "--quiet",
    "--minify",
    "--keep-names",
    "-o",
    `${work}/package/${bundle}`,
    "bin.ts",
  ]);
  await Deno.writeTextFile(`${work}/package/minicontainer`, launcher());
  await Deno.chmod(`${work}/package/minicontainer`, 0o755);
  await describe(`${work}/package/package.json`);
  await Deno.mkdir(absolute(output).replace(/\/[^/]*$/, ""), { recursive: true });
  await done(["tar", "-czf", absolute(output), "-C", work, "package"]);
  say(`made ${output}`);
} finally {
  await Deno.remove(work, { recursive: true });
}

function absolute(path: string): string {
  return path.startsWith("/") ? path : projectPath(path);
}

/** npm links to it, so it looks for its own place. */
function launcher(): string {
  const flags = "--no-prompt --no-config --no-lock --no-remote --no-npm --allow-ffi --allow-run";
  return `#!/bin/sh
here=$(dirname -- "$(readlink -f -- "$0")")
command -v deno >/dev/null || { echo "minicontainer: deno is not on PATH: npm install deno" >&2; exit 125; }
exec deno run ${flags} "$here/${bundle}" "$@"
`;
}

async function describe(path: string) {
  const description = JSON.parse(await Deno.readTextFile(path));
  Object.assign(description, { os: ["linux"], bin: { minicontainer: "minicontainer" } });
  await Deno.writeTextFile(path, `${JSON.stringify(description, null, 2)}\n`);
}

async function done(command: string[]) {
  const { code } = await run(command, { quiet: true });
  if (code === 0) return;
  console.error(`cannot pack: ${command.join(" ")} ended with exit code ${code}`);
  Deno.exit(1);
}
