/** The options of a run, in the groups that the help shows. */

import type { Option } from "./options.ts";

/** Options under a title. */
export interface OptionGroup {
  /** As the help has it. */
  title: string;
  /** Whether each keeps something from the program. */
  isolates?: true;
  /** In the help's order. */
  options: readonly Option[];
}

/** How a program is run. */
export const OPTION_GROUPS: readonly OptionGroup[] = [
  {
    title: "Isolation",
    isolates: true,
    options: [
      namespace("pid", "give the program a PID namespace of its own, in which it is PID 1 (root)"),
      namespace("mountns", "give it a mount namespace; whatever mounts does so by itself"),
      namespace("uts", "give it a UTS namespace; --hostname and --domainname do so by themselves"),
      namespace("ipc", "give it an IPC namespace"),
      namespace("net", "give it a network namespace, with a loopback interface alone"),
      namespace("cgroupns", "give it a cgroup namespace"),
      namespace("user", "give it a user namespace: no root is needed, and root in it is nobody outside"),
      namespace("time", "give it a time namespace"),
      { name: "all", help: "give it all of these but the user and time namespaces" },
      { name: "hostname", value: "NAME", help: "set the host name" },
      { name: "domainname", value: "NAME", help: "set the NIS domain" },
      { name: "sysctl", value: "KEY=VALUE", many: true, help: "set a kernel parameter of the namespaces" },
      {
        name: "time-offset",
        value: "CLOCK=SECONDS",
        many: true,
        help: "move the clock monotonic or boottime of the time namespace",
      },
    ],
  },
  {
    title: "Root filesystem",
    isolates: true,
    options: [
      {
        name: "rootfs",
        value: "DIR",
        completes: "folder",
        help: "make DIR the program's /, with a container's defaults: see the README",
      },
      { name: "read-only", help: "let nothing be written to DIR" },
      { name: "overlay", help: "leave DIR as it is: what is written to it goes to memory" },
      {
        name: "container-dir",
        value: "DIR",
        completes: "folder",
        help: "as --overlay, but what is written goes to this folder, and stays",
      },
      { name: "diff", help: "as --overlay, and list what was changed: A added, C changed, D deleted" },
      {
        name: "volume",
        short: "v",
        value: "SOURCE:TARGET[:OPTIONS]",
        many: true,
        help: "show a folder or file of the host; options: ro, noexec, rshared, …",
      },
      {
        name: "tmpfs",
        value: "TARGET[:OPTIONS]",
        many: true,
        help: "mount a filesystem in memory; options: size=64m, mode=755, exec, …",
      },
      {
        name: "mount",
        value: "type=TYPE,src=SOURCE,dst=TARGET[,OPTION]...",
        many: true,
        help: "mount anything: bind, tmpfs, overlay, proc, …",
      },
      { name: "device", value: "PATH", many: true, completes: "file", help: "give it a device of the host" },
      { name: "rootfs-propagation", value: "MODE", help: "private, rprivate, shared, slave, …: how mounts pass" },
      {
        name: "mount-api",
        value: "auto|new|classic",
        help: "which system calls mount: fsopen(2) and its kin, or mount(2)",
      },
    ],
  },
  {
    title: "Users",
    isolates: true,
    options: [
      { name: "run-as", value: "USER[:GROUP]", help: "run as this user: names of the root filesystem, or numbers" },
      { name: "add-group", value: "GID", many: true, help: "a further group, as a number" },
      { name: "umask", value: "OCTAL", help: "the permissions that new files don't get, such as 022" },
      {
        name: "uid-map",
        value: "INSIDE:OUTSIDE[:COUNT]",
        many: true,
        help: "map user ids of the user namespace, and make one",
      },
      {
        name: "gid-map",
        value: "INSIDE:OUTSIDE[:COUNT]",
        many: true,
        help: "map group ids of the user namespace, and make one",
      },
      { name: "map-ids", value: "auto|single", help: "without these: all ids that may be mapped, or yours as 0 alone" },
    ],
  },
  {
    title: "Privileges",
    isolates: true,
    options: [
      { name: "cap-add", value: "CAPABILITY", many: true, help: "give it a capability, or ALL" },
      { name: "cap-drop", value: "CAPABILITY", many: true, help: "take a capability from it, or ALL" },
      {
        name: "no-new-privs",
        help: "let no program gain privileges, as by set-user-ID; --rootfs and --landlock-… do so too",
      },
      { name: "new-privs", help: "let programs gain privileges all the same" },
      {
        name: "seccomp",
        value: "default|unconfined|FILE",
        completes: "file",
        help: "let these system calls through; default with --rootfs: default",
      },
      {
        name: "landlock-ro",
        value: "PATH",
        many: true,
        completes: "file",
        help: "let it read and execute what is under PATH; nothing else by path",
      },
      { name: "landlock-rw", value: "PATH", many: true, completes: "file", help: "let it change it as well" },
      { name: "apparmor", value: "PROFILE", help: "change to this AppArmor profile" },
      { name: "selinux", value: "LABEL", help: "change to this SELinux label" },
    ],
  },
  {
    title: "Limits",
    options: [
      { name: "memory", value: "SIZE", help: "let it have so much memory: 64M, 2G; above it something is killed" },
      { name: "memory-swap", value: "SIZE", help: "let it have so much memory and swap together; or unlimited" },
      { name: "memory-reservation", value: "SIZE", help: "where memory is short, take back first what is above this" },
      { name: "cpus", value: "NUMBER", help: "let it use so many processors: 0.5, 2" },
      {
        name: "cpu-shares",
        value: "SHARES",
        help: "2 to 262144 (1024): its part where others want the processors too",
      },
      { name: "cpuset-cpus", value: "LIST", help: "let all of it run on these processors, such as 0-3,7" },
      { name: "cpuset-mems", value: "LIST", help: "let it have memory of these nodes" },
      { name: "pids", value: "NUMBER", help: "let it have so many processes and threads" },
      { name: "io-weight", value: "WEIGHT", help: "10 to 1000: its part where others want the disks too" },
      {
        name: "io-max",
        value: "DEVICE:KEY=RATE[,…]",
        many: true,
        help: "limit a disk, /dev/sda or 8:0: rbps, wbps (bytes), riops, wiops per second",
      },
      {
        name: "device-cgroup-rule",
        value: "RULE",
        many: true,
        help: 'let it use a device, as in "c 10:200 rwm"',
      },
      { name: "unified", value: "FILE=VALUE", many: true, help: "write to a file of its cgroup, version 2" },
      { name: "cpu-time", value: "TIME", help: "kill it after TIME on processors, all of it together" },
      {
        name: "output-size",
        value: "SIZE",
        help: "kill it when it writes more than SIZE to stdout and stderr together",
      },
      { name: "cgroup-parent", value: "PATH", help: "make its cgroup below this one" },
      { name: "cgroup-manager", value: "auto|cgroupfs|systemd|disabled", help: "who makes its cgroup" },
      {
        name: "limits",
        value: "strict|best-effort",
        help: "leave away what this host cannot limit, or fail (default)",
      },
      { name: "stats", help: "tell on stderr what it used when it has ended" },
    ],
  },
  {
    title: "Program",
    options: [
      { name: "env", short: "e", value: "NAME=VALUE", many: true, help: "set a variable; may stand several times" },
      {
        name: "env-file",
        value: "FILE",
        many: true,
        help: "set the variables of a file of NAME=VALUE lines; --env wins",
        completes: "file",
      },
      { name: "clear-env", help: "do not hand on the caller's environment" },
      { name: "inherit-env", help: "hand it on with --rootfs too" },
      { name: "cwd", value: "DIR", help: "start the program in DIR", completes: "folder" },
      { name: "tty", short: "t", help: "give it a terminal of its own" },
      { name: "timeout", value: "TIME", help: "kill the program after TIME: 5, 0.5s, 200ms, 2m, 1h" },
      { name: "no-kill-on-exit", help: "leave the program of a PID namespace running when minicontainer is killed" },
      { name: "ulimit", value: "NAME=SOFT[:HARD]", many: true, help: "limit nofile, nproc, core, …; or unlimited" },
      { name: "cpus-allowed", value: "LIST", help: "let it run on these processors, such as 0-3,7" },
      {
        name: "scheduler",
        value: "POLICY[:PRIORITY]",
        help: "other, batch, idle, fifo or rr; the priority or niceness",
      },
      { name: "io-priority", value: "CLASS[:LEVEL]", help: "rt, be or idle; 0 (first) to 7" },
      { name: "oom-score-adj", value: "SCORE", help: "-1000 (never) to 1000 (first): killed when memory runs out" },
      { name: "personality", value: "LINUX|LINUX32", help: "show it a 32-bit machine" },
      { name: "debug", help: "tell on stderr what is done" },
    ],
  },
];

/** All of them. */
export const RUN_OPTIONS: readonly Option[] = OPTION_GROUPS.flatMap(({ options }) => options);

/** One that makes a namespace, or with a path joins one. */
function namespace(name: string, help: string): Option {
  return { name, value: "PATH", optional: true, completes: "file", help };
}
