/**
 * Programs that use up what there is: it ends at their own limit, and whoever started them goes on, and reports it.
 *
 * @module
 */

import { assert, assertEquals, assertLessOrEqual, assertMatch } from "@std/assert";
import { namespaceExec, type NamespaceExecConfig } from "../../mod.ts";
import { leavesNothing, requires, shell, soon } from "../support.ts";
import { containers, leavesTheHost, rootfs } from "../support_rootfs.ts";
import { AS_NOBODY, compile, compiler, contained, type Ended, namesIn } from "./support.ts";

const test = requires(containers, compiler);

/** Runs a bomb; meanwhile, and afterwards, the host's own programs are started as ever. */
async function whileOthersRun(config: NamespaceExecConfig): Promise<Ended> {
  let hasEnded = false;
  const bomb = contained(config).finally(() => hasEnded = true);
  const others = (async () => {
    do {
      const { exitCode } = await soon("another program ends", namespaceExec({ program: "/bin/true" }));
      assertEquals(exitCode, 0);
      Deno.statSync("/");
    } while (!hasEnded);
  })();
  const [ended] = await Promise.all([bomb, others]);
  return ended;
}

/** Opens files, makes pipes and sockets until it cannot; says how many of its descriptors there are then. */
const DESCRIPTORS = `
  #include <errno.h>
  #include <fcntl.h>
  #include <stdio.h>
  #include <string.h>
  #include <sys/socket.h>
  #include <unistd.h>
  int main(void) {
    int highest = 0, pair[2];
    for (int last; (last = open("/dev/null", O_RDONLY)) >= 0;) highest = last;
    printf("%d %s", highest, strerror(errno));
    printf(" %s", pipe(pair) == 0 ? "pipe" : strerror(errno));
    printf(" %s\\n", socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 ? "sockets" : strerror(errno));
  }
`;

test("a bomb of descriptors ends at the limit on open files", async () => {
  using root = rootfs();
  await compile(`${root.path}/bomb`, DESCRIPTORS);
  const config = { rootfs: root.path, program: "/bomb" };
  await leavesNothing(async () => {
    const { exitCode, stdout } = await whileOthersRun({ ...config, rlimits: { nofile: 64 } });
    const short = "Too many open files";
    assertEquals([exitCode, stdout], [0, `63 ${short} ${short} ${short}`]);
    const { stdout: more } = await whileOthersRun({ ...config, rlimits: { nofile: 128 } });
    assertEquals(more.split(" ")[0], "127");
  });
});

test("a bomb of descriptors can not raise its limit", async () => {
  using root = rootfs();
  const script = "ulimit -n 200; ulimit -n; ulimit -Hn; ulimit -n 100000 2>/dev/null && echo raised";
  const { stdout } = await contained({
    rootfs: root.path,
    ...shell(script),
    rlimits: { nofile: { soft: 64, hard: 128 } },
  });
  assertEquals(stdout, "64\n128");
});

/** A root filesystem whose owner can make folders in it. */
function rootfsOf(who: "root" | "nobody") {
  const root = rootfs();
  if (who === "nobody") new Deno.Command("chown", { args: ["-R", "100000:100000", root.path] }).outputSync();
  return root;
}

/** Writes to a file until it cannot. */
const FILLS = "dd if=/dev/zero of=$FILE bs=64k 2>/dev/null; stat -c %s $FILE; echo more >$FILE.more; echo $?";

const MEBIBYTE = 1 << 20;

for (const [who, ids] of [["root", {}], ["nobody", AS_NOBODY]] as const) {
  test(`a bomb of files ends at the size of its filesystem, in ${who}'s container`, async () => {
    using root = rootfsOf(who);
    const limits: [file: string, limit: number, config: Partial<NamespaceExecConfig>][] = [
      ["/scratch/file", 2 * MEBIBYTE, { tmpfs: ["/scratch:size=2m"] }],
      ["/scratch/file", MEBIBYTE, { tmpfs: [{ target: "/scratch", sizeBytes: MEBIBYTE }] }],
      ["/root/file", 3 * MEBIBYTE, { overlay: { sizeBytes: 3 * MEBIBYTE } }],
      // What a container has anyway.
      ["/dev/shm/file", 64 * MEBIBYTE, {}],
      ["/dev/file", 64 * MEBIBYTE, {}],
    ];
    await leavesTheHost(async () => {
      for (const [file, limit, more] of limits) {
        const config = { rootfs: root.path, ...shell(FILLS), envp: { FILE: file, PATH: "/bin" }, ...ids, ...more };
        const { exitCode, stdout, stderr } = await whileOthersRun(config);
        const [size, status] = stdout.split("\n").map(Number);
        assertEquals([exitCode, status], [0, 1], `${file}: ${stdout}${stderr}`);
        assertMatch(stderr, /No space left on device/, file);
        assertLessOrEqual(size, limit, file);
        assert(size > limit / 2, `${file}: ${size}`);
      }
    });
    assertEquals(namesIn(`${root.path}/root`), []);
  });

  test(`a bomb of folders ends at the inodes of its filesystem, in ${who}'s container`, async () => {
    using root = rootfsOf(who);
    const script = "cd /scratch; n=0; while mkdir $n 2>/dev/null; do n=$((n+1)); done; echo $n";
    const mounts = [{
      destination: "/scratch",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "nodev", "mode=755", "nr_inodes=100"],
    }];
    const { stdout } = await whileOthersRun({ rootfs: root.path, ...shell(script), mounts, ...ids });
    assertLessOrEqual(Number(stdout), 100);
    assert(Number(stdout) > 50, stdout);
  });
}

