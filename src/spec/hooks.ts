/** OCI `hooks`: programs that are told of a container on its way. */

/** OCI `hooks`. Source: runtime-spec `config.md`, POSIX-platform Hooks. */
export interface Hooks {
  /** In the runtime's namespaces, before the root is entered; superseded by `createRuntime`. */
  prestart?: Hook[];
  /** In the runtime's namespaces, when the container's exist, before the root is entered. */
  createRuntime?: Hook[];
  /** In the container's namespaces, after the mounts, before the root is entered. */
  createContainer?: Hook[];
  /** In the container, before its program. */
  startContainer?: Hook[];
  /** In the runtime's namespaces, when the program has been started. */
  poststart?: Hook[];
  /** In the runtime's namespaces, when the container has been deleted. */
  poststop?: Hook[];
}

/** A program that gets the container's state, as JSON, on stdin. */
export interface Hook {
  /** Absolute, on the host. */
  path: string;
  /** Its arguments, the first of which it sees as its own name. */
  args?: string[];
  /** Its whole environment, as `NAME=value`. */
  env?: string[];
  /** Seconds after which it is killed. */
  timeout?: number;
}
