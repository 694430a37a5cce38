/** The options that limit what a program and all that it starts use together. */

import type { Limits } from "../spec/resources.ts";
import type { Parsed } from "./options.ts";
import { milliseconds } from "./run.ts";
import { decimal, ioMax, pair, refuse, size, whole } from "./values.ts";

/** The limits that options stand for; nothing where none is given. */
export function limitsFromOptions(parsed: Parsed): Limits | undefined {
  const last = <T>(option: string, read: (option: string, text: string) => T) => {
    const text = parsed.text(option);
    return text === undefined ? undefined : read(option, text);
  };
  const record = <T>(option: string, read: (option: string, text: string) => [string, T]) =>
    parsed.flag(option) ? Object.fromEntries(parsed.texts(option).map((text) => read(option, text))) : undefined;
  const limits: Limits = {
    memoryBytes: last("memory", size),
    memorySwapBytes: last("memory-swap", size),
    memoryReservationBytes: last("memory-reservation", size),
    cpus: last("cpus", decimal),
    cpuShares: last("cpu-shares", whole),
    cpusetCpus: parsed.text("cpuset-cpus"),
    cpusetMems: parsed.text("cpuset-mems"),
    pids: last("pids", (option, text) => text === "unlimited" || text === "-1" ? Infinity : whole(option, text)),
    ioWeight: last("io-weight", whole),
    ioMax: record("io-max", ioMax),
    devices: parsed.flag("device-cgroup-rule") ? parsed.texts("device-cgroup-rule") : undefined,
    unified: record("unified", pair),
    cpuTimeMs: last("cpu-time", (option, text) => milliseconds(text, option)),
    cgroupParent: parsed.text("cgroup-parent"),
    cgroupManager: parsed.text("cgroup-manager") as Limits["cgroupManager"],
    bestEffort: last("limits", (option, text) => {
      if (text === "best-effort" || text === "strict") return text === "best-effort";
      return refuse(option, text, "best-effort");
    }),
  };
  const isGiven = parsed.flag("stats") || Object.values(limits).some((limit) => limit !== undefined);
  return isGiven ? limits : undefined;
}
