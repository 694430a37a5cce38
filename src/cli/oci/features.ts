/** `features`: what is supported, as OCI's features document. */

import { callLife } from "../../native/life.ts";
import config from "../../../deno.json" with { type: "json" };
import { print } from "../report.ts";
import type { Command } from "./main.ts";
import { nothingLeft } from "./options.ts";

/** The command. */
export const features: Command = {
  help: "print what is supported as JSON",
  operands: "",
  count: 0,
  options: [],
  async run(args) {
    nothingLeft("features", args.rest);
    const found = await callLife<Record<string, unknown>>("features");
    const annotations = { "org.minicontainer.version": config.version };
    print(`${JSON.stringify({ ...found, annotations }, null, 2)}\n`);
    return 0;
  },
};
