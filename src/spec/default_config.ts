/** The configuration that `spec` writes: as runc's, for people start from it. Pure. */

import { type Mount, OCI_VERSION, type Spec } from "./types.ts";

const CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

const MASKED = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/sys/firmware",
  "/proc/scsi",
];

const READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** A shell in a folder `rootfs`; `ids`: for a user that is not root, whose container's root it is. */
export function defaultConfig(ids?: { uid: number; gid: number }): Spec {
  const capabilities = { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES };
  return {
    ociVersion: OCI_VERSION,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ["sh"],
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
      cwd: "/",
      capabilities,
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "minicontainer",
    mounts: mounts(ids !== undefined),
    linux: {
      ...(ids === undefined ? { resources: { devices: [{ allow: false, access: "rwm" }] } } : {
        uidMappings: [{ containerID: 0, hostID: ids.uid, size: 1 }],
        gidMappings: [{ containerID: 0, hostID: ids.gid, size: 1 }],
      }),
      namespaces: [
        { type: "pid" },
        ...(ids === undefined ? [{ type: "network" } as const] : []),
        { type: "ipc" },
        { type: "uts" },
        { type: "mount" },
        { type: "cgroup" },
        ...(ids === undefined ? [] : [{ type: "user" } as const]),
      ],
      maskedPaths: MASKED,
      readonlyPaths: READONLY,
    },
  };
}

function mounts(isRootless: boolean): Mount[] {
  // A group that is not mapped cannot be named, and a sysfs needs a network namespace.
  const devpts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", ...(isRootless ? [] : ["gid=5"])];
  const readOnly = ["nosuid", "noexec", "nodev", "ro"];
  return [
    { destination: "/proc", type: "proc", source: "proc" },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    { destination: "/dev/pts", type: "devpts", source: "devpts", options: devpts },
    {
      destination: "/dev/shm",
      type: "tmpfs",
      source: "shm",
      options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
    },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
    isRootless
      ? { destination: "/sys", type: "none", source: "/sys", options: ["rbind", ...readOnly, "rro"] }
      : { destination: "/sys", type: "sysfs", source: "sysfs", options: readOnly },
    ...(isRootless ? [] : [{
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
    }]),
  ];
}
