/**
 * The native library's functions, with the C type beside each parameter. `rust/runtime/src/ffi.rs` has the other half,
 * and a check holds the two together.
 *
 * In groups, because each symbol costs 75 to 140 µs to open: a caller opens what it uses.
 */

/** A name that changes with every signature: a library of another version does not have it. */
const abi = { minicontainer_abi_6: { type: "u8" } } as const satisfies Deno.ForeignLibraryInterface;

/** What takes a spec and answers with a record. */
const withSpec = {
  parameters: [
    "buffer", // const uint8_t *spec
    "u32", //    uint32_t spec_len
    "buffer", // uint8_t *record
    "u32", //    uint32_t record_len
  ],
  result: "i32",
} as const;

/** One program from start to end, on the calling thread. */
export const runSymbols = { ...abi, minicontainer_run: withSpec } as const satisfies Deno.ForeignLibraryInterface;

/**
 * The same on a thread of Deno's pool, while the event loop waits: a nonblocking symbol is opened in a third of the time,
 * which is worth more to a command than the thread costs.
 */
export const runNonblockingSymbols = {
  ...abi,
  run_nonblocking: { ...withSpec, name: "minicontainer_run", nonblocking: true },
} as const satisfies Deno.ForeignLibraryInterface;

/** What would be done. */
export const explainSymbols = {
  ...abi,
  minicontainer_explain: withSpec,
} as const satisfies Deno.ForeignLibraryInterface;

/** What works on this host. */
export const checkSymbols = {
  ...abi,
  minicontainer_check: {
    parameters: [
      "buffer", // uint8_t *record
      "u32", //    uint32_t record_len
    ],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** What would be executed. */
export const resolveSymbols = {
  ...abi,
  minicontainer_resolve: withSpec,
} as const satisfies Deno.ForeignLibraryInterface;

/** What waits, and answers with records. */
const wait = {
  parameters: [
    "u32", //    uint32_t reactor
    "u32", //    uint32_t sources
    "i32", //    int32_t timeout_ms
    "buffer", // uint8_t *records
    "u32", //    uint32_t records_len
  ],
  result: "i32",
} as const;

/** What starts a program of a reactor's. */
const start = {
  parameters: [
    "u32", //    uint32_t reactor
    "u32", //    uint32_t token
    "bool", //   bool answers
    "buffer", // const uint8_t *spec
    "u32", //    uint32_t spec_len
    "buffer", // uint8_t *record
    "u32", //    uint32_t record_len
  ],
  result: "i32",
} as const;

/** Many programs at once. */
export const reactorSymbols = {
  ...abi,
  minicontainer_open: {
    parameters: [
      "buffer", // uint8_t *record
      "u32", //    uint32_t record_len
    ],
    result: "i32",
  },
  minicontainer_start: start,
  minicontainer_start_elsewhere: start,
  minicontainer_wait: wait,
  wait_nonblocking: { ...wait, name: "minicontainer_wait", nonblocking: true },
  minicontainer_wake: {
    parameters: [
      "u32", //    uint32_t reactor
    ],
    result: "void",
  },
  minicontainer_signal: {
    parameters: [
      "u32", //    uint32_t reactor
      "u32", //    uint32_t token
      "i32", //    int32_t signal
    ],
    result: "i32",
  },
  minicontainer_resize: {
    parameters: [
      "u32", //    uint32_t reactor
      "u32", //    uint32_t token
      "u32", //    uint32_t rows
      "u32", //    uint32_t columns
    ],
    result: "i32",
  },
  minicontainer_read: {
    parameters: [
      "u32", //    uint32_t reactor
      "u32", //    uint32_t token
      "u32", //    uint32_t stream
      "buffer", // uint8_t *buffer
      "u32", //    uint32_t len
    ],
    result: "i32",
  },
  minicontainer_write: {
    parameters: [
      "u32", //    uint32_t reactor
      "u32", //    uint32_t token
      "buffer", // const uint8_t *buffer
      "u32", //    uint32_t len
    ],
    result: "i32",
  },
  minicontainer_close: {
    parameters: [
      "u32", //    uint32_t reactor
      "u32", //    uint32_t token
      "u32", //    uint32_t stream
    ],
    result: "void",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** What takes a program's token and answers with a record. */
const ofProgram = {
  parameters: [
    "u32", //    uint32_t reactor
    "u32", //    uint32_t token
    "buffer", // uint8_t *record
    "u32", //    uint32_t record_len
  ],
  result: "i32",
} as const;

/** What was changed in a program's overlay. */
export const changesSymbols = {
  ...abi,
  minicontainer_changes: ofProgram,
  changes_nonblocking: { ...ofProgram, name: "minicontainer_changes", nonblocking: true },
} as const satisfies Deno.ForeignLibraryInterface;

/** Calls of a program that wait for an answer. */
export const notifySymbols = {
  ...abi,
  minicontainer_receive: ofProgram,
  minicontainer_continue: {
    parameters: [
      "u32", //    uint32_t reactor
      "u32", //    uint32_t token
      "u64", //    uint64_t id
    ],
    result: "i32",
  },
  minicontainer_fail: {
    parameters: [
      "u32", //    uint32_t reactor
      "u32", //    uint32_t token
      "u64", //    uint64_t id
      "i32", //    int32_t errno
    ],
    result: "i32",
  },
  minicontainer_return: {
    parameters: [
      "u32", //    uint32_t reactor
      "u32", //    uint32_t token
      "u64", //    uint64_t id
      "i64", //    int64_t value
    ],
    result: "i32",
  },
  minicontainer_read_string: {
    parameters: [
      "u32", //    uint32_t reactor
      "u32", //    uint32_t token
      "u64", //    uint64_t id
      "i32", //    int32_t thread
      "u64", //    uint64_t address
      "buffer", // uint8_t *record
      "u32", //    uint32_t record_len
    ],
    result: "i32",
  },
  minicontainer_errno: {
    parameters: [
      "buffer", // const uint8_t *name
      "u32", //    uint32_t name_len
    ],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** A running program's cgroup; what may take the kernel a moment must not have the event loop wait. */
export const cgroupSymbols = {
  ...abi,
  cgroup_nonblocking: {
    parameters: [
      "u32", //    uint32_t reactor
      "u32", //    uint32_t token
      "buffer", // const uint8_t *request
      "u32", //    uint32_t request_len
      "buffer", // uint8_t *record
      "u32", //    uint32_t record_len
    ],
    result: "i32",
    name: "minicontainer_cgroup",
    nonblocking: true,
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** The life of a container; what waits for others' programs must not have the event loop wait. */
export const lifeSymbols = {
  ...abi,
  call_nonblocking: { ...withSpec, name: "minicontainer_call", nonblocking: true },
} as const satisfies Deno.ForeignLibraryInterface;

/** The same on this thread: calls that wait for nobody, and the one that does not come back. */
export const lifeHereSymbols = { ...abi, minicontainer_call: withSpec } as const satisfies Deno.ForeignLibraryInterface;

/** The end of a container that this process has made, among the reactor's. */
export const adoptSymbols = {
  ...abi,
  minicontainer_adopt: {
    parameters: [
      "u32", //    uint32_t reactor
      "u32", //    uint32_t token
      "i32", //    int32_t pid
      "buffer", // uint8_t *record
      "u32", //    uint32_t record_len
    ],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;
