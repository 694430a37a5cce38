/**
 * Containers of ordinary users: with their own id alone, and with a range of ids.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { requires, tempFolder, tool, worksHere } from "./support.ts";
import { cli, COMMAND } from "./support_cli.ts";
import { asOrdinaryUser, ordinaryUsers, RANGE, rangesOfIds } from "./support_user.ts";

const test = requires(ordinaryUsers);
const testWithRanges = requires(rangesOfIds);

/** What `sh` in the other Deno gives: an end, or an error. */
interface Came {
  exitCode?: number;
  stdout?: string;
  stderr?: string;
  degraded?: string[];
  name?: string;
  message?: string;
  path?: string;
}

/** One of nobody's. */
const RANGES = `nobody:${RANGE.first}:${RANGE.count}\n`;

/** `sh`, for each of some configurations, given as code. */
async function each(configs: Record<string, [config: string, script: string]>, ranges?: string) {
  const calls = Object.entries(configs).map(([name, [config, script]]) =>
    `result[${JSON.stringify(name)}] = await sh(${config}, ${JSON.stringify(script)});`
  );
  return await asOrdinaryUser<Record<string, Came>>(`const result = {};\n${calls.join("\n")}`, { ranges });
}

/** Of netdevice(7): `IFF_UP` and `IFF_LOOPBACK`. */
const IS_UP = "0x9";

/** Of clone(2). */
const [CLONE_NEWUSER, CLONE_NEWPID] = [0x1000_0000, 0x2000_0000];

const IDS = "id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '; cat /proc/self/setgroups";

test("a user without a range is root of a namespace with one id, and is told so", async () => {
  const { auto, single, given } = await each({
    auto: ["{ enableUserNamespace: true }", IDS],
    single: ['{ enableUserNamespace: true, mapIds: "single" }', IDS],
    given: [
      "{ uidMappings: [{ containerID: 7, hostID: Deno.uid(), size: 1 }], " +
      "gidMappings: [{ containerID: 8, hostID: Deno.gid(), size: 1 }], user: '7:8' }",
      IDS,
    ],
  });
  assertMatch(auto.stdout!, /^0\n0\n 0 \d+ 1\n 0 \d+ 1\ndeny$/);
  assertEquals(auto.degraded?.length, 1);
  assertMatch(auto.degraded![0], /^only one user id is mapped: /);
  assertEquals([single.stdout, single.degraded], [auto.stdout, []]);
  assertMatch(given.stdout!, /^7\n8\n 7 \d+ 1\n 8 \d+ 1\ndeny$/);
});

testWithRanges("a user with a range has all of its ids, and is told nothing", async () => {
  const { auto, single, part, joe } = await each({
    auto: ["{ enableUserNamespace: true }", IDS],
    single: ['{ enableUserNamespace: true, mapIds: "single" }', IDS],
    part: [
      `{ uidMappings: [{ containerID: 0, hostID: ${RANGE.first + 5}, size: 10 }], ` +
      `gidMappings: [{ containerID: 0, hostID: ${RANGE.first}, size: 10 }] }`,
      IDS,
    ],
    joe: ['{ enableUserNamespace: true, rootfs: ROOT, user: "joe", additionalGids: [77] }', "id -u; id -G"],
  }, RANGES);
  const map = (own: number) => ` 0 ${own} 1\n 1 ${RANGE.first} ${RANGE.count}`;
  assertEquals(auto.stdout, `0\n0\n${map(65_534)}\n${map(65_534)}\nallow`);
  assertEquals(auto.degraded, []);
  assertEquals(single.stdout, "0\n0\n 0 65534 1\n 0 65534 1\ndeny");
  assertEquals(part.stdout, `0\n0\n 0 ${RANGE.first + 5} 10\n 0 ${RANGE.first} 10\nallow`);
  assertEquals(joe.stdout?.split(/\s/).sort(), ["100", "1000", "1000", "29", "77"]);
});

testWithRanges("a user's range is found by its number, too", async () => {
  const { auto } = await each({ auto: ["{ enableUserNamespace: true }", IDS] }, `65534:${RANGE.first}:10\n`);
  assertEquals([auto.stdout?.split("\n")[3], auto.degraded], [` 1 ${RANGE.first} 10`, []]);
});

test("a user without a range is refused what needs one, with the way out", async () => {
  const ranges = /needs (ranges of ids: )?entries of \/etc\/sub[ug]id.*, and new[ug]idmap/;
  const { user, named, groups, mappings } = await each({
    user: ['{ enableUserNamespace: true, rootfs: ROOT, user: "1000" , additionalGids: [] }', ""],
    named: ['{ enableUserNamespace: true, rootfs: ROOT, user: "4000" }', ""],
    groups: ["{ enableUserNamespace: true, additionalGids: [5] }", ""],
    mappings: [
      "{ uidMappings: [{ containerID: 0, hostID: 1, size: 10 }], gidMappings: [{ containerID: 0, hostID: 1, size: 10 }] }",
      "",
    ],
  });
  assertEquals([user.name, user.path], ["SpecError", "user"]);
  assertMatch(user.message!, ranges);
  assertEquals(named.name, "SystemError");
  assertMatch(named.message!, ranges);
  assertStringIncludes(named.message!, "cannot become user 4000 and group 0: invalid argument; only one id is mapped");
  assertEquals([groups.name, groups.path], ["SpecError", "additionalGids"]);
  assertMatch(groups.message!, ranges);
  assertEquals(mappings.name, "SystemError");
  assertStringIncludes(mappings.message!, "newuidmap");
});

