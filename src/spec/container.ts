/**
 * From the fields that isolate to the spec, with what a container has by default: where there is a root filesystem the
 * program gets what Docker gives, and where there is none only what is asked for.
 */

import { SpecError } from "../native/errors.ts";
import { capabilitiesOf } from "./capabilities.ts";
import {
  absolute,
  flag,
  ifGiven,
  list,
  name,
  object,
  oneOf,
  plain,
  present,
  shown,
  text,
  texts,
  whole,
} from "./check.ts";
import type { FilesystemConfig, IsolationConfig } from "./isolation_config.ts";
import { limitsOf, sysctl, timeOffsets } from "./limits.ts";
import { idMappings, plannedMounts } from "./mounts.ts";
import { isNew, namespacesOf } from "./namespaces.ts";
import { resourcesOf } from "./resources.ts";
import { terminalSize } from "./terminal.ts";
import { filesOf } from "./volumes.ts";
import type { Device, DeviceRule, Extras, Landlock, Linux, Mount, Overlay, Process, Seccomp, Spec } from "./types.ts";

/** Docker's and OCI's: what tells of the host, or changes it. */
const MASKED_PATHS = [
  ...["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats"],
  ...["/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats"],
  ...["/sys/devices/virtual/powercap", "/sys/firmware"],
];

const READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const PROPAGATIONS = ["private", "shared", "slave", "unbindable"].flatMap((each) => [each, `r${each}`]) as NonNullable<
  Linux["rootfsPropagation"]
>[];

/** Fields that mean something inside a root filesystem only. */
const NEEDS_ROOTFS: readonly (keyof FilesystemConfig)[] = ["readOnly", "overlay", "files", "hostDevices", "devices"];

/**
 * A spec, isolated.
 *
 * @param spec a program as it would run with nothing isolated
 * @param config how it is isolated
 * @returns the same program, in a container
 * @throws {SpecError} where a field is of the wrong type, or contradicts another; `path` names it
 */
export function isolate(spec: Spec, config: IsolationConfig): Spec {
  const isContainer = config.rootfs !== undefined;
  const needing = isContainer ? undefined : NEEDS_ROOTFS.find((field) => config[field] !== undefined);
  if (needing !== undefined) throw new SpecError(needing, "needs a rootfs");
  const namespaces = namespacesOf(config);
  const mounts = plannedMounts(config).map(({ mount }) => mount);
  const limits = ifGiven("limits", config.limits, resourcesOf);
  const holdsDevices = isContainer && limits !== undefined && namespaces.every(({ type }) => type !== "user") &&
    !limits.cgroup.bestEffort && limits.cgroup.manager !== "disabled";
  const devices = holdsDevices ? deviceRules(config, limits.resources?.devices) : limits?.resources?.devices;
  const linux = present<Linux>({
    namespaces: namespaces.length > 0 ? namespaces : undefined,
    ...linuxOf(config),
    resources: devices === undefined ? limits?.resources : { ...limits?.resources, devices },
  });
  return present<Spec>({
    ...spec,
    process: present({
      ...spec.process,
      cwd: spec.process.cwd ?? (isContainer ? "/" : undefined),
      ...processOf(config, holdsDevices),
    }),
    root: isContainer ? rootOf(config) : undefined,
    mounts: mounts.length > 0 ? mounts : undefined,
    hostname: ifGiven("hostname", config.hostname, nameOfHost),
    domainname: ifGiven("domainname", config.domainname, nameOfHost),
    linux: Object.keys(linux).length > 0 ? linux : undefined,
    minicontainer: present({
      ...spec.minicontainer,
      ...extrasOf(config, mounts),
      ...environmentOf(spec, config),
      cgroup: limits?.cgroup,
      killOnExit: spec.minicontainer?.killOnExit ?? isNew(namespaces, "pid"),
    }),
  });
}

