/** What the tests of hosts with cgroup v2 alone share; `deno task test:v2` has such a host on any machine. */

import { exists, type Lack } from "../support.ts";

const HINT = "deno task test:v2 has one";

/** A host that has no version 1. */
export const pureV2: Lack = exists("/sys/fs/cgroup/cgroup.controllers")
  ? undefined
  : `needs a host of cgroup v2 alone: ${HINT}`;

/** A host on which a test may do what it leaves behind: a virtual machine that is gone afterwards. */
export const throwAway: Lack = Deno.env.get("THROW_AWAY_HOST") === "1"
  ? undefined
  : `needs a host to throw away: ${HINT}`;

/** Where systemd is PID 1. */
export const systemd: Lack = exists("/run/systemd/system") ? undefined : `needs a host of systemd's: ${HINT}`;
