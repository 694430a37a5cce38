/** Records as the library writes them; `rust/runtime/src/record.rs` has the table of offsets. */

import { errorFromJson } from "./errors.ts";

/** How a program ended, in the kernel's terms. */
export interface Ended {
  kind: "ended";
  pid: number;
  /** Exit status where `exited`, else signal number. */
  code: number;
  exited: boolean;
  outOfTime: boolean;
  wallUs: number;
  cpuUserUs: number;
  cpuSystemUs: number;
  memoryPeakBytes: number;
  memoryPeakIsBound: boolean;
  outOfCpuTime: boolean;
  /** It wrote more than the command lets it. */
  outOfOutput: boolean;
  degraded: string[];
  /** What its cgroup used, where it had one of its own. */
  used?: Used;
  /** What was changed in its overlay, where that was asked for. */
  changes?: FileChange[];
}

/** What a cgroup used in all; what this host does not tell is absent. */
export interface Used {
  memoryPeakBytes?: number;
  cpuUserUs?: number;
  cpuSystemUs?: number;
  throttledUs?: number;
  pidsPeak?: number;
  ioReadBytes?: number;
  ioWriteBytes?: number;
  oomKills?: number;
  pressure?: { cpuUs?: number; memoryUs?: number; ioUs?: number };
  /** Why the cgroup is still there. */
  left?: string;
}

/** A path of the root filesystem that was changed. */
export interface FileChange {
  /** In the container. */
  path: string;
  /** Of a folder, `"changed"` says that something in it was, too. */
  kind: "added" | "changed" | "deleted";
}

/** 0..255 by the shell's convention: the exit status, or 128 and the signal's number. */
export function exitCodeOf({ exited, code }: Ended): number {
  return exited ? code : 128 + code;
}

/** What a record tells. */
export type Told =
  | Ended
  | { kind: "failed"; error: Error }
  | { kind: "ready"; stream: number }
  | { kind: "started"; pid: number; asks: boolean; degraded: string[] }
  | { kind: "text"; json: string };

const HEADER_BYTES = 56;
const LITTLE_ENDIAN = true;
const decoder = new TextDecoder();

/** Reads the record at `offset`; `next` is where another may follow. */
export function readRecord(bytes: Uint8Array<ArrayBuffer>, offset = 0): { token: number; next: number; told: Told } {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, bytes.byteLength - offset);
  const jsonBytes = view.getUint32(20, LITTLE_ENDIAN);
  const start = offset + HEADER_BYTES;
  const text = () => jsonBytes === 0 ? "" : decoder.decode(bytes.subarray(start, start + jsonBytes));
  return {
    token: view.getUint32(4, LITTLE_ENDIAN),
    next: start + Math.ceil(jsonBytes / 8) * 8,
    told: readTold(view, text),
  };
}

/** Reads the records in the first `length` bytes. */
export function readRecords(bytes: Uint8Array<ArrayBuffer>, length: number): { token: number; told: Told }[] {
  const records = [];
  for (let offset = 0; offset < length;) {
    const record = readRecord(bytes, offset);
    records.push(record);
    offset = record.next;
  }
  return records;
}

function readTold(view: DataView, text: () => string): Told {
  const pid = view.getInt32(8, LITTLE_ENDIAN);
  const code = view.getInt32(12, LITTLE_ENDIAN);
  switch (view.getUint32(0, LITTLE_ENDIAN)) {
    case 1: {
      const flags = view.getUint32(16, LITTLE_ENDIAN);
      const ended: Ended = {
        kind: "ended",
        pid,
        code,
        exited: (flags & 1) !== 0,
        outOfTime: (flags & 2) !== 0,
        memoryPeakIsBound: (flags & 4) !== 0,
        outOfCpuTime: (flags & 16) !== 0,
        outOfOutput: (flags & 32) !== 0,
        wallUs: Math.round(view.getFloat64(24, LITTLE_ENDIAN)),
        cpuUserUs: Math.round(view.getFloat64(32, LITTLE_ENDIAN)),
        cpuSystemUs: Math.round(view.getFloat64(40, LITTLE_ENDIAN)),
        memoryPeakBytes: view.getFloat64(48, LITTLE_ENDIAN),
        degraded: [],
      };
      const details = text();
      return details === "" ? ended : Object.assign(ended, JSON.parse(details));
    }
    case 2:
      return { kind: "failed", error: errorFromJson(text()) };
    case 3:
      return { kind: "ready", stream: code };
    case 4:
      return { kind: "started", pid, asks: (view.getUint32(16, LITTLE_ENDIAN) & 8) !== 0, ...startedDetails(text()) };
    case 5:
      return { kind: "text", json: text() };
    default:
      throw new Error("minicontainer's own mistake, please report it: a record of unknown kind");
  }
}

/** What a start tells beside its numbers: mostly nothing. */
function startedDetails(json: string): { degraded: string[] } {
  return json === "" ? { degraded: [] } : { degraded: [], ...JSON.parse(json) };
}
