/** What is mounted, in order: a container's own filesystems, then what a configuration asks for. */

import { SpecError } from "../native/errors.ts";
import { absolute, ifGiven, list, name, object, present, shown, texts, whole } from "./check.ts";
import type { IsolationConfig } from "./isolation_config.ts";
import { isNew, namespacesOf } from "./namespaces.ts";
import type { IdMapping, Mount, Namespace } from "./types.ts";
import { tmpfs, volume } from "./volumes.ts";

/** A mount, and the field that asks for it; none asks for those that a container has by default. */
export interface PlannedMount {
  /** The mount. */
  mount: Mount;
  /** As in `volumes[0]`. */
  field?: string;
}

/**
 * The mounts of a configuration. One on the destination of a default mount takes its place; volumes and filesystems in
 * memory follow from the root downwards, so that none hides another; OCI's own mounts come last and as they are.
 *
 * @throws {SpecError} where one is malformed, or two have one destination
 */
export function plannedMounts(config: IsolationConfig): PlannedMount[] {
  const asked = [...planned("tmpfs", config.tmpfs, tmpfs), ...planned("volumes", config.volumes, volume)];
  asked.forEach(({ mount, field }, index) => {
    const other = asked.findIndex((each) => isSamePlace(each.mount, mount));
    if (other === index) return;
    throw new SpecError(field!, `${shown(mount.destination)} is mounted on by ${asked[other].field} already`);
  });
  const exact = planned("mounts", config.mounts, ociMount);
  const defaults: PlannedMount[] = config.rootfs === undefined ? [] : defaultMounts(config);
  const replacing = defaults.map(({ mount }) =>
    [...asked, ...exact].find((each) => isSamePlace(each.mount, mount)) ?? { mount }
  );
  const further = (each: PlannedMount) => !replacing.includes(each);
  const byDepth = asked.filter(further).sort((a, b) => depth(a.mount) - depth(b.mount));
  return [...replacing, ...byDepth, ...exact.filter(further)];
}

function planned<T>(field: string, values: T | undefined, read: (path: string, value: unknown) => Mount) {
  const mounts = ifGiven(field, values, (path, value) => list(path, value, read)) ?? [];
  return mounts.map((mount, index): PlannedMount => ({ mount, field: `${field}[${index}]` }));
}

/** OCI's and Docker's, as far as the namespaces allow. */
function defaultMounts(config: IsolationConfig): PlannedMount[] {
  const namespaces = namespacesOf(config);
  const inUserNamespace = namespaces.some(({ type }) => type === "user");
  // The kernel lets the owner of a user namespace mount what belongs to namespaces of its own, and nothing else's.
  const ownsNamespace = (kind: Namespace["type"]) => !inUserNamespace || isNew(namespaces, kind);
  const gidMappings = ifGiven("gidMappings", config.gidMappings, idMappings) ?? [];
  const hasTtyGroup = !inUserNamespace || gidMappings.some(includesTtyGroup);
  const pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", ...(hasTtyGroup ? ["gid=5"] : [])];
  const mounts: Mount[] = [
    ownsNamespace("pid") ? filesystem("/proc", "proc", ["nosuid", "noexec", "nodev"]) : bindOf("/proc", []),
    filesystem("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    filesystem("/dev/pts", "devpts", pts),
    filesystem("/dev/shm", "tmpfs", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"], "shm"),
    ...(ownsNamespace("ipc") ? [filesystem("/dev/mqueue", "mqueue", ["nosuid", "noexec", "nodev"])] : []),
    ownsNamespace("network")
      ? filesystem("/sys", "sysfs", ["nosuid", "noexec", "nodev", "ro"])
      : bindOf("/sys", ["nosuid", "noexec", "nodev", "ro", "rro"]),
    filesystem("/sys/fs/cgroup", "cgroup", ["nosuid", "noexec", "nodev", "relatime", "ro"]),
  ];
  return mounts.map((mount) => ({ mount }));
}

function filesystem(destination: string, type: string, options: string[], source = type): Mount {
  return { destination, type, source, options };
}

function bindOf(path: string, options: string[]): Mount {
  return { destination: path, type: "bind", source: path, options: ["rbind", "rprivate", ...options] };
}

/** Debian's and most others' group of terminals, which devpts gives them to. */
const TTY_GROUP = 5;

function includesTtyGroup({ containerID, size }: IdMapping): boolean {
  return containerID <= TTY_GROUP && TTY_GROUP < containerID + size;
}

/** A mount in OCI's words, checked as far as TypeScript's types go. */
function ociMount(path: string, value: unknown): Mount {
  const { destination, type, source, options, uidMappings, gidMappings } = object(path, value);
  return present({
    destination: absolute(`${path}.destination`, destination),
    type: ifGiven(`${path}.type`, type, (path, value) => name(path, value, "a filesystem")),
    source: ifGiven(`${path}.source`, source, (path, value) => name(path, value, "what is mounted")),
    options: ifGiven(`${path}.options`, options, texts),
    uidMappings: ifGiven(`${path}.uidMappings`, uidMappings, idMappings),
    gidMappings: ifGiven(`${path}.gidMappings`, gidMappings, idMappings),
  });
}

/** Ids of Linux are 32 bits wide, and the last stands for none. */
export const LARGEST_ID = 2 ** 32 - 2;

/** @throws {SpecError} where `value` is no list of ranges of ids */
export function idMappings(path: string, value: unknown): IdMapping[] {
  return list(path, value, (path, entry) => {
    const { containerID, hostID, size } = object(path, entry);
    return {
      containerID: whole(`${path}.containerID`, containerID, 0, LARGEST_ID),
      hostID: whole(`${path}.hostID`, hostID, 0, LARGEST_ID),
      size: whole(`${path}.size`, size, 1, LARGEST_ID + 1),
    };
  });
}

function isSamePlace(a: Mount, b: Mount): boolean {
  return parts(a).join("/") === parts(b).join("/");
}

function depth(mount: Mount): number {
  return parts(mount).length;
}

function parts({ destination }: Mount): string[] {
  return destination.split("/").filter((part) => part !== "" && part !== ".");
}
