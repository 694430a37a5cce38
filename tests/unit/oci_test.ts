import { assert, assertEquals, assertThrows } from "@std/assert";
import { statsOf } from "../../src/cli/oci/events.ts";
import { tableOf } from "../../src/cli/oci/list.ts";
import { logLine } from "../../src/cli/oci/log.ts";
import { count, GLOBAL_OPTIONS, globalsOf, takeApart } from "../../src/cli/oci/options.ts";
import { linesOf } from "../../src/cli/oci/ps.ts";
import { resourcesOf } from "../../src/cli/oci/update.ts";
import { isCommand } from "../../src/cli/main.ts";

const OPTIONS = [
  { name: "bundle", short: "b", value: "DIR", help: "" },
  { name: "force", short: "f", help: "" },
  { name: "env", short: "e", value: "NAME=VALUE", many: true, help: "" },
];

Deno.test("takeApart() takes options before and behind the ID, with = and without", () => {
  for (const args of [["--bundle", "x", "-f", "id"], ["id", "-f", "--bundle=x"], ["-b=x", "id", "--force=true"]]) {
    const { text, flag, positional, rest } = takeApart(OPTIONS, args, 1);
    assertEquals([text("bundle"), flag("force"), positional, rest], ["x", true, ["id"], []]);
  }
  const { texts, flag, rest } = takeApart(OPTIONS, ["-e", "A=1", "id", "--env=B=2", "--force=false", "more"], 1);
  assertEquals([texts("env"), flag("force"), rest], [["A=1", "B=2"], false, ["more"]]);
});

Deno.test("takeApart() leaves what is a program's own", () => {
  const apart = (...args: string[]) => {
    const { positional, rest, flag } = takeApart(OPTIONS, args, 2, true);
    return [positional, rest, flag("force")];
  };
  assertEquals(apart("id", "sh", "-f", "--", "x"), [["id", "sh"], ["-f", "--", "x"], false]);
  assertEquals(apart("id", "-f", "sh", "-c"), [["id", "sh"], ["-c"], true]);
  assertEquals(apart("id", "--", "-f", "x"), [["id", "-f"], ["x"], false]);
});

Deno.test("takeApart() refuses what is unknown, lacks its value, or has one too many", () => {
  const apart = (...args: string[]) => () => takeApart(OPTIONS, args, 1);
  assertThrows(apart("--forse"), Error, "unknown option --forse");
  assertThrows(apart("-x=1"), Error, "unknown option -x");
  assertThrows(apart("id", "--bundle"), Error, "--bundle needs a value: --bundle DIR");
  assertThrows(apart("--force=maybe"), Error, "--force takes no value but true or false");
});

Deno.test("globalsOf() knows who makes cgroups, and refuses what is no format", () => {
  const globals = (...args: string[]) => globalsOf(takeApart(GLOBAL_OPTIONS, [...args, "state", "x"], 1, true));
  assertEquals(globals("--systemd-cgroup", "--cgroup-manager", "cgroupfs").cgroupManager, "systemd");
  assertEquals(globals("--cgroup-manager=disabled").cgroupManager, "disabled");
  assertEquals([globals("--rootless=auto").rootless, globals("--rootless", "false").rootless], [undefined, false]);
  assertThrows(() => globals("--log-format", "xml"), Error, "--log-format must be text or json");
  assertThrows(() => count("preserve-fds", "-1"), Error, "must be a whole number of at least 0");
});

Deno.test("isCommand() tells an OCI runtime's command from a program to run", () => {
  const isOne = (line: string) => isCommand(line.split(" "));
  for (
    const line of ["ps x", "--root /r --log=l --log-format json state x", "--systemd-cgroup list", "--debug kill x"]
  ) {
    assert(isOne(line), line);
  }
  for (
    const line of ["--pid ps", "-- ps", "sh ps", "--root list", "--debug sh", "psx", "--root", "--rootfs / ps", "/ps"]
  ) {
    assert(!isOne(line), line);
  }
  assert(!isCommand([]));
});

Deno.test("logLine() writes a line as runc does", () => {
  const now = new Date("2026-01-02T03:04:05.678Z");
  assertEquals(
    logLine("json", "error", 'a "b"\nc', now),
    '{"level":"error","msg":"a \\"b\\"\\nc","time":"2026-01-02T03:04:05Z"}\n',
  );
  assertEquals(logLine("text", "warning", "x", now), 'time="2026-01-02T03:04:05Z" level=warning msg="x"\n');
});

Deno.test("tableOf() has runc's columns", () => {
  const state = {
    ...{ ociVersion: "1.2.0", id: "a-rather-long-id", status: "running" as const, pid: 7 },
    ...{ bundle: "/b", created: "2026-01-02T03:04:05.000000001Z", owner: "root" },
  };
  const [header, line, end] = tableOf([state]).split("\n");
  assertEquals(header.split(/\s+/), ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]);
  assertEquals(line.split(/\s+/), ["a-rather-long-id", "7", "running", "/b", "2026-01-02T03:04:05.000000001Z", "root"]);
  assertEquals([header.indexOf("PID"), end], [line.indexOf("7"), ""]);
});

Deno.test("linesOf() shows the container's processes alone", () => {
  const shown = "UID   PID CMD\nroot    1 init\nroot   12 sleep 12\nroot  120 x\n";
  assertEquals(linesOf(shown, [12]), "UID   PID CMD\nroot   12 sleep 12\n");
  assertThrows(() => linesOf("CMD\nsh\n", [1]), Error, "column PID");
});

Deno.test("resourcesOf() makes linux.resources of the options that are given", () => {
  const resources = (given: Record<string, string>) => JSON.parse(resourcesOf({ text: (name) => given[name] }));
  assertEquals(resources({ memory: "512M", "memory-swap": "-1", "cpuset-cpus": "0-3", "pids-limit": "-1" }), {
    memory: { limit: 512 * 2 ** 20, swap: -1 },
    cpu: { cpus: "0-3" },
    pids: { limit: -1 },
  });
  assertThrows(() => resources({ memory: "much" }), Error, '--memory must be such as 536870912 or 512M; it is "much"');
  assertThrows(() => resources({ "cpu-quota": "1.5" }), Error, "--cpu-quota must be a whole number");
  assertThrows(() => resources({}), Error, "update needs an option");
});

Deno.test("statsOf() tells figures in runc's words and units", () => {
  const io = { "8:16": { readBytes: 1, writeBytes: 2, reads: 3, writes: 4 } };
  const cpu = { usageUs: 3, userUs: 1, systemUs: 2, periods: 4, throttledPeriods: 5, throttledUs: 6 };
  const pids = { current: 7, limitHits: 0 };
  assertEquals(JSON.parse(JSON.stringify(statsOf({ cpu, pids, io }))), {
    cpu: {
      usage: { total: 3000, kernel: 2000, user: 1000 },
      throttling: { periods: 4, throttledPeriods: 5, throttledTime: 6000 },
    },
    pids: { current: 7 },
    blkio: {
      ioServiceBytesRecursive: [
        { major: 8, minor: 16, op: "Read", value: 1 },
        { major: 8, minor: 16, op: "Write", value: 2 },
      ],
      ioServicedRecursive: [
        { major: 8, minor: 16, op: "Read", value: 3 },
        { major: 8, minor: 16, op: "Write", value: 4 },
      ],
    },
  });
});
