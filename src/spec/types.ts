/** The spec: OCI's `config.json`, and under `minicontainer` the few things that OCI lacks. */

/** OCI runtime-spec `config.json`, as far as it is used. */
export interface Spec {
  /** Version of the runtime-spec that the object follows. */
  ociVersion: string;
  /** What runs. */
  process: {
    /** The arguments, the first of which the program sees as its own name. */
    args: string[];
    /** `NAME=value`; of several with one name the last counts. */
    env?: string[];
    /** The working directory; absent: the caller's. */
    cwd?: string;
  };
  /** Linux's own part. */
  linux?: {
    /** The namespaces that are made for the program. */
    namespaces?: { type: "pid" }[];
  };
  /** What OCI has no word for. */
  minicontainer?: Extras;
}

/** What OCI lacks. */
export interface Extras {
  /** What is executed, where that is not `process.args[0]`; a name without a slash is looked up in PATH. */
  program?: string;
  /** `process.env` is laid over the environment of this process. */
  inheritEnv?: boolean;
  /** Files of `NAME=value` lines, laid over what is inherited and under `process.env`. */
  envFiles?: string[];
  /** Where the program's descriptors 0, 1 and 2 come from. */
  stdio?: [SpecStdio, SpecStdio, SpecStdio];
  /** The program is killed when this process ends. */
  killOnExit?: boolean;
  /** The program is killed after so many milliseconds. */
  timeoutMs?: number;
  /** Tell on stderr what is done. */
  debug?: boolean;
  /** The program takes this process's place before the terminal and towards who signals it. */
  foreground?: boolean;
}

/** Where a standard stream comes from. */
export type SpecStdio = "inherit" | "null" | "piped" | { descriptor: number };

/** The version of OCI's runtime-spec whose words are used. */
export const OCI_VERSION = "1.2.0";
