/** OCI `linux.resources`: what a container may use. Source: runtime-spec `config-linux.md`, Control groups. */

/** What is absent stays as it is. */
export interface Resources {
  /** Memory, in bytes; -1: without a limit. */
  memory?: {
    /** At most. */
    limit?: number;
    /** What is left to it when memory is short. */
    reservation?: number;
    /** Memory and swap together, at most. */
    swap?: number;
    /** A limit below what is in use is refused rather than met by killing. */
    checkBeforeUpdate?: boolean;
  };
  /** Processors. */
  cpu?: {
    /** A share relative to others', 2 to 262144. */
    shares?: number;
    /** Microseconds in each period; -1: without a limit. */
    quota?: number;
    /** Microseconds of a period. */
    period?: number;
    /** Microseconds that may be saved up. */
    burst?: number;
    /** 1: it runs when nothing else does. */
    idle?: number;
    /** The processors that it may use, as in `0-3,7`. */
    cpus?: string;
    /** The memory nodes that it may use. */
    mems?: string;
  };
  /** Processes and threads; -1: without a limit. */
  pids?: { limit: number };
  /** Block devices. */
  blockIO?: { weight?: number };
  /** Files of cgroup v2, as in `{ "memory.high": "64M" }`. */
  unified?: Record<string, string>;
}