function rootOf(config: IsolationConfig): Spec["root"] {
  return present({ path: name("rootfs", config.rootfs, "a folder"), readonly: flag("readOnly", config.readOnly) });
}

function processOf(config: IsolationConfig, holdsDevices: boolean): Partial<Process> {
  return {
    ...limitsOf(config),
    capabilities: capabilitiesOf(config, holdsDevices),
    // Without it Landlock is for who has CAP_SYS_ADMIN alone.
    noNewPrivileges: flag("noNewPrivileges", config.noNewPrivileges) ??
      (config.rootfs === undefined && config.landlock === undefined ? undefined : true),
    apparmorProfile: ifGiven(
      "apparmorProfile",
      config.apparmorProfile,
      (path, value) => name(path, value, "a profile"),
    ),
    selinuxLabel: ifGiven("selinuxLabel", config.selinuxLabel, (path, value) => name(path, value, "a label")),
    ...terminalOf(config.terminal),
  };
}

/**
 * Docker's: any device's file may be made, and only those be used that the container has; the library adds the usual ones
 * and `hostDevices`.
 */
function deviceRules(config: IsolationConfig, asked: DeviceRule[] = []): DeviceRule[] {
  const given = ifGiven("devices", config.devices, (path, value) => list(path, value, device)) ?? [];
  const own = given.filter(({ type }) => type !== "p").map(({ type, major, minor }): DeviceRule => ({
    allow: true,
    type: type === "b" ? "b" : "c",
    major,
    minor,
  }));
  return [
    { allow: false, access: "rwm" },
    { allow: true, type: "c", access: "m" },
    { allow: true, type: "b", access: "m" },
    ...own,
    ...asked,
  ];
}

function terminalOf(terminal: IsolationConfig["terminal"]): Partial<Process> {
  if (typeof terminal !== "object") return { terminal: flag("terminal", terminal) };
  const { rows, columns } = terminalSize("terminal", terminal);
  return { terminal: true, consoleSize: { height: rows, width: columns } };
}

function linuxOf(config: IsolationConfig): Linux {
  const isContainer = config.rootfs !== undefined;
  return {
    uidMappings: ifGiven("uidMappings", config.uidMappings, idMappings),
    gidMappings: ifGiven("gidMappings", config.gidMappings, idMappings),
    timeOffsets: ifGiven("timeOffsets", config.timeOffsets, timeOffsets),
    sysctl: ifGiven("sysctl", config.sysctl, sysctl),
    devices: ifGiven("devices", config.devices, (path, value) => list(path, value, device)),
    seccomp: typeof config.seccomp === "object" ? ifGiven("seccomp", config.seccomp, seccomp) : undefined,
    maskedPaths: ifGiven("maskedPaths", config.maskedPaths, paths) ?? (isContainer ? MASKED_PATHS : undefined),
    readonlyPaths: ifGiven("readonlyPaths", config.readonlyPaths, paths) ?? (isContainer ? READONLY_PATHS : undefined),
    rootfsPropagation: ifGiven(
      "rootfsPropagation",
      config.rootfsPropagation,
      (path, value) => oneOf(path, value, PROPAGATIONS),
    ),
    personality: ifGiven(
      "personality",
      config.personality,
      (path, value) => ({ domain: oneOf(path, value, ["LINUX", "LINUX32"]) }),
    ),
  };
}

function extrasOf(config: IsolationConfig, mounts: readonly Mount[]): Extras {
  const isContainer = config.rootfs !== undefined;
  return {
    runAs: ifGiven("user", config.user, runAs),
    overlay: ifGiven("overlay", config.overlay, overlay),
    files: ifGiven("files", config.files, filesOf),
    landlock: ifGiven("landlock", config.landlock, landlock),
    ...seccompExtras(config),
    mapIds: ifGiven("mapIds", config.mapIds, (path, value) => oneOf(path, value, ["auto", "single"])),
    newKeyring: isContainer ? true : undefined,
    mountApi: ifGiven("mountApi", config.mountApi, (path, value) => oneOf(path, value, ["auto", "new", "classic"])),
    // Who puts another /dev in its place has devices in it, and none may be made there.
    devices: !isContainer ? undefined : mounts.some(isForeignDev) ? "none" : "default",
    hostDevices: ifGiven("hostDevices", config.hostDevices, paths),
  };
}

