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

/** The view of the buffer that was read last: most records are in one and the same. */
let lastView = new DataView(new ArrayBuffer(0));

/** Reads the record at `offset`; `next` is where another may follow. */
export function readRecord(bytes: Uint8Array<ArrayBuffer>, offset = 0): { token: number; next: number; told: Told } {
  if (lastView.buffer !== bytes.buffer) lastView = new DataView(bytes.buffer);
  const view = lastView;
  const from = bytes.byteOffset + offset;
  const jsonBytes = view.getUint32(from + 20, LITTLE_ENDIAN);
  const start = offset + HEADER_BYTES;
  const json = jsonBytes === 0 ? "" : decoder.decode(bytes.subarray(start, start + jsonBytes));
  return {
    token: view.getUint32(from + 4, LITTLE_ENDIAN),
    next: start + Math.ceil(jsonBytes / 8) * 8,
    told: readTold(view, from, json),
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

function readTold(view: DataView, from: number, json: string): Told {
  const pid = view.getInt32(from + 8, LITTLE_ENDIAN);
  const code = view.getInt32(from + 12, LITTLE_ENDIAN);
  switch (view.getUint32(from, LITTLE_ENDIAN)) {
    case 1: {
      const flags = view.getUint32(from + 16, LITTLE_ENDIAN);
      const ended: Ended = {
        kind: "ended",
        pid,
        code,
        exited: (flags & 1) !== 0,
        outOfTime: (flags & 2) !== 0,
        memoryPeakIsBound: (flags & 4) !== 0,
        outOfCpuTime: (flags & 16) !== 0,
        outOfOutput: (flags & 32) !== 0,
        wallUs: Math.round(view.getFloat64(from + 24, LITTLE_ENDIAN)),
        cpuUserUs: Math.round(view.getFloat64(from + 32, LITTLE_ENDIAN)),
        cpuSystemUs: Math.round(view.getFloat64(from + 40, LITTLE_ENDIAN)),
        memoryPeakBytes: view.getFloat64(from + 48, LITTLE_ENDIAN),
        degraded: [],
      };
      return json === "" ? ended : Object.assign(ended, JSON.parse(json));
    }
    case 2:
      return { kind: "failed", error: errorFromJson(json) };
    case 3:
      return { kind: "ready", stream: code };
    case 4:
      return {
        kind: "started",
        pid,
        asks: (view.getUint32(from + 16, LITTLE_ENDIAN) & 8) !== 0,
        ...startedDetails(json),
      };
    case 5:
      return { kind: "text", json };
    default:
      throw new Error("minicontainer's own mistake, please report it: a record of unknown kind");
  }
}

/** What a start tells beside its numbers: mostly nothing. */
function startedDetails(json: string): { degraded: string[] } {
  return json === "" ? { degraded: [] } : { degraded: [], ...JSON.parse(json) };
}
