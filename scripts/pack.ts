/**
 * Makes a package for npm: `deno task pack [OUTPUT]`, as `deno pack` does, with the library and the command in it.
 *
 * Library and command are for this machine's architecture; on another one the library is built on first use, from the
 * sources that the package has as well.
 */

import { LIBRARY } from "../src/native/library.ts";
import { buildCommand } from "./command.ts";
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
  await Deno.mkdir(`${work}/package/${LIBRARY}`.replace(/\/[^/]*$/, ""), { recursive: true });
  await Deno.copyFile(projectPath(LIBRARY), `${work}/package/${LIBRARY}`);
  await Deno.copyFile(await buildCommand("pack"), `${work}/package/minicontainer`);
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

async function describe(path: string) {
  const description = JSON.parse(await Deno.readTextFile(path));
  Object.assign(description, { os: ["linux"], bin: { minicontainer: "minicontainer" } });
  await Deno.writeTextFile(path, `${JSON.stringify(description, null, 2)}\n`);
}