test("a file that grows ends the program that writes it at the limit on a file's size", async () => {
  using root = rootfs();
  const script = "dd if=/dev/zero of=/tmp/file bs=64k; echo $?; stat -c %s /tmp/file; rm /tmp/file";
  const { stdout } = await whileOthersRun({ rootfs: root.path, ...shell(script), rlimits: { fsize: MEBIBYTE } });
  const [status, size] = stdout.split("\n").map(Number);
  // SIGXFSZ, or the error that it stands for.
  assert(status === 128 + 25 || status === 1, `${status}`);
  assertEquals(size, MEBIBYTE);
});

/** Takes memory and writes to it, until it gets no more. */
const MEMORY = `
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  int main(void) {
    long taken = 0;
    for (char *piece; (piece = malloc(1 << 20)); taken++) memset(piece, 1, 1 << 20);
    printf("%ld\\n", taken);
    return 7;
  }
`;

test("a bomb of memory ends at the limit on a process's memory", async () => {
  using root = rootfs();
  await compile(`${root.path}/bomb`, MEMORY);
  const limit = 64;
  const config = { rootfs: root.path, program: "/bomb", rlimits: { as: limit * MEBIBYTE } };
  const { exitCode, stdout } = await whileOthersRun(config);
  assertEquals(exitCode, 7);
  assertLessOrEqual(Number(stdout), limit);
  assert(Number(stdout) > limit / 2, stdout);
});

/** Makes processes until it cannot, and those do the same. */
const PROCESSES = `
  #include <errno.h>
  #include <stdio.h>
  #include <string.h>
  #include <unistd.h>
  int main(void) {
    int made = 0, child;
    while ((child = fork()) > 0) made++;
    if (child == 0) for (;;) if (fork() < 0) pause();
    printf("%d %s\\n", made, strerror(errno));
  }
`;

test("a bomb of processes ends at the limit on a user's, and all of them with the first", async () => {
  using root = rootfs();
  await compile(`${root.path}/bomb`, PROCESSES);
  // A user that nobody else is: the kernel counts processes by their user, wherever they are.
  const user = "48611:48611";
  await leavesNothing(async () => {
    const config = { rootfs: root.path, program: "/bomb", user, rlimits: { nproc: 30 } };
    const { exitCode, stdout } = await whileOthersRun(config);
    assertEquals(exitCode, 0);
    assertMatch(stdout, /^\d+ Resource temporarily unavailable$/);
    assertLessOrEqual(Number(stdout.split(" ")[0]), 30);
  });
  const isLeft = [...Deno.readDirSync("/proc")].some(({ name }) => {
    try {
      return /^\d+$/.test(name) && Deno.statSync(`/proc/${name}`).uid === 48_611;
    } catch {
      return false; // it has ended
    }
  });
  assertEquals(isLeft, false);
});

test("a bomb of processor time ends by its limit, or by the time that it is given", async () => {
  using root = rootfs();
  const config = { rootfs: root.path, ...shell("while :; do :; done") };
  const limited = await namespaceExec({ ...config, rlimits: { cpu: 1 } });
  assertEquals([limited.signal?.name, limited.outOfTime], ["SIGKILL", false]);
  const timed = await namespaceExec({ ...config, timeoutMs: 200 });
  assertEquals([timed.signal?.name, timed.outOfTime], ["SIGKILL", true]);
  assert(limited.usage.cpuUserUs + limited.usage.cpuSystemUs > 500_000);
});

test("a program that writes without end is told nobody reads, and the one that started it keeps what it wants", async () => {
  using root = rootfs();
  const config = { rootfs: root.path, ...shell("yes"), stdout: "null", timeoutMs: 200 } as const;
  const { outOfTime } = await namespaceExec(config);
  assertEquals(outOfTime, true);
});
