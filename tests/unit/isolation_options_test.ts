import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { isolationFromOptions } from "../../src/cli/isolation.ts";
import { parseOptions, UsageError } from "../../src/cli/options.ts";
import { inTermsOfOptions, specFromOptions } from "../../src/cli/run.ts";
import { RUN_OPTIONS } from "../../src/cli/run_options.ts";
import { words } from "../../src/cli/report.ts";
import { SpecError } from "../../src/native/errors.ts";
import { present } from "../../src/spec/check.ts";
import { specFromConfig } from "../../src/spec/exec_config.ts";

const parse = (...args: string[]) => parseOptions(RUN_OPTIONS, [...args, "sh"]);
const isolation = (...args: string[]) => {
  const { namespaces, ...fields } = present(isolationFromOptions(parse(...args)));
  return { ...fields, ...(Object.keys(namespaces ?? {}).length > 0 && { namespaces }) };
};

Deno.test("isolationFromOptions() sets the fields that options stand for", () => {
  const cases: [string[], Record<string, unknown>][] = [
    [[], {}],
    [["--all", "--user"], { enableAllNamespaces: true, enableUserNamespace: true }],
    [["--net=/n", "--mountns", "--cgroupns"], {
      enableMountNamespace: true,
      enableCgroupNamespace: true,
      namespaces: { network: "/n" },
    }],
    [["--hostname", "a", "--domainname", "b"], { hostname: "a", domainname: "b" }],
    [["--sysctl", "a.b=c=d", "--sysctl=e.f="], { sysctl: { "a.b": "c=d", "e.f": "" } }],
    [["--time-offset", "boottime=-1.5", "--time-offset=monotonic=7"], {
      timeOffsets: { boottime: { secs: -2, nanosecs: 500_000_000 }, monotonic: { secs: 7, nanosecs: 0 } },
    }],
    [["--rootfs", "/r", "--read-only"], { rootfs: "/r", readOnly: true }],
    [["--overlay"], { overlay: { folder: undefined, diff: undefined } }],
    [["--container-dir", "/c"], { overlay: { folder: "/c", diff: undefined } }],
    [["--diff"], { overlay: { folder: undefined, diff: true } }],
    [["--diff", "--container-dir", "/c"], { overlay: { folder: "/c", diff: true } }],
    [["-v", "/a:/b", "-v/c:/d:ro", "--tmpfs", "/t"], { volumes: ["/a:/b", "/c:/d:ro"], tmpfs: ["/t"] }],
    [["--mount", "type=proc,dst=/p"], {
      mounts: [{ destination: "/p", type: "proc", source: "proc", options: [] }],
    }],
    [["--device", "/dev/fuse", "--mount-api=classic"], { hostDevices: ["/dev/fuse"], mountApi: "classic" }],
    [["--rootfs-propagation", "slave", "--map-ids", "single"], { rootfsPropagation: "slave", mapIds: "single" }],
    [["--run-as", "a:b", "--add-group", "5", "--add-group=6", "--umask", "027"], {
      user: "a:b",
      additionalGids: [5, 6],
      umask: 0o27,
    }],
    [["--uid-map", "0:1000", "--gid-map", "0:100000:65536"], {
      uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
    }],
    [["--cap-add", "ALL", "--cap-drop", "KILL", "--new-privs"], {
      capAdd: ["ALL"],
      capDrop: ["KILL"],
      noNewPrivileges: false,
    }],
    [["--no-new-privs", "--seccomp", "default"], { noNewPrivileges: true, seccomp: "default" }],
    [["--seccomp", "./profile.json"], { seccompFile: "./profile.json" }],
    [["--landlock-ro", "/usr", "--landlock-rw=/tmp"], { landlock: { readOnly: ["/usr"], readWrite: ["/tmp"] } }],
    [["--apparmor", "p", "--selinux", "l"], { apparmorProfile: "p", selinuxLabel: "l" }],
    [["--ulimit", "nofile=5:unlimited", "--ulimit", "core=0"], {
      rlimits: { nofile: { soft: 5, hard: Infinity }, core: { soft: 0, hard: 0 } },
    }],
    [["--cpus-allowed", "0", "--oom-score-adj", "-7"], { cpuAffinity: "0", oomScoreAdj: -7 }],
    [["--scheduler", "fifo:5"], { scheduler: { policy: "SCHED_FIFO", priority: 5 } }],
    [["--scheduler", "batch:-3"], { scheduler: { policy: "SCHED_BATCH", nice: -3 } }],
    [["--io-priority", "idle"], { ioPriority: { class: "IOPRIO_CLASS_IDLE" } }],
    [["--personality", "LINUX32", "-t", "--inherit-env"], {
      personality: "LINUX32",
      terminal: true,
      inheritEnv: true,
    }],
  ];
  for (const [args, fields] of cases) assertEquals(isolation(...args), fields, args.join(" "));
});

