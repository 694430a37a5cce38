import { assertEquals, assertThrows } from "@std/assert";
import { mountFromOption } from "../../src/cli/values.ts";
import { UsageError } from "../../src/cli/options.ts";
import { SpecError } from "../../src/native/errors.ts";
import type { Mount } from "../../src/spec/types.ts";
import { tmpfs, volume } from "../../src/spec/volumes.ts";

const bind = (source: string, destination: string, ...options: string[]): Mount => ({
  destination,
  type: "bind",
  source,
  options,
});

const memory = (destination: string, ...options: string[]): Mount => ({
  destination,
  type: "tmpfs",
  source: "tmpfs",
  options,
});

Deno.test("volume() makes a bind mount of a text or an object", () => {
  const cases: [unknown, Mount][] = [
    ["/a:/b", bind("/a", "/b", "rbind", "rprivate", "nodev")],
    ["./a:/b:ro", bind("./a", "/b", "rbind", "rprivate", "nodev", "ro")],
    ["..:/b:ro,rshared", bind("..", "/b", "rbind", "nodev", "ro", "rshared")],
    ["/a:/b:bind,noexec,private", bind("/a", "/b", "nodev", "bind", "noexec", "private")],
    ["/a:/b:dev", bind("/a", "/b", "rbind", "rprivate", "dev")],
    ["/dev/fuse:/b", bind("/dev/fuse", "/b", "rbind", "rprivate")],
    ["/devices:/b", bind("/devices", "/b", "rbind", "rprivate", "nodev")],
    [{ source: "/a:x", target: "/b" }, bind("/a:x", "/b", "rbind", "rprivate", "nodev")],
    [
      { source: "/a", target: "/b", readOnly: true, options: ["rro", "idmap"] },
      bind("/a", "/b", "rbind", "rprivate", "nodev", "rro", "idmap", "ro"),
    ],
  ];
  for (const [given, mount] of cases) assertEquals(volume("volumes[0]", given), mount, JSON.stringify(given));
});

Deno.test("volume() refuses what is none, and names it", () => {
  const cases: [unknown, string, string][] = [
    ["/a", "v", "must be SOURCE:TARGET"],
    ["/a:/b:ro:x", "v", "must be SOURCE:TARGET"],
    ["a:/b", "v", 'try "./a"'],
    [":/b", "v", "it is empty"],
    ["/a:b", "v", "must be an absolute path"],
    ["/a:/b:", "v", '"" is no option'],
    ["/a:/b:r0", "v", '"r0" is no option of a bind mount'],
    ["/a:/b:size=1", "v", '"size=1" is no option'],
    ["/a\0:/b", "v", "NUL"],
    [7, "v", "must be an object; it is a number"],
    [{ target: "/b" }, "v.source", "it is missing"],
    [{ source: "/a", target: "/b", readOnly: 1 }, "v.readOnly", "true or false"],
    [{ source: "/a", target: "/b", options: [1] }, "v.options[0]", "must be a string"],
  ];
  for (const [given, path, says] of cases) {
    assertEquals(assertThrows(() => volume("v", given), SpecError, says).path, path);
  }
});

Deno.test("tmpfs() makes a filesystem in memory of a text or an object", () => {
  const cases: [unknown, Mount][] = [
    ["/t", memory("/t", "nosuid", "nodev", "noexec")],
    ["/t:size=64m,mode=755,exec", memory("/t", "nosuid", "nodev", "size=64m", "mode=755", "exec")],
    ["/t:size=50%,noexec", memory("/t", "nosuid", "nodev", "size=50%", "noexec")],
    [
      { target: "/t", sizeBytes: 4096, mode: 0o1770, options: ["ro"] },
      memory("/t", "nosuid", "nodev", "noexec", "ro", "size=4096", "mode=1770"),
    ],
  ];
  for (const [given, mount] of cases) assertEquals(tmpfs("tmpfs[0]", given), mount, JSON.stringify(given));
});

Deno.test("tmpfs() refuses what is none, and names it", () => {
  const cases: [unknown, string, string][] = [
    ["t", "t", "must be an absolute path"],
    ["/t:ro:x", "t", "must be TARGET"],
    ["/t:size=big", "t", '"size=big" is no size of tmpfs'],
    ["/t:mode=9", "t", '"mode=9" is no mode of tmpfs'],
    ["/t:sized=1", "t", '"sized=1" is no option of tmpfs'],
    ["/t:constructor=1", "t", "is no option of tmpfs"],
    [{ target: "/t", sizeBytes: 0 }, "t.sizeBytes", "whole number from 1"],
    [{ target: "/t", mode: 0o10000 }, "t.mode", "from 0 to 4095"],
    [{}, "t.target", "it is missing"],
  ];
  for (const [given, path, says] of cases) {
    assertEquals(assertThrows(() => tmpfs("t", given), SpecError, says).path, path);
  }
});

Deno.test("mountFromOption() reads Docker's words and any filesystem's options", () => {
  const cases: [string, Mount][] = [
    ["type=bind,src=/a,dst=/b", bind("/a", "/b", "rbind", "rprivate", "nodev")],
    ["type=bind,source=/a,target=/b,readonly", bind("/a", "/b", "rbind", "rprivate", "nodev", "ro")],
    ["type=bind,src=/a,destination=/b,ro=false", bind("/a", "/b", "rbind", "rprivate", "nodev", "rw")],
    ["type=bind,src=/a,dst=/b,bind-propagation=rslave", bind("/a", "/b", "rbind", "nodev", "rslave")],
    [
      "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700",
      memory("/t", "nosuid", "nodev", "noexec", "size=1m", "mode=700"),
    ],
    ["type=proc,dst=/p", { destination: "/p", type: "proc", source: "proc", options: [] }],
    ["type=overlay,dst=/o,lowerdir=/a:/b,ro", {
      destination: "/o",
      type: "overlay",
      source: "overlay",
      options: ["lowerdir=/a:/b", "ro"],
    }],
  ];
  for (const [given, mount] of cases) assertEquals(mountFromOption(given), mount, given);
});

Deno.test("mountFromOption() refuses a mount without a type or a target, and unknown options", () => {
  assertThrows(() => mountFromOption("src=/a,dst=/b"), UsageError, "--mount needs type=TYPE");
  assertThrows(() => mountFromOption("type=bind,src=/a"), UsageError, "--mount needs dst=TARGET");
  assertThrows(() => mountFromOption("type=bind,dst=/b"), SpecError, "it is missing");
  assertThrows(() => mountFromOption("type=bind,src=/a,dst=/b,r0"), SpecError, '"r0" is no option');
  assertThrows(() => mountFromOption("type=tmpfs,dst=b"), SpecError, "absolute path");
});
