/** OCI `linux.resources`: what a container's cgroup may use. Source: config-linux.md of the runtime-spec. */

/** OCI `linux.resources`. */
export interface Resources {
  /** Which devices may be used; later ones go before earlier ones. */
  devices?: DeviceRule[];
  /** Memory, in bytes; -1: no limit. */
  memory?: MemoryResources;
  /** Processors. */
  cpu?: CpuResources;
  /** How many processes and threads there may be; -1: no limit. */
  pids?: { limit: number };
  /** Block devices. */
  blockIO?: BlockIoResources;
  /** Huge pages, by the pages' size as in `2MB`. */
  hugepageLimits?: { pageSize: string; limit: number }[];
  /** The class and the priorities of its packets; version 1 alone. */
  network?: { classID?: number; priorities?: { name: string; priority: number }[] };
  /** RDMA, by device. */
  rdma?: Record<string, { hcaHandles?: number; hcaObjects?: number }>;
  /** Files of version 2, and what is written to them. */
  unified?: Record<string, string>;
}

/** OCI `linux.resources.devices[]`. */
export interface DeviceRule {
  /** Whether the access is allowed. */
  allow: boolean;
  /** `a` (default) all, `c` or `b`. */
  type?: "a" | "c" | "b";
  /** Absent: any. */
  major?: number;
  /** Absent: any. */
  minor?: number;
  /** `r` read, `w` write, `m` make; absent: all. */
  access?: string;
}

/** OCI `linux.resources.memory`. */
export interface MemoryResources {
  /** At most so much. */
  limit?: number;
  /** Above so much it is reclaimed first. */
  reservation?: number;
  /** Memory and swap together. */
  swap?: number;
  /** The kernel's own; passed over. */
  kernel?: number;
  /** Buffers of TCP; version 1. */
  kernelTCP?: number;
  /** 0 to 100; version 1. */
  swappiness?: number;
  /** Nothing is killed where memory is out; version 1. */
  disableOOMKiller?: boolean;
  /** What is below counts too; version 1. */
  useHierarchy?: boolean;
  /** A limit below what is used already is refused. */
  checkBeforeUpdate?: boolean;
}

/** OCI `linux.resources.cpu`. */
export interface CpuResources {
  /** 2 to 262144: its part where others want the processors too. */
  shares?: number;
  /** Microseconds in each period. */
  quota?: number;
  /** Microseconds that can be saved up. */
  burst?: number;
  /** Microseconds. */
  period?: number;
  /** Microseconds; version 1. */
  realtimeRuntime?: number;
  /** Microseconds; version 1. */
  realtimePeriod?: number;
  /** Processors, as in `0-3,7`. */
  cpus?: string;
  /** Nodes of memory. */
  mems?: string;
  /** 1: it runs only where nobody else wants to. */
  idle?: number;
}

/** OCI `linux.resources.blockIO`. */
export interface BlockIoResources {
  /** 10 to 1000. */
  weight?: number;
  /** Gone from the kernel; passed over. */
  leafWeight?: number;
  /** By device. */
  weightDevice?: { major: number; minor: number; weight?: number; leafWeight?: number }[];
  /** Bytes per second. */
  throttleReadBpsDevice?: ThrottleDevice[];
  /** Bytes per second. */
  throttleWriteBpsDevice?: ThrottleDevice[];
  /** Operations per second. */
  throttleReadIOPSDevice?: ThrottleDevice[];
  /** Operations per second. */
  throttleWriteIOPSDevice?: ThrottleDevice[];
}

/** OCI `linux.resources.blockIO.throttle…Device[]`. */
export interface ThrottleDevice {
  /** Major number. */
  major: number;
  /** Minor number. */
  minor: number;
  /** At most so much per second; 0: no limit. */
  rate: number;
}

/** The spec's `minicontainer.cgroup`: what OCI has no word for. */
export interface CgroupExtras {
  /** Who makes the cgroup; default: `"auto"`. */
  manager?: CgroupManager;
  /** Below which cgroup, where there is no `linux.cgroupsPath`: absolute, or below our own. */
  parent?: string;
  /** A controller that is missing is told of with `debug`, and its limits are left away. */
  bestEffort?: boolean;
  /** How the program gets there; default: it is cloned into it, where the kernel can. */
  entry?: "auto" | "descriptor";
  /** Milliseconds on processors, of all of its processes together, after which it is killed. */
  cpuTimeMs?: number;
  /** Limits by device, which may be named by a path. */
  ioMax?: IoMaxDevice[];
}

/**
 * Who makes a cgroup: we do, as folders (`"cgroupfs"`); systemd does, as a scope for each container (`"systemd"`); nobody
 * (`"disabled"`). With `"auto"` it is systemd where that is PID 1 and can be reached: it is asked for one scope for all
 * containers of this process, or for a container of its own that outlives it. It is not where it has handed this process a
 * cgroup (`Delegate=yes`), nor for a place that is named as a folder. With version 1 systemd is for root.
 */
export type CgroupManager = "auto" | "cgroupfs" | "systemd" | "disabled";

/** What is read from and written to a device at most, per second. */
export interface IoMax {
  /** Bytes. */
  readBps?: number;
  /** Bytes. */
  writeBps?: number;
  /** Operations. */
  readIops?: number;
  /** Operations. */
  writeIops?: number;
}

/** The same, of a device: `MAJOR:MINOR`, or a path on the host. */
export interface IoMaxDevice extends IoMax {
  /** Which. */
  device: string;
}
