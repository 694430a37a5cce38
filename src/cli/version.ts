/** `minicontainer --version`. */

import config from "../../deno.json" with { type: "json" };
import { print } from "./report.ts";

/** Prints the version. */
export function versionCommand(): number {
  print(`minicontainer ${config.version}\n`);
  return 0;
}
