/** The event loop: calls on other threads, timers, signals. */

import { host } from "./host.ts";

/** Who waits for a call, with what the call works on, which must stay where it is. */
const calls = new Map<number, { ended: (result: number) => void; args: unknown }>();
const timers = new Map<number, { at: number; call: () => void; isNeeded: boolean }>();
const listeners = new Map<number, Set<() => void>>();
let last = 0;

/** Has `begin` start a call by a number on another thread; its result. */
export function elsewhere(args: unknown, begin: (call: number) => void): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  calls.set(++last, { ended: resolve, args });
  begin(last);
  return promise;
}

/** As the web's `setTimeout`. */
export function setTimer(call: () => void, ms = 0): number {
  timers.set(++last, { at: host.now() + ms, call, isNeeded: true });
  return last;
}

/** As the web's `clearTimeout`. */
export function clearTimer(timer?: number) {
  if (timer !== undefined) timers.delete(timer);
}

/** Whether a timer alone has the loop go on. */
export function needTimer(timer: number, isNeeded: boolean) {
  const known = timers.get(timer);
  if (known !== undefined) known.isNeeded = isNeeded;
}

/** Calls `listener` at each signal of this number. */
export function listen(signal: number, listener: () => void) {
  const known = listeners.get(signal);
  if (known === undefined) host.listen(signal);
  listeners.set(signal, (known ?? new Set()).add(listener));
}

/** Does not any more; the signal is not what it was before, but without effect. */
export function unlisten(signal: number, listener: () => void) {
  listeners.get(signal)?.delete(listener);
}

/** Waits for what comes next, and tells who waits for it; whether anything was there to wait for. */
export function turn(): boolean {
  const [timer, next] = [...timers].reduce((a, b) => b[1].at < a[1].at ? b : a, [0, NEVER]);
  const left = next.at - host.now();
  if (left <= 0) {
    timers.delete(timer);
    next.call();
    return true;
  }
  const isListening = [...listeners.values()].some(({ size }) => size > 0);
  if (calls.size === 0 && !isListening && ![...timers.values()].some(({ isNeeded }) => isNeeded)) return false;
  const event = host.next(left === Infinity ? undefined : left);
  if (event?.[0] === 0) {
    const [, call, result] = event;
    const known = calls.get(call);
    calls.delete(call);
    known?.ended(result);
  } else if (event?.[0] === 1) {
    for (const listener of [...listeners.get(event[1]) ?? []]) listener();
  }
  return true;
}

const NEVER = { at: Infinity, call: () => {}, isNeeded: false };
