/** A container, as the library has it; each verb has a file of its own. */

import type { ContainerExecConfig } from "../../spec/container_exec.ts";
import type { ContainerExit, ContainerState } from "../../spec/state.ts";
import type { ContainerStats } from "../../spec/stats.ts";
import type { Resources } from "../../spec/linux_resources.ts";
import { sharedReactor } from "../reactor.ts";
import { type NamespaceExecResult, resultFromEnd } from "../result.ts";
import type { NamespaceProcess } from "../spawn.ts";
import { attachToContainer, type ContainerAttachment } from "./attach.ts";
import { type ContainerChanges, containerChanges } from "./changes.ts";
import { copyFiles, type CopyOptions } from "./copy.ts";
import { type CreateConfig, createContainer } from "./create.ts";
import { deleteContainer, type DeleteOptions } from "./delete.ts";
import { stopContainer, type StopOptions, waitForEnd } from "./end.ts";
import { type ContainerEvent, containerEvents, type EventsOptions } from "./events.ts";
import { type ContainerDetails, inspectContainer } from "./inspect.ts";
import { killContainer, type KillOptions } from "./kill.ts";
import { listContainers } from "./list.ts";
import { containerLogs, type LogLine, type LogOptions } from "./logs.ts";
import { pauseContainer } from "./pause.ts";
import { containerProcesses } from "./ps.ts";
import { resumeContainer } from "./resume.ts";
import { execInContainer } from "./spawn.ts";
import { startContainer } from "./start.ts";
import { containerState } from "./state.ts";
import { containerStats } from "./stats.ts";
import { look, type Place, placeOf, type RootOptions } from "./store.ts";
import { updateContainer } from "./update.ts";

/** How a container that this process has made ends. */
interface End {
  token: number;
  result: Promise<NamespaceExecResult>;
}

/** How a container ended; what only who made it hears, or only a monitor notes, is absent otherwise. */
export type ContainerEnd =
  & Pick<NamespaceExecResult, "exitCode" | "signal" | "oomKilled">
  & Partial<NamespaceExecResult>
  & Partial<ContainerExit>;

/**
 * A container of OCI's runtime-spec: it outlives this process, and any other can open it by its id.
 *
 * Whoever disposes of it kills and deletes it; who wants it to go on lets it be.
 *
 * @example From its making to its end
 * ```ts ignore
 * await using container = await Container.create({ id: "hello", bundle: "/bundles/hello" });
 * await container.start();
 * const { exitCode } = await container.wait();
 * ```
 */
export class Container implements AsyncDisposable {
  /** What it is called. */
  readonly id: string;
  /** The folder of the containers that it is among. */
  readonly root: string;
  /** What could not be had in full when it was made, a sentence each. */
  readonly warnings: readonly string[];
  readonly #end?: End;

  private constructor({ id, root }: Place, warnings: string[], end?: End) {
    this.id = id;
    this.root = root;
    this.warnings = warnings;
    this.#end = end;
  }

  /**
   * Makes a container that waits to be started. What it is has been read when this returns.
   *
   * @param config a `bundle`, a `spec`, or a `program` and how it is isolated
   * @throws {SpecError} before anything is done; `path` names the field
   * @throws {StateError} where there is one of that id
   * @throws {SystemError} after undoing what was done
   */
  static async create(config: CreateConfig): Promise<Container> {
    const { place, state, warnings } = await createContainer(config);
    // Its monitor hears of its end, and not we.
    if (state.monitor !== undefined) return new Container(place, warnings);
    const { token, end } = sharedReactor().adopt(state.pid);
    return new Container(place, warnings, { token, result: end.then(resultFromEnd) });
  }

  /**
   * Opens a container that is there.
   *
   * @throws {NotFoundError} where there is none
   */
  static async open(id: string, options: RootOptions = {}): Promise<Container> {
    const place = placeOf(id, options);
    await look(place);
    return new Container(place, []);
  }

  /** The states of all containers of a root, by their ids. */
  static list(options: RootOptions = {}): Promise<ContainerState[]> {
    return listContainers(options);
  }

  /** What it is, as it is now. @throws {NotFoundError} where it was deleted */
  state(): Promise<ContainerState> {
    return containerState(this);
  }

  /**
   * Has its program executed, and then its poststart hooks. One with a monitor that has ended is started once more: its
   * process is made of what it was made of, and its log goes on.
   *
   * @throws {StateError} where it is in no state for that; of two that start it at once one gets this
   * @throws {SystemError} where its program cannot be executed, or a hook fails: it is stopped then
   */
  start(): Promise<void> {
    return startContainer(this);
  }

