/** What a program sees of the host's folders, and filesystems and files in memory: from short texts and objects to OCI. */

import { SpecError } from "../native/errors.ts";
import { absolute, flag, kindOf, name, object, shown, text, texts, whole } from "./check.ts";
import type { Volume } from "./isolation_config.ts";
import type { InjectedFile, Mount } from "./types.ts";

const PROPAGATIONS = ["private", "shared", "slave", "unbindable"].flatMap((each) => [each, `r${each}`]);

/** What can be said of every mount; each also for those below it, with an `r` in front. */
const ATTRIBUTES = [
  ...["ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "atime", "noatime", "diratime", "nodiratime"],
  ...["relatime", "norelatime", "strictatime", "nostrictatime", "symfollow", "nosymfollow"],
].flatMap((each) => [each, `r${each}`]);

const BIND_OPTIONS = ["bind", "rbind", "idmap", "ridmap", ...ATTRIBUTES, ...PROPAGATIONS];

/** Options of tmpfs(5) that have a value. */
const TMPFS_SETTINGS: Record<string, RegExp> = {
  size: /^\d+[kmg%]?$/i,
  mode: /^[0-7]{1,5}$/,
  nr_inodes: /^\d+[kmg]?$/i,
  nr_blocks: /^\d+[kmg]?$/i,
  uid: /^\d+$/,
  gid: /^\d+$/,
  huge: /^(always|never|within_size|advise)$/,
};

/** What says whether device files can be used. */
const DEVICES = ["dev", "nodev", "rdev", "rnodev"];

/** Who asks for these means devices. Elsewhere a container that may make them could have left them for the next. */
const DEVICES_OF_THE_HOST = /^\/dev(\/|$)/;

/** Unless the opposite is asked for: a filesystem in memory is for data. */
const TMPFS_DEFAULTS = [["nosuid", "suid"], ["nodev", "dev"], ["noexec", "exec"]];

/**
 * A bind mount.
 *
 * @param path the field, to name it
 * @param value a {@linkcode Volume}, or `SOURCE:TARGET[:OPTION,…]`
 */
export function volume(path: string, value: unknown): Mount {
  const { source, target, readOnly, options } = typeof value === "string"
    ? volumeFromText(path, text(path, value))
    : volumeFromObject(path, value);
  const unknown = options.find((option) => !BIND_OPTIONS.includes(option));
  if (unknown !== undefined) {
    throw new SpecError(path, `${shown(unknown)} is no option of a bind mount: ro, noexec, nosuid, rshared, …`);
  }
  const defaults = [
    ...(options.some((option) => option === "bind" || option === "rbind") ? [] : ["rbind"]),
    ...(options.some((option) => PROPAGATIONS.includes(option)) ? [] : ["rprivate"]),
    ...(DEVICES_OF_THE_HOST.test(source) || options.some((option) => DEVICES.includes(option)) ? [] : ["nodev"]),
  ];
  return { destination: target, type: "bind", source, options: [...defaults, ...options, ...(readOnly ? ["ro"] : [])] };
}

function volumeFromText(path: string, value: string): Volume & Options {
  const [source, target, options, ...rest] = value.split(":");
  if (target === undefined || rest.length > 0) {
    throw new SpecError(path, `must be SOURCE:TARGET or SOURCE:TARGET:OPTION,…; it is ${shown(value)}`);
  }
  return { source: hostPath(path, source), target: absolute(path, target), options: commaList(options) };
}

function volumeFromObject(path: string, value: unknown): Volume & Options {
  const { source, target, readOnly, options } = object(path, value);
  return {
    source: hostPath(`${path}.source`, source),
    target: absolute(`${path}.target`, target),
    readOnly: flag(`${path}.readOnly`, readOnly),
    options: options === undefined ? [] : texts(`${path}.options`, options),
  };
}

/** Docker takes other words for the names of volumes, which would here be folders that nobody meant. */
function hostPath(path: string, value: unknown): string {
  const source = name(path, value, "a folder or file of the host");
  if (/^[/.]/.test(source)) return source;
  throw new SpecError(path, `must be an absolute path, or begin with a dot; it is ${shown(source)}, try "./${source}"`);
}

/**
 * A filesystem in memory.
 *
 * @param path the field, to name it
 * @param value an object, or `TARGET[:OPTION,…]`
 */
export function tmpfs(path: string, value: unknown): Mount {
  const { target, options } = typeof value === "string"
    ? tmpfsFromText(path, text(path, value))
    : tmpfsFromObject(path, value);
  for (const option of options) checkTmpfsOption(path, option);
  const defaults = TMPFS_DEFAULTS.filter((pair) => !pair.some((option) => options.includes(option)));
  return {
    destination: target,
    type: "tmpfs",
    source: "tmpfs",
    options: [...defaults.map(([option]) => option), ...options],
  };
}

function tmpfsFromText(path: string, value: string): { target: string } & Options {
  const [target, options, ...rest] = value.split(":");
  if (rest.length > 0) throw new SpecError(path, `must be TARGET or TARGET:OPTION,…; it is ${shown(value)}`);
  return { target: absolute(path, target), options: commaList(options) };
}

function tmpfsFromObject(path: string, value: unknown): { target: string } & Options {
  const { target, sizeBytes, mode, options } = object(path, value);
  const settings = options === undefined ? [] : texts(`${path}.options`, options);
  if (sizeBytes !== undefined) {
    settings.push(`size=${whole(`${path}.sizeBytes`, sizeBytes, 1, Number.MAX_SAFE_INTEGER)}`);
  }
  if (mode !== undefined) settings.push(`mode=${whole(`${path}.mode`, mode, 0, 0o7777).toString(8)}`);
  return { target: absolute(`${path}.target`, target), options: settings };
}

function checkTmpfsOption(path: string, option: string) {
  const [key, ...rest] = option.split("=");
  if (rest.length === 0 && ["tmpcopyup", ...ATTRIBUTES, ...PROPAGATIONS].includes(option)) return;
  if (!Object.hasOwn(TMPFS_SETTINGS, key)) {
    throw new SpecError(path, `${shown(option)} is no option of tmpfs: size=64m, mode=755, ro, exec, …`);
  }
  if (!TMPFS_SETTINGS[key].test(rest.join("="))) throw new SpecError(path, `${shown(option)} is no ${key} of tmpfs`);
}

interface Options {
  options: string[];
}

function commaList(options: string | undefined): string[] {
  return options === undefined ? [] : options.split(",");
}

/**
 * Files from memory that are put into a root filesystem.
 *
 * @throws {SpecError} where a path is not absolute, or a content neither text nor bytes
 */
export function filesOf(path: string, value: unknown): InjectedFile[] {
  return Object.entries(object(path, value)).map(([file, content]) => ({
    path: absolute(path, file),
    content: bytesOf(`${path}[${JSON.stringify(file)}]`, content).toBase64(),
  }));
}

function bytesOf(path: string, content: unknown): Uint8Array {
  if (typeof content === "string") return new TextEncoder().encode(content);
  if (content instanceof Uint8Array) return content;
  throw new SpecError(path, `must be a string or a Uint8Array; it is ${kindOf(content)}`);
}
