/** Finds the native library, builds it on first use, and opens it. */

import { UnsupportedError } from "./errors.ts";

/** Where cargo puts the library, and where a compiled binary carries it: the same path below the project's folder. */
export const LIBRARY = "target/release/libminicontainer.so";

/** The project's folder; nothing where this module is no file. A URL would take longer to make than the rest of this. */
const root = import.meta.dirname?.slice(0, -"/src/native".length);

/** Each group is opened once: a `dlopen` costs as much as a program's whole start. */
const opened = new Map<Deno.ForeignLibraryInterface, unknown>();

/**
 * Opens a group of symbols. Where the library is missing, or of another version, it is built by cargo first.
 *
 * @param symbols one of the groups in `symbols.ts`
 * @returns the functions; the library stays open for as long as the process lives
 * @throws {UnsupportedError} where there is no library and none can be built
 * @throws {Deno.errors.NotCapable} without `--allow-ffi`
 */
export function openLibrary<const S extends Deno.ForeignLibraryInterface>(
  symbols: S,
): Deno.DynamicLibrary<S>["symbols"] {
  const functions = opened.get(symbols) ?? open(symbols);
  opened.set(symbols, functions);
  return functions as Deno.DynamicLibrary<S>["symbols"];
}

function open(symbols: Deno.ForeignLibraryInterface): unknown {
  const path = `${root}/${LIBRARY}`;
  try {
    return Deno.dlopen(path, symbols).symbols;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    if (Deno.build.os !== "linux") throw new UnsupportedError("minicontainer", "needs Linux");
    buildLibrary(error);
    return Deno.dlopen(path, symbols).symbols;
  }
}

function buildLibrary(cause: unknown) {
  if (Deno.build.standalone || root === undefined) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UnsupportedError("native library", `cannot be opened at ${root}/${LIBRARY}: ${why}`);
  }
  say("building the native library with cargo (on first use only)");
  const showsProgress = Deno.stderr.isTerminal();
  const { success, stderr } = runCargo({
    args: [
      ...["build", "--release", "--locked"],
      ...["--manifest-path", `${root}/Cargo.toml`, "--target-dir", `${root}/target`],
    ],
    stdin: "null",
    // The program's output must stay its own.
    stdout: "null",
    stderr: showsProgress ? "inherit" : "piped",
  });
  if (!success) {
    if (!showsProgress) Deno.stderr.writeSync(stderr);
    throw new UnsupportedError("native library", "cannot be built: cargo failed, see above");
  }
}

function runCargo(options: Deno.CommandOptions): { success: boolean; stderr: Uint8Array } {
  const { stderr: to } = options;
  try {
    const output = new Deno.Command("cargo", options).outputSync();
    return { success: output.success, stderr: to === "piped" ? output.stderr : new Uint8Array() };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new UnsupportedError("native library", "cannot be built: cargo is not on PATH; install Rust (rustup.rs)");
    }
    if (error instanceof Deno.errors.NotCapable) {
      throw new UnsupportedError("native library", 'is not built, and --allow-run lacks cargo: run "deno task build"');
    }
    throw error;
  }
}

function say(line: string) {
  Deno.stderr.writeSync(new TextEncoder().encode(`minicontainer: ${line}\n`));
}
