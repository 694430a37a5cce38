/** What works on this host, as data. */

import { callForJson } from "../native/call.ts";
import { openLibrary } from "../native/library.ts";
import { checkSymbols } from "../native/symbols.ts";

/** What a probe belongs to. */
export type ProbeGroup = "kernel" | "namespaces" | "mounts" | "ids" | "privileges" | "cgroups" | "tools";

/** One thing that works on this host or does not. */
export interface HostProbe {
  /** A name that stays the same from version to version: `pidNamespace`. */
  name: string;
  /** What it belongs to. */
  group: ProbeGroup;
  /** Whether it works, for this user. */
  works: boolean;
  /** What was seen. */
  detail: string;
  /** What to do where it does not work; absent where nothing can be done, or nothing needs to be. */
  remedy?: string;
}

/** What was found out about this host. */
export interface HostReport {
  /** The kernel's release: `6.18.44`. */
  kernel: string;
  /** `x86_64` or `aarch64`. */
  architecture: string;
  /** The effective user. */
  uid: number;
  /**
   * Whether this user can make a plain container: with PID and mount namespaces, a `/proc` and a root of its own, in a
   * user namespace where the user lacks CAP_SYS_ADMIN.
   */
  works: boolean;
  /** The single answers, group by group. */
  probes: HostProbe[];
}

/** Enough for every report: a second try would try everything a second time. */
const REPORT_BYTES = 1 << 17;

/**
 * Tries what works on this host, for this user: namespaces, mounts, ids, privileges, cgroups, tools. What is tried is
 * undone; it takes some milliseconds, in which this thread waits.
 *
 * @returns each probe with what was seen and, where it fails, the way out
 * @example What is in the way
 * ```ts
 * const { works, probes } = check();
 * if (!works) for (const { name, remedy } of probes.filter((probe) => !probe.works)) console.error(name, remedy);
 * ```
 */
export function check(): HostReport {
  const { minicontainer_check } = openLibrary(checkSymbols);
  return callForJson(minicontainer_check, new Uint8Array(REPORT_BYTES));
}
