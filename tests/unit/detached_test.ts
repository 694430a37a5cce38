import { assertEquals, assertThrows } from "@std/assert";
import { moment } from "../../src/cli/oci/logs.ts";
import { tableOf } from "../../src/cli/oci/stats.ts";
import { detachKeys, KeyWatch } from "../../src/cli/oci/terminal.ts";
import { isCommand } from "../../src/cli/main.ts";
import { bytesOf, textOf } from "../../src/native/text.ts";
import { momentOf, partsOf } from "../../src/spec/log.ts";
import {
  exitCodeOfNote,
  type ExitNote,
  isOver,
  type MonitorConfig,
  monitored,
  nextStart,
} from "../../src/spec/monitor.ts";

const STARTED = "2026-01-02T03:04:05.000000000Z";

/** How one ends that was started then, and lived so long. */
function after(seconds: number, status: number): ExitNote {
  return { code: 1, status, seconds: Date.parse(STARTED) / 1000 + seconds, nanoseconds: 0 };
}

function kept(config: MonitorConfig, more = {}) {
  return { ...monitored(config, false, "token"), started: STARTED, ...more };
}

Deno.test("nextStart() pauses twice as long each time, a minute at most, and anew after ten seconds", () => {
  const pauseOf = (inARow: number, seconds = 1) =>
    nextStart(kept({ restart: "always" }, { inARow }), after(seconds, 0));
  assertEquals(pauseOf(0), { pauseMs: 100, inARow: 1 });
  assertEquals(pauseOf(3), { pauseMs: 800, inARow: 4 });
  assertEquals(pauseOf(30), { pauseMs: 60_000, inARow: 31 });
  assertEquals(pauseOf(30, 10), { pauseMs: 100, inARow: 1 });
});

Deno.test("nextStart() keeps to the policy, and to a stop", () => {
  const starts = (restart: MonitorConfig["restart"], status: number, more = {}) =>
    nextStart(kept({ restart }, more), after(1, status)) !== undefined;
  assertEquals([starts("no", 1), starts("always", 0), starts("on-failure", 0)], [false, true, false]);
  assertEquals([starts("on-failure", 1), starts("always", 1, { isStopAsked: true })], [true, false]);
  assertEquals([1, 2].map((inARow) => starts("on-failure:2", 1, { inARow })), [true, false]);
});

Deno.test("isOver() waits for what was decided at the end", () => {
  const exit = after(1, 1);
  const settled = (restarts: boolean) => ({ settled: { restarts } });
  assertEquals(isOver(kept({}), exit), true);
  assertEquals(isOver(kept({ restart: "always" }), exit), false);
  assertEquals(isOver(kept({ restart: "always" }, settled(true)), null), false);
  assertEquals(isOver(kept({ restart: "always" }, settled(false)), exit), true);
  assertEquals(isOver(kept({ restart: "always" }), null), true);
});

Deno.test("monitored() refuses what is no size, no policy, no label", () => {
  const refuses = (config: unknown, message: string) =>
    assertThrows(() => monitored(config as MonitorConfig, false, ""), Error, message);
  refuses({ logMaxBytes: 0 }, "monitor.logMaxBytes: must be");
  refuses({ logMaxFiles: 0 }, "monitor.logMaxFiles: must be");
  refuses({ restart: "always:3" }, "monitor.restart: must be no, always");
  refuses({ restart: "always", remove: true }, "monitor.remove: cannot stand beside restart");
  refuses({ labels: { a: 1 } }, "monitor.labels.a: must be");
  assertEquals(monitored({ logMaxBytes: Infinity }, false, "").logBytes, 0);
});

Deno.test("exitCodeOfNote() is the shell's", () => {
  assertEquals([[1, 7], [2, 9], [3, 11]].map(([code, status]) => exitCodeOfNote({ code, status })), [7, 137, 139]);
});

Deno.test("partsOf() takes lines apart, and leaves out what is none", () => {
  const text = `${STARTED} stdout F one\n${STARTED} stderr P tw\nnonsense\n${STARTED} stderr F \n`;
  const parts = [...partsOf(bytesOf(text))].map(({ bytes, ...rest }) => ({ ...rest, text: textOf(bytes) }));
  assertEquals(parts, [
    { time: STARTED, stream: "stdout", isWhole: true, text: "one" },
    { time: STARTED, stream: "stderr", isWhole: false, text: "tw" },
    { time: STARTED, stream: "stderr", isWhole: true, text: "" },
  ]);
});

Deno.test("momentOf() keeps nanoseconds, and --since takes how long ago", () => {
  assertEquals(momentOf("since", "2026-01-02T03:04:05.123456789Z"), "2026-01-02T03:04:05.123456789Z");
  assertEquals(momentOf("since", "2026-01-02T03:04:05+01:00"), "2026-01-02T02:04:05.000000000Z");
  assertEquals(momentOf("since", new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 60))), "2026-01-02T03:04:05.060000000Z");
  assertEquals(moment("10m", Date.parse(STARTED)), "2026-01-02T02:54:05.000000000Z");
  assertThrows(() => moment("soon", 0), Error, "--since must be such as");
});

Deno.test("KeyWatch finds the keys wherever reads end, and passes what only looks like them", () => {
  const [p, q, x] = [16, 17, 120];
  const typed = (...reads: number[][]) => {
    const watch = new KeyWatch(detachKeys());
    const found = reads.map((bytes) => watch.take(new Uint8Array(bytes)));
    return [found.flatMap(({ passed }) => [...passed]), found.at(-1)?.isTyped];
  };
  assertEquals(typed([x, p, q, x]), [[x], true]);
  assertEquals(typed([x, p], [q]), [[x], true]);
  assertEquals(typed([p, x], [q]), [[p, x, q], false]);
  assertEquals(typed([p, p], [q]), [[p], true]);
  assertEquals(new KeyWatch(detachKeys("none")).take(new Uint8Array([p, q])).isTyped, false);
  assertThrows(() => detachKeys("ctrl-ä"), Error, "--detach-keys must be");
});

Deno.test("a table of figures says - for what is not known", () => {
  const table = tableOf([{ id: "a", stats: { pids: { current: 3, limitHits: 0 } }, cpuShare: 0.5 }]);
  assertEquals(table.split("\n")[1].split(/ +/), ["a", "50.0%", "-", "-", "3", "-", "-"]);
});

Deno.test("isCommand() knows the commands about containers that are left to themselves", () => {
  const names = ["logs", "attach", "wait", "stop", "rm", "inspect", "top", "rename", "prune", "stats"];
  assertEquals(names.map((name) => isCommand([name])), names.map(() => true));
  assertEquals(isCommand(["--", "rm"]), false);
});
