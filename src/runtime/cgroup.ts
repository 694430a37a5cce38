/** A running program's cgroup. */

import { SpecError, StateError, SystemError } from "../native/errors.ts";
import { openLibrary } from "../native/library.ts";
import { readRecord } from "../native/call.ts";
import { cgroupSymbols } from "../native/symbols.ts";
import { type Limits, resourcesOf } from "../spec/resources.ts";
import { type ContainerStats, withoutNulls } from "../spec/stats.ts";
import type { Spec } from "../spec/types.ts";
import { CGROUP, type Program, type Reactor } from "./reactor.ts";

/** Something that happened to a cgroup: `oom` with how many processes were killed; `exit` is the last. */
export type CgroupEvent = { type: "oom"; count: number } | { type: "frozen" } | { type: "thawed" } | { type: "exit" };

type Request =
  | { call: "stats" | "pause" | "resume" | "events" }
  | { call: "update"; resources: unknown };

/** Enough for many devices, and for every error. */
const RECORD_BYTES = 65536;

/** Error numbers of Linux. */
const ESRCH = 3;
const EOPNOTSUPP = 95;

const encoder = new TextEncoder();

/** Whether a spec's program gets a cgroup of its own. */
export function hasCgroup({ linux, minicontainer }: Spec): boolean {
  return linux?.resources !== undefined || linux?.cgroupsPath !== undefined || minicontainer?.cgroup !== undefined;
}

/** The calls on one. */
export class Cgroup {
  readonly #reactor: Reactor;
  readonly #program: Program;
  #hasEnded = false;

  constructor(reactor: Reactor, program: Program) {
    this.#reactor = reactor;
    this.#program = program;
    const end = () => this.#hasEnded = true;
    program.end.then(end, end);
  }

  async stats(): Promise<ContainerStats> {
    return withoutNulls(await this.#ask<ContainerStats>({ call: "stats" }));
  }

  async *statsEvery(intervalMs: number): AsyncGenerator<ContainerStats, void, void> {
    if (!(typeof intervalMs === "number" && intervalMs > 0 && intervalMs < 2 ** 31)) {
      throw new SpecError("intervalMs", `must be a number of milliseconds above 0; it is ${intervalMs}`);
    }
    while (!this.#hasEnded) {
      try {
        yield await this.stats();
      } catch (error) {
        if (error instanceof StateError) return;
        throw error;
      }
      await this.#sleep(intervalMs);
    }
  }

  async update(limits: Limits) {
    const { resources = {}, cgroup } = resourcesOf("limits", limits);
    const [field] = Object.keys(cgroup);
    if (field !== undefined) throw new SpecError(`limits.${field}`, "cannot change while the program runs");
    await this.#ask({ call: "update", resources });
  }

  async pause() {
    await this.#ask({ call: "pause" });
  }

  async resume() {
    await this.#ask({ call: "resume" });
  }

  async *events(): AsyncGenerator<CgroupEvent, void, void> {
    const { token, end } = this.#program;
    const close = () => this.#reactor.close(token, CGROUP);
    let killed = 0;
    try {
      end.then(close, close);
      while (this.#reactor.watchCgroup(token)) {
        // Before it is asked for: what happens meanwhile must find somebody who waits.
        const more = this.#reactor.ready(token, CGROUP);
        const happened = await this.#ask<CgroupEvent[]>({ call: "events" }).catch((error) => {
          if (error instanceof StateError) return [];
          throw error;
        });
        for (const event of happened) {
          if (event.type === "oom") killed += event.count;
          yield event;
        }
        await more;
      }
      // What came with the end itself.
      const count = ((await end).used?.oomKills ?? 0) - killed;
      if (count > 0) yield { type: "oom", count };
      yield { type: "exit" };
    } finally {
      close();
    }
  }

  /** Sleeps, at most until the program ends. */
  async #sleep(ms: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    const end = this.#program.end.then(() => {}, () => {});
    await Promise.race([promise, end]);
    clearTimeout(timer);
  }

  async #ask<T>(request: Request): Promise<T> {
    const { token, pid } = this.#program;
    const bytes = encoder.encode(JSON.stringify(request));
    const record = new Uint8Array(RECORD_BYTES);
    const { cgroup_nonblocking } = openLibrary(cgroupSymbols);
    await cgroup_nonblocking(this.#reactor.number, token, bytes, bytes.byteLength, record, record.byteLength);
    const { told } = readRecord(record);
    if (told.kind === "text") return JSON.parse(told.json);
    const error = told.kind === "failed" ? told.error : new Error("minicontainer's own mistake, please report it");
    if (error instanceof SystemError && error.errno === ESRCH) {
      throw new StateError(`cannot look at the cgroup of process ${pid}: it has ended`, "running", "ended");
    }
    if (error instanceof SystemError && error.errno === EOPNOTSUPP) {
      throw new TypeError("Cannot look at its cgroup: this host has none for it");
    }
    throw error;
  }
}
