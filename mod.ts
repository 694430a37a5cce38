/**
 * Linux containers as a TypeScript value: starts an isolated process from the Deno process itself, through a Rust
 * library, in about the time that a process without isolation takes.
 *
 * @example A program that is PID 1 of its own namespace
 * ```ts ignore
 * import { namespaceExec } from "./mod.ts";
 *
 * const { stdout } = await namespaceExec({
 *   program: "/bin/sh",
 *   argv: ["sh", "-c", "echo $$"],
 *   enablePidNamespace: true,
 *   stdout: "piped",
 * });
 * console.log(new TextDecoder().decode(stdout)); // 1
 * ```
 *
 * @module
 */

export { NotFoundError, SpecError, StateError, SystemError, UnsupportedError } from "./src/native/errors.ts";
export type { SystemErrorDetails } from "./src/native/errors.ts";
export type {
  Absent,
  CommandConfig,
  NamespaceExecConfig,
  NamespaceSpecConfig,
  RunConfig,
  Runnable,
  Stdio,
} from "./src/spec/exec_config.ts";
export type * from "./src/spec/isolation_config.ts";
export type { Limits } from "./src/spec/resources.ts";
export type * from "./src/spec/types.ts";
export { check } from "./src/runtime/check.ts";
export type { HostProbe, HostReport, ProbeGroup } from "./src/runtime/check.ts";
export { namespaceCleanup, namespaceExec, namespaceExecSync } from "./src/runtime/exec.ts";
export { Container } from "./src/runtime/container/container.ts";
export type { ContainerEnd } from "./src/runtime/container/container.ts";
export { ContainerAttachment } from "./src/runtime/container/attach.ts";
export type { ContainerChanges } from "./src/runtime/container/changes.ts";
export type { CopyOptions } from "./src/runtime/container/copy.ts";
export type { BundleConfig, CreateConfig, CreateOptions, ProgramConfig } from "./src/runtime/container/create.ts";
export type { DeleteOptions } from "./src/runtime/container/delete.ts";
export type { StopOptions } from "./src/runtime/container/end.ts";
export type { ContainerEvent, EventsOptions } from "./src/runtime/container/events.ts";
export type { ContainerDetails } from "./src/runtime/container/inspect.ts";
export type { KillOptions } from "./src/runtime/container/kill.ts";
export type { LogLine, LogOptions } from "./src/runtime/container/logs.ts";
export type { RootOptions } from "./src/runtime/container/store.ts";
export type {
  CommonExecConfig,
  ContainerExecConfig,
  ContainerProcessConfig,
  ContainerProgramConfig,
} from "./src/spec/container_exec.ts";
export type { MonitorConfig, RestartPolicy } from "./src/spec/monitor.ts";
export type { ContainerExit, ContainerState } from "./src/spec/state.ts";
export type { ContainerStats, CpuStats, IoStats, MemoryStats, PidsStats, PressureStats } from "./src/spec/stats.ts";
export type { ContainerStatus } from "./src/spec/status.ts";
export { explain } from "./src/runtime/explain.ts";
export type { PlannedStep } from "./src/runtime/run.ts";
export type { CgroupEvent } from "./src/runtime/cgroup.ts";
export type { FileChange } from "./src/native/call.ts";
export type { EndedBy, NamespaceExecResult, Usage } from "./src/runtime/result.ts";
export { SeccompNotification } from "./src/runtime/notifications.ts";
export { NamespaceProcess, namespaceSpawn } from "./src/runtime/spawn.ts";
export type { NamespaceOutput } from "./src/runtime/spawn.ts";
