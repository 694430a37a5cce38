/** `--mount type=TYPE,src=SOURCE,dst=TARGET[,OPTION]…`, as Docker and Podman have it. */

import { tmpfs, volume } from "../spec/volumes.ts";
import type { Mount } from "../spec/types.ts";
import { UsageError } from "./options.ts";

/** Other words for the same. */
const KEYS: Record<string, string> = {
  src: "source",
  dst: "target",
  destination: "target",
  "tmpfs-size": "size",
  "tmpfs-mode": "mode",
  readonly: "ro",
};

/**
 * The mount that the option stands for; what is none of its own words is an option of the filesystem.
 *
 * @throws {UsageError} where there is no type or no target
 * @throws {SpecError} where an option of a bind mount or a tmpfs is unknown
 */
export function mountFromOption(text: string): Mount {
  const found = new Map<string, string>();
  const options: string[] = [];
  for (const entry of text.split(",")) {
    const end = entry.indexOf("=");
    const word = end === -1 ? entry : entry.slice(0, end);
    const key = Object.hasOwn(KEYS, word) ? KEYS[word] : word;
    const value = end === -1 ? undefined : entry.slice(end + 1);
    if (["type", "source", "target"].includes(key)) found.set(key, value ?? "");
    else if (key === "ro" && (value === "false" || value === "0")) options.push("rw");
    else if (key === "ro") options.push("ro");
    else if (key === "bind-propagation") options.push(value ?? "");
    else options.push(value === undefined ? key : `${key}=${value}`);
  }
  const [type, source, target] = ["type", "source", "target"].map((key) => found.get(key));
  if (!type || !target) {
    throw new UsageError(`--mount needs ${type ? "dst=TARGET" : "type=TYPE"}; it is ${quote(text)}`);
  }
  if (type === "bind") return volume("mounts", { source, target, options });
  if (type === "tmpfs") return tmpfs("mounts", { target, options });
  return { destination: target, type, source: source ?? type, options };
}

function quote(text: string): string {
  return JSON.stringify(text);
}
