/** What runtime-spec 1.2 and 1.3 have added to `linux`: memory policies, network devices, classes of service. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Linux, type MemoryPolicy, namespaceExec, SystemError } from "../../mod.ts";
import { exists, requires, tool } from "../support.ts";
import { cli } from "../support_cli.ts";
import { containers } from "../support_rootfs.ts";
import { Root } from "./doors.ts";

const test = requires(containers);
const testWithIp = requires(containers, tool("ip"), tool("unshare"));
const testWithNodes = requires(containers, exists("/proc/self/numa_maps") ? undefined : "the kernel lacks NUMA");

const NAMESPACES = [{ type: "pid" }, { type: "mount" }, { type: "network" }] as const;

function linux(fields: Partial<Linux>): Linux {
  return { namespaces: [...NAMESPACES], ...fields };
}

for (
  const [policy, shown] of [
    [{ mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] }, "bind=static:0"],
    [{ mode: "MPOL_INTERLEAVE", nodes: "0" }, "interleave:0"],
    [{ mode: "MPOL_PREFERRED", nodes: "0" }, "prefer:0"],
    [{ mode: "MPOL_DEFAULT" }, "default"],
    [{ mode: "MPOL_LOCAL" }, "local"],
  ] as [MemoryPolicy, string][]
) {
  testWithNodes(`memoryPolicy ${policy.mode} is that of the program, and of what is executed beside it`, async () => {
    await using root = new Root();
    const call = (...args: string[]) => cli(["--root", root.containers, ...args]);
    const show = "cut -d' ' -f2 /proc/self/numa_maps | sort -u";
    const bundle = root.bundle({ args: ["sh", "-c", `${show}; sleep 1000`] }, {
      linux: linux({ memoryPolicy: policy }),
    });
    const created = await cli(["--root", root.containers, "create", "-b", bundle, "a"], { streams: "file" });
    assertEquals(created, { code: 0, stdout: "", stderr: "" });
    assertEquals((await call("start", "a")).code, 0);
    assertEquals(await call("exec", "a", "sh", "-c", show), { code: 0, stdout: `${shown}\n`, stderr: "" });
    const { pid } = JSON.parse((await call("state", "a")).stdout);
    assert(Deno.readTextFileSync(`/proc/${pid}/numa_maps`).split("\n").some((line) => line.split(" ")[1] === shown));
  });
}

test("memoryPolicy is refused where the kernel does not have the nodes", async () => {
  const memoryPolicy = { mode: "MPOL_BIND", nodes: "1000" } as const;
  const spec = { ociVersion: "1.3.0", process: { args: ["true"] }, linux: { memoryPolicy } };
  await assertRejects(() => namespaceExec({ spec }), SystemError, "cannot set the memory policy MPOL_BIND: ");
});

/** A host whose network is the test's own, with a pair of devices that have addresses. */
const HOST = ["unshare", "-n", "sh", "-ec"];
const PAIR = "ip link add v0 type veth peer name v1; ip addr add 10.9.8.7/24 dev v0; ip addr add fd00::7/64 dev v0; " +
  "ip link set v0 mtu 1400";

testWithIp("netDevices are moved into the container, renamed, with their addresses, and up", async () => {
  await using root = new Root();
  const args = ["sh", "-c", "ip -o addr show; ip -o link show"];
  const bundle = root.bundle({ args }, { linux: linux({ netDevices: { v0: { name: "eth0" }, v1: {} } }) });
  const prefix = [...HOST, `${PAIR}; "$@"; ip -o link show`, "sh"];
  const { code, stdout, stderr } = await cli(["--root", root.containers, "run", "-b", bundle, "a"], { prefix });
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /eth0 +inet 10\.9\.8\.7\/24 /);
  assertMatch(stdout, /eth0 +inet6 fd00::7\/64 scope global/);
  assertMatch(stdout, /eth0[^\n]*<[^>]*\bUP\b[^>]*> mtu 1400/);
  assertMatch(stdout, /\bv1[^\n]*<[^>]*\bUP\b/);
  assertEquals(stdout.match(/^\d+: (v0|v1)/gm)?.length ?? 0, 2, stdout);
});

