/**
 * Makes one executable that carries the library: `deno task compile [OUTPUT]`.
 *
 * `deno compile` puts `denort`, Deno without its tools, in front of the program. Deno fetches it from its own download
 * host; where that can't be reached, DENORT_BIN names one that is there.
 */

import { LIBRARY } from "../src/native/library.ts";
import { ROOT, run, say } from "./support.ts";

const output = Deno.args[0] ?? "dist/minicontainer";

const build = await run(["cargo", "build", "--release", "--locked"]);
if (build.code !== 0) Deno.exit(build.code);

const { code, stderr } = await new Deno.Command(Deno.execPath(), {
  args: ["compile", "--allow-ffi", "--allow-run", "--include", LIBRARY, "--output", output, "bin.ts"],
  cwd: ROOT,
  stdout: "inherit",
  stderr: "piped",
}).output();
const told = new TextDecoder().decode(stderr);
if (code === 0) {
  say(`made ${output}`);
} else if (/denort|download/i.test(told)) {
  console.error("cannot compile: denort cannot be downloaded; connect to dl.deno.land, or set DENORT_BIN to a denort");
} else {
  console.error(told);
}
Deno.exit(code);