  /**
   * Waits for its program's end; of one that is started anew, for the last.
   *
   * @returns how it ended; where this process has made it, and no monitor stands by it, also what it used
   * @throws {StateError} where another process has made it, which alone the kernel tells, and it has no monitor
   */
  async wait(): Promise<ContainerEnd> {
    if (this.#end === undefined) return await waitForEnd(this);
    const reactor = sharedReactor();
    reactor.setReferenced(this.#end.token, true);
    return await this.#end.result;
  }

  /**
   * Has it end, and waits until it has; it is not started anew. Nothing where it has ended before.
   *
   * @param options `signal` that it is asked by; `timeoutMs` that it has to end, after which it is killed
   */
  stop(options: StopOptions = {}): Promise<void> {
    return stopContainer(this, options);
  }

  /**
   * What it has written, line by line, where it has a monitor; with `follow` until it has its end.
   *
   * @example What it wrote to stderr
   * ```ts ignore
   * for await (const { stream, text } of container.logs({ follow: true })) if (stream === "stderr") console.log(text);
   * ```
   */
  logs(options: LogOptions = {}): AsyncGenerator<LogLine, void, undefined> {
    return containerLogs(this, options);
  }

  /** Takes part in what it reads and writes, where it has a monitor. @throws {StateError} where it has ended */
  attach(): Promise<ContainerAttachment> {
    return attachToContainer(this);
  }

  /** All that is known of it. */
  inspect(): Promise<ContainerDetails> {
    return inspectContainer(this);
  }

  /**
   * Sends its first process a signal.
   *
   * @param signal a name or a number; default `"SIGTERM"`
   * @throws {StateError} where it is stopped
   * @throws {SpecError} where there is no such signal
   */
  kill(signal: string | number = "SIGTERM", options: KillOptions = {}): Promise<void> {
    return killContainer(this, signal, options);
  }

  /**
   * Removes it and what was made for it, and runs its poststop hooks.
   *
   * @returns what hooks failed with, which is no error
   * @throws {StateError} where it is not stopped, without `force`
   */
  delete(options: DeleteOptions = {}): Promise<string[]> {
    return deleteContainer(this, options);
  }

  /**
   * Starts a further program in it, and returns at once.
   *
   * @param config what to run: what it does not say is as the container's own program has it
   * @throws {StateError} where it does not run
   * @throws {SpecError} before anything is done; `path` names the field
   * @throws {SystemError} where it cannot be executed
   */
  exec(config: ContainerExecConfig): Promise<NamespaceProcess> {
    return execInContainer(this, config);
  }

  /**
   * Copies a file, a link, or a folder with all that is in it, from the host into its root filesystem.
   *
   * A `to` that is a folder gets the copy by the source's own name, and the contents alone of a source that ends in
   * `/.`; what is there by that name is replaced. Permissions, times and links are kept, hard ones among what is copied,
   * and owners where we are root, as the container numbers them; extended attributes are not. What it does meanwhile
   * leads to nothing outside of its root: openat2(2), `RESOLVE_IN_ROOT`. Of one that is stopped it is the root
   * filesystem alone, without what was mounted in it.
   *
   * @param from a path of the host's
   * @param to a path in the container, from its root
   * @returns what was left out, a sentence each: devices, FIFOs and sockets
   * @throws {StateError} where it has no root filesystem of its own
   * @throws {SystemError} where a path cannot be read or written; what was copied by then stays
   */
  copyIn(from: string, to: string, options: CopyOptions = {}): Promise<string[]> {
    return copyFiles({ path: from }, { path: to, container: this }, options);
  }

  /**
   * Copies from its root filesystem to the host, as {@linkcode copyIn} does in the other direction; programs lose their
   * set-user-ID and set-group-ID bits.
   *
   * @param from a path in the container, from its root
   * @param to a path of the host's
   * @returns what was left out, a sentence each
   * @throws {StateError} where it has no root filesystem of its own
   * @throws {SystemError} where a path cannot be read or written; what was copied by then stays
   */
  copyOut(from: string, to: string, options: CopyOptions = {}): Promise<string[]> {
    return copyFiles({ path: from, container: this }, { path: to }, options);
  }

  /**
   * What was added, changed and deleted in its overlay so far: while it is there, and afterwards where `overlay.folder`
   * keeps what was written. Nothing is compared by content: what was opened for writing counts as changed.
   *
   * @throws {StateError} where it has no root filesystem of its own
   * @throws {SystemError} where it has no overlay, or that was in memory and it has ended
   */
  changes(): Promise<ContainerChanges> {
    return containerChanges(this);
  }

  /** Freezes all of its processes. @throws {StateError} where none runs */
  pause(): Promise<void> {
    return pauseContainer(this);
  }

  /** Has them go on. @throws {StateError} where it is not paused */
  resume(): Promise<void> {
    return resumeContainer(this);
  }

  /**
   * Changes what it may use: what `resources` lacks stays as it is.
   *
   * @throws {StateError} where it is stopped
   * @throws {SpecError} where a value is wrong; `path` names it
   */
  update(resources: Resources): Promise<void> {
    return updateContainer(this, JSON.stringify(resources));
  }

  /** The numbers of its processes as the host sees them. @throws {StateError} where none runs */
  ps(): Promise<number[]> {
    return containerProcesses(this);
  }

  /** What it uses now, and has used. @throws {StateError} where it is stopped */
  stats(): Promise<ContainerStats> {
    return containerStats(this);
  }

  /** What it uses, every so often, and when memory ran out, until it ends. */
  events(options: EventsOptions = {}): AsyncGenerator<ContainerEvent, void, undefined> {
    return containerEvents(this, options);
  }

  /** Kills and deletes it, where it is still there. */
  async [Symbol.asyncDispose]() {
    try {
      await this.delete({ force: true });
    } catch (error) {
      if ((error as Error).name !== "NotFoundError") throw error;
    }
    // What nobody waits for keeps nobody from ending; now it is awaited.
    if (this.#end !== undefined) await this.wait();
  }
}