testWithIp(
  "netDevices are in the network namespace that a container joins, with a number of the kernel's",
  async () => {
    await using root = new Root();
    const joined = [{ type: "mount" }, { type: "pid" }, { type: "network", path: "/proc/self/fd/9" }] as const;
    const bundle = root.bundle({ args: ["ip", "-o", "link", "show"] }, {
      linux: { namespaces: [...joined], netDevices: { v0: { name: "eth%d" }, v1: { name: "eth%d" } } },
    });
    // A namespace that has an eth0 already; the shell holds it open for the command.
    const other = 'unshare -n sh -c "ip link add eth0 type veth peer name x; exec sleep 20" & other=$!; ' +
      'until [ "$(nsenter -t $other -n ip -o link show eth0 2>/dev/null)" ]; do sleep 0.05; done; ' +
      "exec 9</proc/$other/ns/net; ";
    const end = "kill $other; exit $code";
    const prefix = [...HOST, `${PAIR}; ${other} set +e; "$@"; code=$?; ${end}`, "sh"];
    const { code, stdout, stderr } = await cli(["--root", root.containers, "run", "-b", bundle, "a"], { prefix });
    assertEquals([code, stderr], [0, ""]);
    for (const name of ["eth0", "eth1", "eth2"]) assertMatch(stdout, new RegExp(`\\b${name}[@:]`));
  },
);

testWithIp("netDevices move none where one is not there, or its name is taken", async () => {
  await using root = new Root();
  for (
    const [netDevices, message] of [
      [{ v0: {}, missing: {} }, 'network device "missing" into the container as "missing": no such device'],
      [{ v0: {}, v1: { name: "lo" } }, 'network device "v1" into the container as "lo": file exists'],
    ] as const
  ) {
    const bundle = root.bundle({ args: ["true"] }, { linux: linux({ netDevices }) });
    const prefix = [...HOST, `${PAIR}; "$@" || ip -o link show`, "sh"];
    const { stdout, stderr } = await cli(["--root", root.containers, "run", "-b", bundle, "a"], { prefix });
    assert(stderr.includes(message), stderr);
    assertEquals(stdout.match(/^\d+: v[01]@/gm)?.length, 2, stdout);
    assertEquals(root.left(), []);
  }
});

test("intelRdt is refused by its field where resctrl is not mounted", async () => {
  if (Deno.readTextFileSync("/proc/self/mountinfo").includes(" - resctrl ")) return;
  await using root = new Root();
  for (const door of root.doors()) {
    const bundle = root.bundle({}, { linux: linux({ intelRdt: { closID: "a", l3CacheSchema: "L3:0=f" } }) });
    const message = "linux.intelRdt: needs a mounted resctrl filesystem, which this host lacks: mount -t resctrl";
    await assertRejects(() => door.create("a", bundle), Error, message);
  }
  assertEquals(root.left(), []);
});

test("netDevices and memoryPolicy are refused by their fields", async () => {
  const refused = async (fields: Partial<Linux>, ...message: string[]) => {
    const spec = { ociVersion: "1.3.0", process: { args: ["true"] }, linux: linux(fields) };
    const error = await assertRejects(() => namespaceExec({ spec }), Error);
    for (const part of message) assert(error.message.includes(part), error.message);
  };
  await refused({ namespaces: [], netDevices: { v0: {} } }, "linux.netDevices: needs a network namespace");
  await refused(
    { netDevices: { a: { name: "x" }, b: { name: "x" } } },
    "linux.netDevices.b.name",
    "stands there twice",
  );
  await refused({ netDevices: { a: { name: "a/b" } } }, "linux.netDevices.a.name: must be a device's name");
  await refused({ netDevices: { "sixteen-letters-": {} } }, "linux.netDevices.sixteen-letters-: must be");
  await refused({ memoryPolicy: { mode: "MPOL_BIND" } }, "linux.memoryPolicy.nodes: must name a node, for MPOL_BIND");
  await refused({ memoryPolicy: { mode: "MPOL_LOCAL", nodes: "0" } }, "linux.memoryPolicy.nodes: must be empty");
  await refused({ memoryPolicy: { mode: "MPOL_BIND", nodes: "0-" } }, "linux.memoryPolicy.nodes: must be a list");
});

test("features tells of the fields of 1.3", async () => {
  const { ociVersionMax, linux } = JSON.parse((await cli(["features"])).stdout);
  assertEquals([ociVersionMax, linux.netDevices, linux.memoryPolicy.modes.length], ["1.3.0", { enabled: true }, 7]);
  assertEquals(linux.intelRdt, { enabled: true, schemata: true, monitoring: false });
});
