/** The errors, by what a caller would do about them; each has an exit code for commands. */

/** What a failed exit of our own is told by, as `env(1)`, `timeout(1)` and Podman have it. */
const OUR_FAILURE = 125;

/** The spec or the options are wrong; nothing was done. */
export class SpecError extends Error {
  /** `"SpecError"`. */
  override name = "SpecError";
  /** The field, as in `argv[1]` or `process.args[1]`; empty for the whole. */
  readonly path: string;
  /** What a command ends with. */
  readonly exitCode: number = OUR_FAILURE;

  /**
   * Makes one.
   *
   * @param path the field
   * @param message what is wrong with it
   */
  constructor(path: string, message: string) {
    super(path === "" ? message : `${path}: ${message}`);
    this.path = path;
  }
}

/** What a {@linkcode SystemError} is made of. */
export interface SystemErrorDetails {
  /** What could not be done, as in `execute "/bin/true"`. */
  operation: string;
  /** The kernel's error number. */
  errno: number;
  /** Its name, as in `ENOENT`. */
  code: string;
  /** The plan's step that failed, counted from 1, and of how many; absent where it was no step. */
  step?: { number: number; of: number };
  /** 126 or 127 where the program could not be executed, else 125. */
  exitCode?: number;
}

/** The kernel refused; what had been done is undone. */
export class SystemError extends Error implements SystemErrorDetails {
  /** `"SystemError"`. */
  override name = "SystemError";
  /** What could not be done, as in `execute "/bin/true"`. */
  readonly operation: string;
  /** The kernel's error number. */
  readonly errno: number;
  /** Its name, as in `ENOENT`. */
  readonly code: string;
  /** The plan's step that failed, counted from 1, and of how many; absent where it was no step. */
  readonly step?: { number: number; of: number };
  /** What a command ends with: 126 or 127 where the program could not be executed, else 125. */
  readonly exitCode: number;

  /**
   * Makes one.
   *
   * @param message the whole sentence
   * @param details what it is made of
   */
  constructor(message: string, details: SystemErrorDetails) {
    super(message);
    this.operation = details.operation;
    this.errno = details.errno;
    this.code = details.code;
    this.step = details.step;
    this.exitCode = details.exitCode ?? OUR_FAILURE;
  }
}

/** This kernel, machine or installation lacks something. */
export class UnsupportedError extends Error {
  /** `"UnsupportedError"`. */
  override name = "UnsupportedError";
  /** What was asked for. */
  readonly feature: string;
  /** What it needs. */
  readonly needs: string;
  /** What a command ends with. */
  readonly exitCode: number = OUR_FAILURE;

  /**
   * Makes one.
   *
   * @param feature what was asked for
   * @param needs what it needs
   */
  constructor(feature: string, needs: string) {
    super(`${feature}: ${needs}`);
    this.feature = feature;
    this.needs = needs;
  }
}

/** The thing is in another state than the call needs. */
export class StateError extends Error {
  /** `"StateError"`. */
  override name = "StateError";
  /** The state that the call needs. */
  readonly expected: string;
  /** The state that was found. */
  readonly actual: string;
  /** What a command ends with. */
  readonly exitCode: number = OUR_FAILURE;

  /**
   * Makes one.
   *
   * @param message the whole sentence
   * @param expected the state that the call needs
   * @param actual the state that was found
   */
  constructor(message: string, expected: string, actual: string) {
    super(message);
    this.expected = expected;
    this.actual = actual;
  }
}

/** There is no such thing. */
export class NotFoundError extends Error {
  /** `"NotFoundError"`. */
  override name = "NotFoundError";
  /** What a command ends with. */
  readonly exitCode: number = OUR_FAILURE;
}

/** The JSON text of a failed record, as `rust/runtime/src/error.rs` writes it. */
type NativeError =
  | { kind: "spec"; path: string; message: string }
  | {
    kind: "system";
    operation: string;
    errno: number;
    code: string;
    step: [number, number] | null;
    exit_code: number | null;
    message: string;
  }
  | { kind: "unsupported"; feature: string; needs: string }
  | { kind: "internal"; message: string };

/** The typed error that a failed record stands for. */
export function errorFromJson(json: string): Error {
  const error = JSON.parse(json) as NativeError;
  switch (error.kind) {
    case "spec":
      return new SpecError(error.path, error.message);
    case "system":
      return new SystemError(error.message, {
        operation: error.operation,
        errno: error.errno,
        code: error.code,
        step: error.step === null ? undefined : { number: error.step[0], of: error.step[1] },
        exitCode: error.exit_code ?? undefined,
      });
    case "unsupported":
      return new UnsupportedError(error.feature, error.needs);
    case "internal":
      return new Error(`minicontainer's own mistake, please report it: ${error.message}`);
  }
}
