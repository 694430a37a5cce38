/** Which capabilities a program has. Source: capabilities(7). */

import { SpecError } from "../native/errors.ts";
import { ifGiven, shown, texts } from "./check.ts";
import type { IsolationConfig } from "./isolation_config.ts";
import type { Capabilities } from "./types.ts";

/** All of Linux's, in the kernel's order. */
const ALL = [
  ...["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"],
  ...["LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER"],
  ...["SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE"],
  ...["SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP"],
  ...["MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF"],
  "CHECKPOINT_RESTORE",
].map((name) => `CAP_${name}`);

/**
 * What Docker leaves to a container's root, without CAP_MKNOD, which it has where a cgroup holds devices back: without one
 * who makes a device can read the host's disks.
 */
const DEFAULTS = [
  ...["CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP"],
  ...["NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"],
].map((name) => `CAP_${name}`);

/**
 * The capabilities of a configuration, nothing where it leaves them as they are. Those that are added for a `user` are
 * ambient: the kernel takes all others from who is not root.
 *
 * @param holdsDevices whether a cgroup keeps the container from using what devices it makes
 * @throws {SpecError} where one is unknown, or both added and dropped
 */
export function capabilitiesOf(config: IsolationConfig, holdsDevices = false): Capabilities | undefined {
  const added = ifGiven("capAdd", config.capAdd, known) ?? [];
  const dropped = ifGiven("capDrop", config.capDrop, known) ?? [];
  const isContainer = config.rootfs !== undefined;
  if (!isContainer && added.length + dropped.length === 0) return undefined;
  const both = added.findIndex((name) => dropped.includes(name));
  if (both !== -1) throw new SpecError(`capAdd[${both}]`, `${added[both]} is in capDrop as well`);

  const defaults = holdsDevices ? [...DEFAULTS, "CAP_MKNOD"] : DEFAULTS;
  const isIn = (names: string[], name: string) => names.includes(name);
  const base = isIn(dropped, "ALL") ? [] : isContainer && !isIn(added, "ALL") ? defaults : ALL;
  const wanted = isIn(added, "ALL") ? ALL : added;
  const has = ALL.filter((name) => isIn([...base, ...wanted], name) && !isIn(dropped, name));
  const ambient = config.user === undefined ? [] : has.filter((name) => isIn(wanted, name));
  return { bounding: has, effective: has, permitted: has, inheritable: ambient, ambient };
}

/** The full names of capabilities, or `ALL`. */
function known(path: string, value: unknown): string[] {
  return texts(path, value).map((given, index) => {
    const upper = given.toUpperCase();
    if (upper === "ALL") return upper;
    const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (ALL.includes(name)) return name;
    throw new SpecError(`${path}[${index}]`, `${shown(given)} is no capability: see capabilities(7)`);
  });
}