testWithRanges("a user is refused ids that are nobody's in its range", async () => {
  const { outside, root, inside } = await each({
    outside: ['{ enableUserNamespace: true, user: "70000" }', ""],
    root: [
      "{ uidMappings: [{ containerID: 0, hostID: 0, size: 1 }], gidMappings: [{ containerID: 0, hostID: 0, size: 1 }] }",
      "",
    ],
    inside: ['{ enableUserNamespace: true, user: "60000" }', "id -u"],
  }, RANGES);
  assertStringIncludes(
    outside.message!,
    "cannot become user 70000 and group 0: invalid argument; the user namespace has",
  );
  assertStringIncludes(root.message!, "cannot map ids by newuidmap");
  assertEquals(inside.stdout, "60000");
});

/** As Docker's profile does it for who has no CAP_SYS_ADMIN. */
const NO_NAMESPACES = {
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [
    { names: ["unshare"], action: "SCMP_ACT_ERRNO" },
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38 },
    ...[CLONE_NEWUSER, CLONE_NEWPID].map((flag) => ({
      names: ["clone"],
      action: "SCMP_ACT_ERRNO",
      args: [{ index: 0, value: flag, valueTwo: flag, op: "SCMP_CMP_MASKED_EQ" }],
    })),
  ],
};

requires(worksHere("userNamespace"), tool("unshare"))(
  "minicontainer --user tells the way out where a filter, or a limit, refuses user namespaces",
  async () => {
    using folder = tempFolder();
    const profile = `${folder.path}/profile.json`;
    Deno.writeTextFileSync(profile, JSON.stringify(NO_NAMESPACES));
    const limited = ["unshare", "-Ur", "sh", "-c", 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"', "sh"];
    const cases: [prefix: string[], reason: RegExp][] = [
      [
        [...COMMAND, "--no-new-privs", "--seccomp", profile],
        /operation not permitted; a seccomp filter .* --security-opt seccomp=unconfined/,
      ],
      [limited, /no space left on device; user namespaces are switched off: sysctl -w user\.max_user_namespaces=/],
    ];
    for (const [prefix, reason] of cases) {
      const { code, stderr } = await cli(["--user", "true"], { prefix });
      assertEquals(code, 125);
      assertMatch(stderr, reason);
    }
    assertEquals(await cli(["--user", "true"]), { code: 0, stdout: "", stderr: "" });
  },
);

test("a user needs a user namespace for any other, and is told so", async () => {
  const { pid, rootfs, both } = await each({
    pid: ["{ enablePidNamespace: true }", ""],
    rootfs: ["{ rootfs: ROOT }", ""],
    both: ["{ enablePidNamespace: true, enableUserNamespace: true }", "echo $$"],
  });
  for (const { name, message } of [pid, rootfs]) {
    assertEquals(name, "SystemError");
    assertStringIncludes(message!, "operation not permitted; run as root or with CAP_SYS_ADMIN, or add --user");
  }
  assertEquals(both.stdout, "1");
});

requires(ordinaryUsers, worksHere("landlock"))(
  "a user needs no_new_privs for a filter and for Landlock, has it with Landlock, and else is told so",
  async () => {
    const landlock = '{ landlock: { readOnly: ["/"] }';
    const { filter, withFilter, governed, without } = await each({
      filter: ['{ seccomp: "default" }', ""],
      withFilter: ['{ seccomp: "default", noNewPrivileges: true }', "grep ^Seccomp: /proc/self/status"],
      governed: [`${landlock} }`, "echo x >home/file"],
      without: [`${landlock}, noNewPrivileges: false }`, ""],
    });
    const refusals: [Came, string][] = [[filter, "install the seccomp filter"], [without, "restrict the files"]];
    for (const [{ name, message }, what] of refusals) {
      assertEquals(name, "SystemError");
      assertMatch(message!, new RegExp(`^cannot ${what}.*; run as root, or add --no-new-privs`));
    }
    assertEquals(withFilter.stdout, "Seccomp:\t2");
    assertMatch(governed.stderr!, /Permission denied/);
  },
);

for (const ranges of [undefined, RANGES]) {
  const how = ranges === undefined ? "without a range" : "with a range";
  const testHere = ranges === undefined ? test : testWithRanges;

  testHere(`a user ${how} has a whole container, with what the kernel lets it have`, async () => {
    const { container } = await each({
      container: [
        "{ rootfs: ROOT, enableUserNamespace: true, enableAllNamespaces: true, hostname: 'box', tmpfs: ['/tmp'], " +
        "files: { '/etc/app': 'from memory' }, volumes: [PLACE + '/home:/data'], capAdd: ['NET_ADMIN'], " +
        "sysctl: { 'net.ipv4.ip_forward': '1' } }",
        "echo $$ $(id -u) $(hostname); cat /etc/app; echo; cat /proc/sys/net/ipv4/ip_forward; ls /proc | grep -c ^1$; " +
        "echo x >/dev/null && head -c 3 /dev/zero | wc -c; touch /tmp/a /data/made /shared; " +
        "stat -c %u:%g /tmp/a /data/made /shared /; ls /sys/class/net; cat /sys/class/net/lo/flags; " +
        "grep -oE '/dev/(shm|mqueue) .* - [a-z]+' /proc/self/mountinfo | sed 's/ .* / /'; " +
        "echo x >/proc/sys/kernel/hostname; true",
      ],
    }, ranges);
    assertEquals(container.stdout?.split("\n"), [
      ...["1 0 box", "from memory", "1", "1", "3", "0:0", "0:0", "0:0", "0:0", "lo", IS_UP],
      ...["/dev/shm tmpfs", "/dev/mqueue mqueue"],
    ]);
    assertStringIncludes(container.stderr!, "/proc/sys/kernel/hostname: Read-only file system");
  });

  testHere(`an overlay of a user ${how} leaves the root as it is, in memory and in a folder`, async () => {
    const script = "echo $(ls /); rm /bin/wc; echo new >/etc/new; mkdir /made; mv /etc/group /etc/group2; " +
      "cat /etc/new; ls /bin/wc 2>&1; echo $(ls / /etc | tr '\\n' ' ')";
    const seen: string[] = [];
    const look = (place: string) => {
      for (const folder of ["rootfs", "rootfs/etc", "home/upper", "home/upper/etc"]) {
        seen.push(`${folder}: ${[...Deno.readDirSync(`${place}/${folder}`)].map(({ name }) => name).sort().join(" ")}`);
      }
    };
    const config = "rootfs: ROOT, enableUserNamespace: true";
    const code = `const result = [
      await sh({ ${config}, overlay: true }, ${JSON.stringify(script)}),
      await sh({ ${config}, overlay: { folder: PLACE + "/home" } }, ${JSON.stringify(script)}),
      await sh({ ${config}, overlay: { folder: PLACE + "/home" } }, "cat /etc/new; ls /bin/wc /etc/group 2>&1 | wc -l"),
    ];`;
    const [memory, folder, again] = await asOrdinaryUser<Came[]>(code, { ranges, look });
    assertEquals(memory, { ...memory, exitCode: 0, stderr: "" });
    assertEquals(folder.stdout, memory.stdout);
    assertStringIncludes(memory.stdout!, "new\nls: /bin/wc: No such file or directory");
    assertStringIncludes(memory.stdout!, "group2");
    assertEquals(again.stdout, "new\n2");
    assertEquals(seen, [
      "rootfs: bin dev etc home proc root sys tmp usr var",
      "rootfs/etc: group passwd",
      "home/upper: bin etc made",
      "home/upper/etc: group group2 new",
    ]);
  });
}

testWithRanges("files of other users in the container belong to ids of the range", async () => {
  let owners: (number | null)[] = [];
  const look = (place: string) => {
    owners = ["root", "joe"].map((name) => Deno.statSync(`${place}/home/${name}`).uid);
  };
  const script = "touch /data/root /data/joe; chown joe:joe /data/joe; stat -c %U /data/joe";
  const code = `const result = await sh(
    { rootfs: ROOT, enableUserNamespace: true, volumes: [PLACE + "/home:/data"] }, ${JSON.stringify(script)});`;
  const { stdout } = await asOrdinaryUser<Came>(code, { ranges: RANGES, look });
  assertEquals([stdout, owners], ["joe", [65_534, RANGE.first + 999]]);
});

test("a user is told that root alone makes mounts that show other ids", async () => {
  const ids = (id: string) => `[{ containerID: 0, hostID: ${id}, size: 1 }]`;
  const mappings = `uidMappings: ${ids("Deno.uid()")}, gidMappings: ${ids("Deno.gid()")}`;
  const { refused, taken } = await each({
    refused: [`{ rootfs: ROOT, ${mappings}, volumes: [PLACE + "/home:/tmp:idmap"] }`, "true"],
    taken: [`{ rootfs: ROOT, ${mappings}, volumes: [PLACE + "/home:/tmp"] }`, "true"],
  });
  assertStringIncludes(
    refused.message!,
    "mounts show other ids only where the host's root makes them: leave idmap away",
  );
  assertEquals(taken.exitCode, 0);
});
