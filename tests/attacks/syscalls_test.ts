/**
 * System calls by which a program could get at more of the kernel than a container should: the default filter refuses
 * them, by whatever door they come.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { NamespaceExecConfig } from "../../mod.ts";
import { requires } from "../support.ts";
import { containers, rootfs } from "../support_rootfs.ts";
import { AS_NOBODY, compile, compiler, contained, intel } from "./support.ts";

const test = requires(containers, compiler);
const testOnIntel = requires(containers, compiler, intel);

/** Makes the calls that it is told to, each in a process of its own, with arguments that no kernel does anything for. */
const CALLS = `
  #define _GNU_SOURCE
  #include <errno.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  #include <sys/wait.h>
  #include <unistd.h>

  static long call(const char *door, long number, long one, long two) {
  #ifdef __x86_64__
    if (!strcmp(door, "i386")) {
      long result;
      __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(one), "c"(two), "d"(0), "S"(0), "D"(0)
                       : "memory", "r8", "r9", "r10", "r11");
      return result;
    }
    if (!strcmp(door, "x32")) number |= 0x40000000;
  #endif
    long result = syscall(number, one, two, 0L, 0L, 0L, 0L);
    return result < 0 ? -errno : result;
  }

  int main(int count, char **words) {
    for (int at = 1; at + 3 < count; at += 4) {
      fflush(stdout);
      if (fork() == 0) {
        int self = getpid();
        long result = call(words[at], atol(words[at + 1]), atol(words[at + 2]), atol(words[at + 3]));
        if (getpid() != self) _exit(0); // clone's child
        puts(result < 0 ? strerrorname_np(-result) : "done");
        fflush(stdout);
        _exit(0);
      }
      int status;
      wait(&status);
      if (WIFSIGNALED(status)) printf("signal %d\\n", WTERMSIG(status));
    }
  }
`;

const CLONE_NEWUSER = 0x10000000;

/** Those that Docker's profile refuses, by the numbers that the kernel has for them on x86_64 and on ARM. */
const REFUSED: [name: string, intel: number, arm: number, one?: number, two?: number][] = [
  ["io_uring_setup", 425, 425],
  ["io_uring_enter", 426, 426, -1],
  ["io_uring_register", 427, 427, -1],
  ["unshare", 272, 97, CLONE_NEWUSER],
  ["setns", 308, 268, -1],
  ["clone", 56, 220, CLONE_NEWUSER | 17],
  ["mount", 165, 40],
  ["umount2", 166, 39],
  ["pivot_root", 155, 41],
  ["move_mount", 429, 429, -1, 0],
  ["open_tree", 428, 428, -1, 0],
  ["fsopen", 430, 430],
  ["mount_setattr", 442, 442, -1, 0],
  ["keyctl", 250, 219, 0, -3],
  ["add_key", 248, 217],
  ["request_key", 249, 218],
  ["bpf", 321, 280, -1],
  ["perf_event_open", 298, 241],
  ["userfaultfd", 323, 282, 0x7fff],
  ["open_by_handle_at", 304, 265, -1],
  ["init_module", 175, 105],
  ["finit_module", 313, 273, -1],
  ["delete_module", 176, 106],
  ["kexec_load", 246, 104, 0, 1 << 30],
  ["reboot", 169, 142],
  ["swapon", 167, 224],
  ["acct", 163, 89, 1],
  ["quotactl", 179, 60],
  ["settimeofday", 164, 170, 1],
];

/** What other doors of the same kernel call them. */
const I386: [name: string, number: number, one?: number, two?: number][] = [
  ["io_uring_setup", 425],
  ["unshare", 310, CLONE_NEWUSER],
  ["setns", 346, -1],
  ["mount", 21],
  ["umount", 22],
  ["keyctl", 288, 0, -3],
  ["bpf", 357, -1],
  ["init_module", 128],
  ["reboot", 88],
];

type Call = [door: string, number: number, one?: number, two?: number];

/** What becomes of calls in a container. */
async function outcomes(calls: Call[], config: Partial<NamespaceExecConfig> = {}): Promise<string[]> {
  using root = rootfs();
  await compile(`${root.path}/call`, CALLS);
  const argv = ["call", ...calls.flatMap(([door, number, one = 0, two = 0]) => [door, number, one, two].map(String))];
  const { exitCode, stdout, stderr } = await contained({ rootfs: root.path, program: "/call", argv, ...config });
  assertEquals([exitCode, stderr], [0, ""]);
  return stdout.split("\n");
}

const own = REFUSED.map(([, intel, arm, one, two]): Call => [
  "own",
  Deno.build.arch === "x86_64" ? intel : arm,
  one,
  two,
]);

for (const [who, config] of [["root", {}], ["nobody", AS_NOBODY]] as const) {
  test(`CVE-2022-0185 and its kin: calls that widen the kernel's surface are refused to ${who}'s container`, async () => {
    const found = await outcomes(own, config);
    assertEquals(REFUSED.map(([name], index) => [name, found[index]]), REFUSED.map(([name]) => [name, "EPERM"]));
    // It is the filter that refuses it, and not the kernel for want of a right, as some hosts do with others.
    const keyctl = REFUSED.findIndex(([name]) => name === "keyctl");
    assertEquals(await outcomes([own[keyctl]], { ...config, seccomp: "unconfined" }), ["done"]);
  });
}

test("a call that the filter cannot look into is said to be missing, so that the older one is made", async () => {
  // clone3(2) has its flags behind a pointer.
  const clone3: Call = ["own", 435];
  assertEquals(await outcomes([clone3]), ["ENOSYS"]);
  assertEquals(await outcomes([clone3], { seccomp: "unconfined" }), ["EINVAL"]);
  assertEquals(await outcomes([clone3], { capAdd: ["SYS_ADMIN"] }), ["EINVAL"]);
});

testOnIntel("calls of 32-bit programs are filtered by their own numbers", async () => {
  const calls = I386.map(([, number, one, two]): Call => ["i386", number, one, two]);
  const getpid: Call = ["i386", 20];
  const [has32Bits] = await outcomes([getpid], { seccomp: "unconfined" });
  if (has32Bits !== "done") {
    // A kernel without 32-bit programs has no such door.
    assertEquals(await outcomes([getpid]), [has32Bits]);
    return;
  }
  const found = await outcomes([getpid, ...calls]);
  assertEquals(found, ["done", ...calls.map(() => "EPERM")]);
  const keyctl = calls[I386.findIndex(([name]) => name === "keyctl")];
  assertEquals(await outcomes([keyctl], { seccomp: "unconfined" }), ["done"]);
});

testOnIntel("calls by x32's numbers do not come through", async () => {
  const refused: Call[] = REFUSED.map(([, number, , one, two]) => ["x32", number, one, two]);
  for (const outcome of await outcomes(refused)) assertEquals(["EPERM", "ENOSYS"].includes(outcome), true, outcome);
});

test("what programs need comes through", async () => {
  // getpid, sched_yield, and prctl(PR_GET_DUMPABLE).
  const calls: Call[] = Deno.build.arch === "x86_64"
    ? [["own", 39], ["own", 24], ["own", 157, 3]]
    : [["own", 172], ["own", 124], ["own", 167, 3]];
  assertEquals(await outcomes(calls), ["done", "done", "done"]);
});