/** A container does not get the caller's environment, unless it is asked for or given. */
function environmentOf({ minicontainer }: Spec, config: IsolationConfig): Extras {
  const isAskedFor = flag("inheritEnv", config.inheritEnv) ?? false;
  const isGiven = !minicontainer?.inheritEnv;
  if (config.rootfs === undefined || isGiven || isAskedFor) return {};
  const hostname = config.hostname === undefined ? [] : [`HOSTNAME=${config.hostname}`];
  return { inheritEnv: false, defaultEnv: [PATH, ...hostname, ...(config.terminal ? ["TERM=xterm"] : [])] };
}

function seccompExtras({ seccomp, seccompFile, rootfs }: IsolationConfig): Extras {
  if (seccompFile !== undefined) {
    if (seccomp !== undefined) throw new SpecError("seccompFile", "cannot stand beside seccomp");
    return { seccompFile: name("seccompFile", seccompFile, "a file") };
  }
  if (typeof seccomp === "object") return {};
  const word = ifGiven("seccomp", seccomp, (path, value) => oneOf(path, value, ["default", "unconfined"]));
  return word === "default" || (word === undefined && rootfs !== undefined) ? { seccompProfile: "default" } : {};
}

function seccomp(path: string, value: unknown): Seccomp {
  const profile = plain<Seccomp>(path, value);
  text(`${path}.defaultAction`, profile.defaultAction);
  return profile;
}

/** @throws {SpecError} where `value` is no name that the kernel takes. Source: sethostname(2) */
function nameOfHost(path: string, value: unknown): string {
  const checked = name(path, value, "something");
  const bytes = new TextEncoder().encode(checked).length;
  if (bytes <= 64) return checked;
  throw new SpecError(path, `must have at most 64 bytes; it has ${bytes}`);
}

function runAs(path: string, value: unknown): string {
  const checked = text(path, value);
  if (/^[^:]+(:[^:]+)?$/.test(checked)) return checked;
  throw new SpecError(path, `must be USER or USER:GROUP; it is ${shown(checked)}`);
}

function overlay(path: string, value: unknown): Overlay | undefined {
  if (typeof value === "boolean") return value ? {} : undefined;
  const { folder, sizeBytes, diff } = object(path, value);
  const found = present<Overlay>({
    folder: ifGiven(`${path}.folder`, folder, (path, value) => name(path, value, "a folder")),
    sizeBytes: ifGiven(`${path}.sizeBytes`, sizeBytes, (path, value) => whole(path, value, 1, Number.MAX_SAFE_INTEGER)),
    diff: flag(`${path}.diff`, diff),
  });
  const inMemory = found.folder === undefined;
  if (!inMemory && found.sizeBytes) throw new SpecError(`${path}.sizeBytes`, "limits memory, not a folder");
  return found;
}

function landlock(path: string, value: unknown): Landlock {
  const { readOnly, readWrite } = object(path, value);
  return {
    readOnly: ifGiven(`${path}.readOnly`, readOnly, paths) ?? [],
    readWrite: ifGiven(`${path}.readWrite`, readWrite, paths) ?? [],
  };
}

function device(path: string, value: unknown): Device {
  const found = plain<Device>(path, value);
  oneOf(`${path}.type`, found.type, ["c", "b", "u", "p"]);
  absolute(`${path}.path`, found.path);
  return found;
}

function paths(path: string, value: unknown): string[] {
  return texts(path, value).map((each, index) => absolute(`${path}[${index}]`, each));
}

function isForeignDev({ destination, type }: Mount): boolean {
  return /^\/dev\/*$/.test(destination) && type !== "tmpfs";
}