Deno.test("isolationFromOptions() refuses values that it cannot read", () => {
  const cases: [string, string][] = [
    ["--uid-map", "0"],
    ["--gid-map", "0:-1"],
    ["--add-group", "wheel"],
    ["--umask", "9"],
    ["--sysctl", "a"],
    ["--time-offset", "realtime=5"],
    ["--time-offset", "boottime=1e3"],
    ["--ulimit", "nofile"],
    ["--ulimit", "nofile=many"],
    ["--scheduler", "deadline"],
    ["--io-priority", "be:10"],
    ["--oom-score-adj", "1.5"],
  ];
  for (const [option, value] of cases) {
    assertThrows(() => isolation(option, value), UsageError, `${option} must be such as `);
  }
});

Deno.test("specFromOptions() makes of options what specFromConfig() makes of fields", async () => {
  const byOptions = await specFromOptions(parse("--all", "--rootfs", "/r", "-v", "/a:/b:ro", "--cap-drop", "ALL"));
  const byFields = specFromConfig({
    program: "sh",
    enableAllNamespaces: true,
    rootfs: "/r",
    volumes: ["/a:/b:ro"],
    capDrop: ["ALL"],
  });
  const { minicontainer: ofOptions, ...isolated } = JSON.parse(JSON.stringify(byOptions));
  const { minicontainer: ofFields, ...expected } = JSON.parse(JSON.stringify(byFields));
  assertEquals(isolated, expected);
  const { foreground, exits, envFiles, tty, debug, ...shared } = ofOptions;
  assertEquals([foreground, exits, envFiles, tty, debug], [true, true, [], "auto", false]);
  const { program: _, stdio: __, ...rest } = ofFields;
  assertEquals(shared, rest);
});

Deno.test("specFromOptions() decides over environment, terminal and end as the options say", async () => {
  const extras = async (...args: string[]) => (await specFromOptions(parse(...args))).minicontainer;
  const inherits = async (...args: string[]) => {
    const { inheritEnv, defaultEnv } = await extras(...args) ?? {};
    return [inheritEnv, defaultEnv?.length];
  };
  assertEquals(await inherits("--hostname", "a"), [true, undefined]);
  assertEquals(await inherits("--rootfs", "/r"), [false, 1]);
  assertEquals(await inherits("--rootfs", "/r", "--inherit-env"), [true, undefined]);
  assertEquals(await inherits("--rootfs", "/r", "--clear-env"), [false, undefined]);
  assertEquals((await extras("-t"))?.tty, "always");
  for (const isolates of [["--net"], ["--run-as", "joe"], ["--landlock-ro", "/"], ["--pid", "--user"]]) {
    assertEquals((await extras(...isolates))?.tty, "auto", isolates.join(" "));
  }
  for (const other of [["--memory", "1M"], ["--pid"], ["--ulimit", "core=0"], ["--pid=/proc/1/ns/pid"]]) {
    assertEquals((await extras(...other))?.tty, undefined, other.join(" "));
  }
  assertEquals((await extras("--all"))?.killOnExit, true);
  assertEquals((await extras("--all", "--no-kill-on-exit"))?.killOnExit, false);
  assertEquals((await extras("--pid=/proc/1/ns/pid"))?.killOnExit, false);
});

Deno.test("inTermsOfOptions() names the field that a spec's stands for", async () => {
  const parsed = parse("--rootfs", "/r", "--volume", "/a:/b");
  const refuse = () => {
    throw new SpecError("mounts[7].source", "is not there");
  };
  const error = await assertRejects(() => inTermsOfOptions(parsed, refuse), SpecError, "volumes[0]: is not there");
  assertEquals(error.path, "volumes[0]");
  assertEquals(await inTermsOfOptions(parsed, () => 5), 5);
});

Deno.test("inTermsOfOptions() has a message speak of fields that stand for a spec's, but for what was given", async () => {
  const refuse = () => {
    throw new SpecError("hostname", 'is "linux.uidMappings" and "a\\"linux.gidMappings": see linux.uidMappings[1]');
  };
  const message = 'is "linux.uidMappings" and "a\\"linux.gidMappings": see uidMappings[1]';
  const error = await assertRejects(() => inTermsOfOptions(parse("true"), refuse), SpecError, message);
  assertEquals(words(error), `--hostname: ${message.replace("see uidMappings", "see --uid-map")}`);
});
