/** What the tests of hosts with cgroup v2 alone, or with systemd, share; `deno task test:v2` has such a host on any machine. */

import { exists, type Lack, textOf } from "../support.ts";

const HINT = "deno task test:v2 has one";

/** A host that has no version 1. */
export const pureV2: Lack = exists("/sys/fs/cgroup/cgroup.controllers")
  ? undefined
  : `needs a host of cgroup v2 alone: ${HINT}`;

/** A host where systemd has version 1's controllers. */
export const legacy: Lack = exists("/sys/fs/cgroup/systemd") ? undefined : `needs a host of cgroup v1: ${HINT}`;

/** A host on which a test may do what it leaves behind: a virtual machine that is gone afterwards. */
export const throwAway: Lack = Deno.env.get("THROW_AWAY_HOST") === "1"
  ? undefined
  : `needs a host to throw away: ${HINT}`;

/** Where systemd is PID 1. */
export const systemd: Lack = exists("/run/systemd/system") ? undefined : `needs a host of systemd's: ${HINT}`;

/** Where version 2 is mounted on such a host. */
export const ROOT = "/sys/fs/cgroup";

/** A shell's words that tell the cgroup of who says them. */
export const OWN = "sed -n s/^0:://p /proc/self/cgroup";

/** What `systemctl` says. */
export function systemctl(...args: string[]): string {
  return textOf(new Deno.Command("systemctl", { args }).outputSync().stdout);
}

/** The scopes for one container each, and of tests, that systemd knows of. */
export function scopes(): string[] {
  return allScopes().filter((name) => /^(minicontainer-\d+-\d+-|test-)/.test(name));
}

/** The scopes for all containers of a process. */
export function ownersScopes(): string[] {
  return allScopes().filter((name) => /^minicontainer-\d+-\d+\.scope$/.test(name));
}

function allScopes(): string[] {
  const lines = systemctl("list-units", "--all", "--plain", "--no-legend", "--type=scope").split("\n");
  return lines.map((line) => line.trim().split(" ")[0]);
}
