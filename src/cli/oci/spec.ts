/** `spec`: writes a config.json to begin with. */

import { callLife } from "../../native/life.ts";
import { hostOf } from "../../runtime/container/store.ts";
import { defaultConfig } from "../../spec/default_config.ts";
import { joined } from "../../spec/state.ts";
import type { Command } from "./main.ts";
import { nothingLeft } from "./options.ts";

/** The command. */
export const spec: Command = {
  help: "write a config.json to begin with",
  operands: "",
  count: 0,
  options: [
    { name: "bundle", short: "b", value: "DIR", completes: "folder", help: "into this folder; default: ." },
    { name: "rootless", help: "for a container that needs no root" },
  ],
  async run(args, globals) {
    nothingLeft("spec", args.rest);
    const { folder } = await callLife<{ folder: string }>("folder", { path: args.text("bundle") ?? "." });
    const ids = args.flag("rootless") ? hostOf(globals) : undefined;
    const path = joined(folder, "config.json");
    await callLife("file.new", { path, text: `${JSON.stringify(defaultConfig(ids), null, 2)}\n` });
    return 0;
  },
};
