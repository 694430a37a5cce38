/** Signals by name and number, as Linux numbers them on every architecture that the library is built for: signal(7). */

import { SpecError } from "../native/errors.ts";

/** Names in the order of their numbers, from 1. */
const NAMES = [
  ..."HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP".split(" "),
  ..."TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS".split(" "),
];

const FIRST_REALTIME = 34;
const LAST_SIGNAL = 64;

/** A signal's name: `SIGTERM`; `SIGRTMIN+N` for a real-time one, `SIG32` and `SIG33` for those that glibc keeps. */
export function signalName(number: number): string {
  const name = NAMES[number - 1];
  if (name !== undefined) return `SIG${name}`;
  if (number < FIRST_REALTIME) return `SIG${number}`;
  return number === FIRST_REALTIME ? "SIGRTMIN" : `SIGRTMIN+${number - FIRST_REALTIME}`;
}

/**
 * A signal's number.
 *
 * @param signal a number (1..64) or a name or number as text, with or without `SIG`, in either case
 * @throws {SpecError} for any other
 */
export function signalNumber(signal: string | number): number {
  if (typeof signal === "number") {
    if (Number.isInteger(signal) && signal >= 1 && signal <= LAST_SIGNAL) return signal;
    throw new SpecError("signal", `must be 1 to ${LAST_SIGNAL}; it is ${signal}`);
  }
  const name = String(signal).toUpperCase().replace(/^SIG/, "");
  const place = NAMES.indexOf(name);
  if (place !== -1) return place + 1;
  if (/^\d+$/.test(name)) return signalNumber(Number(name));
  const realtime = /^RTMIN(?:\+(\d+))?$/.exec(name);
  const number = FIRST_REALTIME + Number(realtime?.[1] ?? 0);
  if (realtime !== null && number <= LAST_SIGNAL) return number;
  throw new SpecError("signal", `must be a signal's name or number; it is ${JSON.stringify(signal)}`);
}
