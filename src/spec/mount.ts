/** OCI `root` and `mounts`. */

/** OCI `root`: the folder that becomes `/`. */
export interface Root {
  /** Its path; a relative one is looked for where this process stands. */
  path: string;
  /** Nothing can be written to it. */
  readonly?: boolean;
}

/** OCI `mounts[]`. Source: mount(8), mount_setattr(2). */
export interface Mount {
  /** Where, inside the container. */
  destination: string;
  /** The kind of filesystem, as in `tmpfs`, or `bind`. */
  type?: string;
  /** What: of a bind mount the path on the host. */
  source?: string;
  /** As mount(8) has them: `ro`, `nosuid`, `rbind`, `rprivate`, …; what is unknown is the filesystem's own. */
  options?: string[];
  /** Which of the mount's user ids are which of the container's. */
  uidMappings?: IdMapping[];
  /** Which of the mount's group ids are which of the container's. */
  gidMappings?: IdMapping[];
}

/** A range of ids inside, and the range outside that it stands for. Source: user_namespaces(7). */
export interface IdMapping {
  /** The first id inside. */
  containerID: number;
  /** The first id outside. */
  hostID: number;
  /** How many. */
  size: number;
}
