/** From the options that isolate and limit to the fields of a configuration, and on to the same spec as the library's. */

import { isolate } from "../spec/container.ts";
import type { IsolationConfig } from "../spec/isolation_config.ts";
import type { Limits } from "../spec/resources.ts";
import type { Extras, NamespaceKind, Spec } from "../spec/types.ts";
import type { Parsed } from "./options.ts";
import { milliseconds } from "./run.ts";
import { OPTION_GROUPS } from "./run_options.ts";
import {
  decimal,
  idMapping,
  ioMax,
  ioPriority,
  limit,
  mountFromOption,
  octal,
  pair,
  refuse,
  scheduler,
  size,
  timeOffset,
  whole,
} from "./values.ts";

/** The options of namespaces, by kind. */
const NAMESPACES = {
  pid: { option: "pid", enable: "enablePidNamespace" },
  mount: { option: "mountns", enable: "enableMountNamespace" },
  uts: { option: "uts", enable: "enableUtsNamespace" },
  ipc: { option: "ipc", enable: "enableIpcNamespace" },
  network: { option: "net", enable: "enableNetworkNamespace" },
  cgroup: { option: "cgroupns", enable: "enableCgroupNamespace" },
  user: { option: "user", enable: "enableUserNamespace" },
  time: { option: "time", enable: "enableTimeNamespace" },
} as const satisfies Record<NamespaceKind, { option: string; enable: keyof IsolationConfig }>;

/** The options that keep more from a program than who else is there. */
const ISOLATING = OPTION_GROUPS.filter(({ isolates }) => isolates).flatMap(({ options }) =>
  options.map(({ name }) => name).filter((name) => name !== "pid")
);

/** A program's spec, isolated as options ask. */
export function isolateByOptions(program: Spec, parsed: Parsed): Spec {
  const spec = isolate(program, isolationFromOptions(parsed));
  // What is kept from it, the shell behind our terminal could be told to do.
  const isIsolated = parsed.given.some((name) => ISOLATING.includes(name));
  const tty = parsed.flag("tty") ? "always" : isIsolated ? "auto" : undefined;
  return { ...spec, minicontainer: { ...spec.minicontainer, tty, ...outputFields(parsed) } };
}

/** What a program may write is counted on its way through pipes. */
function outputFields(parsed: Parsed): Pick<Extras, "outputBytes" | "stdio"> {
  const text = parsed.text("output-size");
  if (text === undefined) return {};
  const outputBytes = size("output-size", text);
  return outputBytes === Infinity ? {} : { outputBytes, stdio: ["inherit", "piped", "piped"] };
}

/**
 * The configuration that options stand for.
 *
 * @throws {UsageError} where a value is malformed
 */
export function isolationFromOptions(parsed: Parsed): IsolationConfig {
  const { text, flag } = parsed;
  const texts = (option: string) => flag(option) ? parsed.texts(option) : undefined;
  const isOn = (option: string) => flag(option) || undefined;
  const each = <T>(option: string, read: (option: string, text: string) => T) =>
    texts(option)?.map((value) => read(option, value));
  const last = <T>(option: string, read: (option: string, text: string) => T) => each(option, read)?.at(-1);
  const record = <T>(option: string, read: (option: string, text: string) => [string, T]) => {
    const entries = each(option, read);
    return entries && Object.fromEntries(entries);
  };
  return {
    ...namespaceFields(parsed),
    hostname: text("hostname"),
    domainname: text("domainname"),
    sysctl: record("sysctl", pair),
    timeOffsets: record("time-offset", timeOffset),
    rootfs: text("rootfs"),
    readOnly: isOn("read-only"),
    overlay: overlayOf(parsed),
    volumes: texts("volume"),
    tmpfs: texts("tmpfs"),
    mounts: texts("mount")?.map(mountFromOption),
    hostDevices: texts("device"),
    rootfsPropagation: text("rootfs-propagation") as IsolationConfig["rootfsPropagation"],
    mountApi: text("mount-api") as IsolationConfig["mountApi"],
    user: text("run-as"),
    additionalGids: each("add-group", whole),
    umask: last("umask", octal),
    uidMappings: each("uid-map", idMapping),
    gidMappings: each("gid-map", idMapping),
    mapIds: text("map-ids") as IsolationConfig["mapIds"],
    capAdd: texts("cap-add"),
    capDrop: texts("cap-drop"),
    noNewPrivileges: flag("no-new-privs") ? true : flag("new-privs") ? false : undefined,
    ...seccompFields(text("seccomp")),
    landlock: flag("landlock-ro") || flag("landlock-rw")
      ? { readOnly: parsed.texts("landlock-ro"), readWrite: parsed.texts("landlock-rw") }
      : undefined,
    apparmorProfile: text("apparmor"),
    selinuxLabel: text("selinux"),
    inheritEnv: isOn("inherit-env"),
    terminal: isOn("tty"),
    rlimits: record("ulimit", limit),
    cpuAffinity: text("cpus-allowed"),
    scheduler: last("scheduler", scheduler),
    ioPriority: last("io-priority", ioPriority),
    oomScoreAdj: last("oom-score-adj", whole),
    personality: text("personality") as IsolationConfig["personality"],
    limits: limitsFromOptions(parsed),
  };
}

function namespaceFields(parsed: Parsed): IsolationConfig {
  const fields: IsolationConfig = { enableAllNamespaces: parsed.flag("all") || undefined };
  const joined: Partial<Record<NamespaceKind, string>> = {};
  for (const [kind, { option, enable }] of Object.entries(NAMESPACES)) {
    const path = parsed.text(option);
    if (path !== undefined) joined[kind as NamespaceKind] = path;
    else if (parsed.flag(option)) fields[enable] = true;
  }
  return { ...fields, namespaces: joined };
}

function overlayOf(parsed: Parsed): IsolationConfig["overlay"] {
  const folder = parsed.text("container-dir");
  const diff = parsed.flag("diff") || undefined;
  return folder !== undefined || diff || parsed.flag("overlay") ? { folder, diff } : undefined;
}

function seccompFields(seccomp: string | undefined): Pick<IsolationConfig, "seccomp" | "seccompFile"> {
  return seccomp === undefined || seccomp === "default" || seccomp === "unconfined"
    ? { seccomp }
    : { seccompFile: seccomp };
}

/** The limits that options stand for; nothing where none is given. */
function limitsFromOptions(parsed: Parsed): Limits | undefined {
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
