/**
 * The program and the memory of the process that starts a container: nobody in it reaches either.
 *
 * @module
 */

import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { namespaceExec, type NamespaceExecConfig, namespaceSpawn, SystemError } from "../../mod.ts";
import { requires, shell, soon, textOf } from "../support.ts";
import { containers, rootfs } from "../support_rootfs.ts";
import { AS_NOBODY, compile, compiler, contained, race } from "./support.ts";

const test = requires(containers, compiler);

/** This process's own program, as an attacker would find it changed. */
function ownProgram() {
  const { size, mtime, ino } = Deno.statSync(Deno.execPath());
  return { size, mtime, ino };
}

/** Opens the program of whoever executes it to write to it, as CVE-2019-5736 does through `/proc/self/exe`. */
const OVERWRITES = `
  #define _GNU_SOURCE
  #include <fcntl.h>
  #include <stdio.h>
  #include <unistd.h>
  int main(void) {
    char name[64], target[4096] = {0};
    readlink("/proc/self/exe", target, sizeof target - 1);
    printf("%s\\n", target);
    int reading = open("/proc/self/exe", O_PATH);
    snprintf(name, sizeof name, "/proc/self/fd/%d", reading);
    for (int turn = 0; turn < 1000; turn++) if (open(name, O_WRONLY | O_TRUNC) >= 0) { puts("opened"); return 1; }
    puts("busy");
  }
`;

test("CVE-2019-5736: what leads to this process's own program is not executed", async () => {
  using root = rootfs();
  const before = ownProgram();
  Deno.symlinkSync("/proc/self/exe", `${root.path}/bin/linked`);
  Deno.writeTextFileSync(`${root.path}/bin/script`, "#!/proc/self/exe\n", { mode: 0o755 });
  Deno.symlinkSync("script", `${root.path}/bin/through`);
  for (const ids of [{}, AS_NOBODY]) {
    for (const program of ["/proc/self/exe", "/proc/1/exe", "/bin/linked", "/bin/script", "/bin/through", "linked"]) {
      const config = { rootfs: root.path, program, argv: [program, "--version"], ...ids };
      await assertRejects(() => contained(config), SystemError, program);
    }
  }
  assertEquals(ownProgram(), before);
  Deno.writeTextFileSync(`${root.path}/bin/script`, "#!/bin/sh\necho it is mine\n");
  assertEquals((await contained({ rootfs: root.path, program: "/bin/through" })).stdout, "it is mine");
});

test("CVE-2019-5736: a program finds itself, and not this process's program, as the one that is executed", async () => {
  using root = rootfs();
  const before = ownProgram();
  await compile(`${root.path}/overwrite`, OVERWRITES);
  const { stdout } = await contained({ rootfs: root.path, program: "/overwrite" });
  assertEquals(stdout, "/overwrite\nbusy");
  assertEquals(ownProgram(), before);
});

/**
 * Looks at every process that it sees, until it is killed, and tells what it gets hold of of one that hides its program.
 * With a number it looks at that one alone.
 */
const SPIES = `
  #define _GNU_SOURCE
  #include <dirent.h>
  #include <errno.h>
  #include <fcntl.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  #include <sys/ptrace.h>
  #include <sys/wait.h>
  #include <unistd.h>

  static char name[512], text[1 << 20];

  static const char *file_of(int pid, const char *file) {
    snprintf(name, sizeof name, "/proc/%d/%s", pid, file);
    return name;
  }

  static void tell(const char *what, const char *more) {
    printf("%s%s\\n", what, more);
    fflush(stdout);
  }

  static ssize_t contents(const char *file) {
    int opened = open(file, O_RDONLY);
    ssize_t length = 0;
    for (ssize_t more; opened >= 0 && (more = read(opened, text + length, sizeof text - 1 - length)) > 0;) length += more;
    if (opened >= 0) close(opened);
    text[length] = 0;
    return length;
  }

  static int spy(int pid) {
    if (readlink(file_of(pid, "exe"), text, sizeof text) >= 0 || (errno != EACCES && errno != EPERM)) return 0;
    // What has been opened stays that of the process as it was; a zombie's files can be opened, and say nothing.
    for (const char **file = (const char *[]){ "maps", "environ", 0 }; *file; file++) {
      if (contents(file_of(pid, *file)) > 0 && strstr(text, getenv("OWNER"))) tell("read its ", *file);
    }
    for (int number = 3; number < 40; number++) {
      char entry[32];
      snprintf(entry, sizeof entry, "fd/%d", number);
      if (readlink(file_of(pid, entry), text, sizeof text) > 0) tell("read where its descriptors lead", "");
    }
    // Another process traces, and lets it go by its end.
    if (fork() == 0) {
      int is_traced = ptrace(PTRACE_SEIZE, pid, 0, 0) == 0;
      if (is_traced && contents(file_of(pid, "maps")) > 0 && strstr(text, getenv("OWNER"))) tell("traced it", "");
      _exit(0);
    }
    wait(0);
    return 1;
  }

  int main(int count, char **words) {
    if (count > 1) {
      int pid = atoi(words[1]);
      ssize_t length = readlink(file_of(pid, "exe"), text, sizeof text);
      printf("%.*s ", (int)(length > 0 ? length : 0), text);
      puts(ptrace(PTRACE_SEIZE, pid, 0, 0) == 0 ? "traced" : strerror(errno));
      return 0;
    }
    tell("spying", "");
    for (;;) {
      DIR *all = opendir("/proc");
      for (struct dirent *entry; (entry = readdir(all));) {
        int pid = atoi(entry->d_name);
        if (pid > 1 && spy(pid)) tell("hidden", "");
      }
      closedir(all);
    }
  }
`;

