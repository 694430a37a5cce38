/** `pause ID` and `resume ID`: freezes a container, and has it go on. */

import { pauseContainer } from "../../runtime/container/pause.ts";
import { resumeContainer } from "../../runtime/container/resume.ts";
import { placeOf } from "../../runtime/container/store.ts";
import type { Command } from "./main.ts";
import { onlyId } from "./options.ts";

/** The command. */
export const pause: Command = {
  help: "freeze all processes of a container",
  operands: "ID",
  count: 1,
  options: [],
  async run(args, globals) {
    await pauseContainer(placeOf(onlyId("pause", args), globals));
    return 0;
  },
};

/** The command. */
export const resume: Command = {
  help: "have a frozen container go on",
  operands: "ID",
  count: 1,
  options: [],
  async run(args, globals) {
    await resumeContainer(placeOf(onlyId("resume", args), globals));
    return 0;
  },
};
