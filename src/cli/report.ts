/** What goes wrong, as one line on stderr and an exit code. */

/** A line on stderr; a stderr that is closed is not worth an error. */
export function say(line: string) {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(`minicontainer: ${line}\n`));
  } catch {
    // Nobody listens.
  }
}

/** A text on stdout, all of it. */
export function print(text: string) {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

/** The options that set a configuration's fields; the first that a path begins with counts. */
const OPTION_OF_FIELD = [
  ["argv[0]", "program"],
  ["argv", "argument"],
  ["envp", "--env"],
  ["envFiles", "--env-file"],
  ["cwd", "--cwd"],
  ["timeoutMs", "--timeout"],
  ["namespaces.mount", "--mountns"],
  ["namespaces.network", "--net"],
  ["namespaces.cgroup", "--cgroupns"],
  ["namespaces.", "--"],
  ["enableMountNamespace", "--mountns"],
  ["enableNetworkNamespace", "--net"],
  ["enableCgroupNamespace", "--cgroupns"],
  ["timeOffsets", "--time-offset"],
  ["readOnly", "--read-only"],
  ["overlay.folder", "--container-dir"],
  ["volumes", "--volume"],
  ["mounts", "--mount"],
  ["hostDevices", "--device"],
  ["rootfsPropagation", "--rootfs-propagation"],
  ["mountApi", "--mount-api"],
  ["user", "--run-as"],
  ["additionalGids", "--add-group"],
  ["uidMappings", "--uid-map"],
  ["gidMappings", "--gid-map"],
  ["mapIds", "--map-ids"],
  ["capAdd", "--cap-add"],
  ["capDrop", "--cap-drop"],
  ["noNewPrivileges", "--no-new-privs"],
  ["seccompFile", "--seccomp"],
  ["landlock.readOnly", "--landlock-ro"],
  ["landlock.readWrite", "--landlock-rw"],
  ["apparmorProfile", "--apparmor"],
  ["selinuxLabel", "--selinux"],
  ["rlimits", "--ulimit"],
  ["cpuAffinity", "--cpus-allowed"],
  ["ioPriority", "--io-priority"],
  ["oomScoreAdj", "--oom-score-adj"],
  ["terminal", "--tty"],
  ["monitor.logMaxBytes", "--log-max-size"],
  ["monitor.logMaxFiles", "--log-max-files"],
  ["monitor.remove", "--rm"],
  ["monitor.restart", "--restart"],
  ["monitor.labels", "--label"],
  ["limits.memoryBytes", "--memory"],
  ["limits.memorySwapBytes", "--memory-swap"],
  ["limits.memoryReservationBytes", "--memory-reservation"],
  ["limits.cpusetCpus", "--cpuset-cpus"],
  ["limits.cpusetMems", "--cpuset-mems"],
  ["limits.cpuShares", "--cpu-shares"],
  ["limits.cpuTimeMs", "--cpu-time"],
  ["limits.cpus", "--cpus"],
  ["limits.pids", "--pids"],
  ["limits.ioWeight", "--io-weight"],
  ["limits.ioMax", "--io-max"],
  ["limits.devices", "--device-cgroup-rule"],
  ["limits.unified", "--unified"],
  ["limits.cgroupParent", "--cgroup-parent"],
  ["limits.cgroupManager", "--cgroup-manager"],
];

/** Fields whose options have the same name. */
const SAME = /^(hostname|domainname|sysctl|rootfs|overlay|tmpfs|umask|seccomp|scheduler|personality)\b/;

/** The option that sets a configuration's field; the field itself where none does. */
function optionOfField(path: string): string {
  const [field, option] = OPTION_OF_FIELD.find(([field]) => path.startsWith(field)) ?? [];
  if (field === "namespaces.") return `--${path.slice(field.length)}`;
  const [, kind] = /^enable(\w+)Namespace$/.exec(path) ?? [];
  if (field === undefined && kind !== undefined) return `--${kind.toLowerCase()}`;
  return option ?? (SAME.test(path) ? `--${path.replace(/[.[].*/, "")}` : path);
}

/** Other fields that a message speaks of, by names that are no words; what was given stands in quotes. */
const SPOKEN_OF = /"(?:[^"\\]|\\.)*"|\b[ug]idMappings\b/g;

/** A message with options in place of a configuration's fields. */
function speakingOfOptions(message: string): string {
  return message.replace(SPOKEN_OF, (word) => word.startsWith('"') ? word : optionOfField(word));
}

/** Tells of an error; the exit code that it has. */
export function fail(error: unknown): number {
  if (error instanceof Deno.errors.BrokenPipe) return 128 + 13;
  say(words(error));
  return failureOf(error);
}

/** What a command that runs a program ends with where that fails: 127 and 126 where it could not be executed, else 125. */
export function failureOf(error: unknown): number {
  const { exitCode } = error as { exitCode?: number };
  return exitCode ?? 125;
}

/** What an error says, in a line. */
export function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "UsageError") {
    const { unknown } = error as { unknown?: { given: string; known: string[] } };
    const near = unknown && nearest(unknown.given, unknown.known);
    return `${error.message}${near ? `; did you mean ${near}?` : ""} (see minicontainer --help)`;
  }
  if (error.name === "SpecError") {
    const { path } = error as Error & { path: string };
    return path === "" ? error.message : optionOfField(path) + speakingOfOptions(error.message.slice(path.length));
  }
  if (error.name === "NotCapable" && error.message.includes("ffi")) {
    return `${error.message.replace(/, run again.*/, "")}: run with deno run --allow-ffi --allow-run`;
  }
  return error.message;
}

/**
 * The word that is nearest to `given`, if any is near: at most two letters wrong, missing, too many or swapped, and not
 * more than half of them.
 */
export function nearest(given: string, words: string[]): string | undefined {
  const limit = Math.min(2, Math.floor(given.replace(/^-+/, "").length / 2));
  const ranked = words.map((word) => ({ word, steps: distance(given, word) })).sort((a, b) => a.steps - b.steps);
  return ranked.find(({ steps }) => steps <= limit)?.word;
}

/** Damerau and Levenshtein's: how many single letters are to be changed, added, removed, or swapped with the next. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      row[j] = Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (isSame ? 0 : 1));
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
    }
    rows.push(row);
  }
  return rows[a.length][b.length];
}