/** Starts the spy in a container, and others that join it, while it looks. */
async function spiedUpon(more: Partial<NamespaceExecConfig>): Promise<Map<string, number>> {
  using root = rootfs();
  await compile(`${root.path}/spy`, SPIES);
  const before = ownProgram();
  await using spy = namespaceSpawn({
    rootfs: root.path,
    program: "/spy",
    envp: { OWNER: Deno.execPath() },
    stdout: "piped",
    ...more,
  });
  const reader = spy.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = (await soon("it spies", reader.read())).value ?? "";
  const rest = (async () => {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) said += piece.value;
  })();
  const file = (kind: string) => `/proc/${spy.pid}/ns/${kind}`;
  const isNobody = more.uidMappings !== undefined;
  const namespaces = { ...(isNobody ? { user: file("user") } : {}), mount: file("mnt"), pid: file("pid") };
  const { ended } = await race(async () => {
    assertEquals(
      (await namespaceExec({ program: "/bin/true", namespaces, capDrop: ["ALL"], timeoutMs: 15_000 })).exitCode,
      0,
    );
  });
  assertGreater(ended, 0);
  spy.kill("SIGKILL");
  await soon("the spy ends", Promise.all([rest, spy.status]));
  assertEquals(ownProgram(), before);
  const counts = new Map<string, number>();
  for (const line of said.split("\n").filter((line) => line !== "")) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}

for (const [who, config] of [["root", {}], ["nobody", AS_NOBODY]] as const) {
  test(`CVE-2016-9962, 2019-5736: who joins ${who}'s container hides what it is until it is executed`, async () => {
    const found = await spiedUpon(config);
    const hidden = found.get("hidden") ?? 0;
    // It met some before they were executed: later they have no capability, and hide nothing.
    assertGreater(hidden, 0);
    assertEquals([...found.keys()].sort(), ["hidden", "spying"]);
  });
}

test("who has joined a container is like all others in it once it is executed", async () => {
  using root = rootfs();
  await compile(`${root.path}/spy`, SPIES);
  const config = { rootfs: root.path, ...shell("echo $$; exec sleep 60"), stdout: "piped" } as const;
  await using container = namespaceSpawn(config);
  await container.stdout.getReader().read();
  const file = (kind: string) => `/proc/${container.pid}/ns/${kind}`;
  const namespaces = { mount: file("mnt"), pid: file("pid") };
  const waits = { ...shell("echo $$; exec sleep 60"), namespaces, stdout: "piped" } as const;
  const look = async (...pid: number[]) =>
    (await contained({ program: "/spy", argv: ["spy", ...pid.map(String)], namespaces, capDrop: ["ALL"] })).stdout;
  const pidOf = async (program: ReturnType<typeof namespaceSpawn>) =>
    Number(textOf((await program.stdout.getReader().read()).value));
  await using joined = namespaceSpawn({ ...waits, capDrop: ["ALL"] });
  assertEquals(await look(await pidOf(joined)), "/bin/busybox traced");
  await using stronger = namespaceSpawn(waits);
  assertEquals(await look(await pidOf(stronger)), " Operation not permitted");
});
