/** From the words of a spec back to those of a configuration: what the library refuses is told in the caller's words. */

import { SpecError } from "../native/errors.ts";
import type { Runnable } from "./exec_config.ts";
import { plannedMounts } from "./mounts.ts";
import { namespaceField } from "./namespaces.ts";

/** Fields of a spec, and the configuration's; the first that a path begins with counts. */
const FIELD_OF_SPEC = [
  ["process.args", "argv"],
  ["process.env", "envp"],
  ["process.cwd", "cwd"],
  ["process.user.additionalGids", "additionalGids"],
  ["process.user.umask", "umask"],
  ["process.user", "user"],
  ["process.capabilities", "capAdd"],
  ["process.execCPUAffinity", "cpuAffinity"],
  ["process.", ""],
  ["root.path", "rootfs"],
  ["root.readonly", "readOnly"],
  ["root", "rootfs"],
  ["linux.namespaces", "namespaces"],
  ["linux.resources.memory.limit", "limits.memoryBytes"],
  ["linux.resources.memory.swap", "limits.memorySwapBytes"],
  ["linux.resources.memory.reservation", "limits.memoryReservationBytes"],
  ["linux.resources.cpu.shares", "limits.cpuShares"],
  ["linux.resources.cpu.cpus", "limits.cpusetCpus"],
  ["linux.resources.cpu.mems", "limits.cpusetMems"],
  ["linux.resources.cpu", "limits.cpus"],
  ["linux.resources.pids.limit", "limits.pids"],
  ["linux.resources.blockIO.weight", "limits.ioWeight"],
  ["linux.resources.blockIO", "limits.ioMax"],
  ["linux.resources.", "limits."],
  ["minicontainer.cgroup.parent", "limits.cgroupParent"],
  ["minicontainer.cgroup.manager", "limits.cgroupManager"],
  ["minicontainer.cgroup.", "limits."],
  ["linux.", ""],
  ["minicontainer.stdio[0]", "stdin"],
  ["minicontainer.stdio[1]", "stdout"],
  ["minicontainer.stdio[2]", "stderr"],
  ["minicontainer.runAs", "user"],
  ["minicontainer.seccompProfile", "seccomp"],
  ["minicontainer.debug", "enableDebug"],
  ["minicontainer.", ""],
];

/** Those of a spec that stand beside it in a configuration. */
const BESIDE_SPEC = /^minicontainer\.(stdio|timeoutMs|killOnExit|debug)/;

/** Makes a call on the spec of a configuration; a {@linkcode SpecError} names the configuration's field. */
export function inTermsOfConfig<T>(config: Runnable, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    const { path } = error;
    const message = path === "" ? error.message : error.message.slice(path.length + 2);
    throw new SpecError(fieldOfConfig(config, path), speakingOfConfig(config, message));
  }
}

/** Other fields that the library speaks of; what a caller has given stands in quotes, and stays as it is. */
const SPOKEN_OF = /"(?:[^"\\]|\\.)*"|\blinux\.[ug]idMappings\b/g;

/** A message with a configuration's fields in place of a spec's. */
function speakingOfConfig(config: Runnable, message: string): string {
  return message.replace(SPOKEN_OF, (word) => word.startsWith('"') ? word : fieldOfConfig(config, word));
}

/** The field of a configuration that a spec's stands for. */
export function fieldOfConfig(config: Runnable, path: string): string {
  if (config.spec !== undefined && !BESIDE_SPEC.test(path)) return path === "" ? "spec" : `spec.${path}`;
  const [, list, index, rest] = /^(mounts|linux\.namespaces)\[(\d+)\](.*)$/.exec(path) ?? [];
  if (list !== undefined && config.spec === undefined) {
    if (list !== "mounts") return namespaceField(config, Number(index));
    const field = plannedMounts(config)[Number(index)]?.field;
    return field === undefined || field.startsWith("mounts") ? (field ?? `mounts[${index}]`) + rest : field;
  }
  const [field, name] = FIELD_OF_SPEC.find(([field]) => path.startsWith(field)) ?? ["", ""];
  return name + path.slice(field.length);
}
