/**
 * Rights that a container's program could come by: by inheritance, by a user's number that is read as another, and by
 * programs that grant them.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type NamespaceExecConfig, type Runnable, type Spec, SpecError, SystemError } from "../../mod.ts";
import { requires, shell, statusFields } from "../support.ts";
import { cli } from "../support_cli.ts";
import { containers, rootfs } from "../support_rootfs.ts";
import { AS_NOBODY, compile, compiler, contained } from "./support.ts";

const test = requires(containers);
const testWithCompiler = requires(containers, compiler);

/** A capability that a file can carry, which no program has by default. */
const CAP_SYS_ADMIN = 21;

/** Writes `security.capability` of a file, in the second version of xattr(7)'s capabilities(7). */
const SETCAP = `
  #include <stdint.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  #include <sys/xattr.h>
  int main(int count, char **words) {
    uint32_t permitted = strtoul(words[2], 0, 16), inheritable = strtoul(words[3], 0, 16);
    uint32_t data[5] = { 0x02000000 | 1, permitted, inheritable, 0, 0 };
    if (setxattr(words[1], "security.capability", data, sizeof data, 0) != 0) { perror("setxattr"); return 1; }
  }
`;

/** Prints its own `/proc/self/status`: it is the file that grants something. */
const TELLS = `
  #include <stdio.h>
  int main(void) {
    char text[8192];
    FILE *file = fopen("/proc/self/status", "r");
    fwrite(text, 1, fread(text, 1, sizeof text, file), stdout);
  }
`;

/** What the program behind `/bin/granted` has, when joe executes it. */
async function grantedTo(root: string, config: Partial<NamespaceExecConfig>) {
  const { stdout } = await contained({ rootfs: root, ...shell("/bin/granted; true"), ...config });
  const fields = statusFields(stdout);
  return ["CapPrm", "CapEff", "CapInh"].map((name) => Number(`0x${fields.get(name)}`));
}

testWithCompiler(
  "CVE-2022-29162, 2022-27650: a file's inheritable capabilities give nothing to who is not root",
  async () => {
    using root = rootfs();
    await compile(`${root.path}/setcap`, SETCAP);
    await compile(`${root.path}/bin/granted`, TELLS);
    const CHOWN = 1;
    const joe = { user: "joe", noNewPrivileges: false };
    const setcap = async (permitted: number, inheritable: number) => {
      const argv = ["setcap", "/bin/granted", permitted.toString(16), inheritable.toString(16)];
      assertEquals(await contained({ rootfs: root.path, program: "/setcap", argv }), {
        exitCode: 0,
        stdout: "",
        stderr: "",
      });
    };
    await setcap(0, CHOWN);
    assertEquals(await grantedTo(root.path, joe), [0, 0, 0]);
    assertEquals(await grantedTo(root.path, { noNewPrivileges: false }).then(([, , inheritable]) => inheritable), 0);
    // What a file grants by itself it grants, where that is not forbidden, and never more than the container has.
    await setcap(CHOWN, 0);
    assertEquals(await grantedTo(root.path, joe), [CHOWN, CHOWN, 0]);
    assertEquals(await grantedTo(root.path, { user: "joe" }), [0, 0, 0]);
    await setcap(1 << CAP_SYS_ADMIN, 0);
    const { exitCode, stderr } = await contained({ rootfs: root.path, ...shell("/bin/granted"), ...joe });
    assert(exitCode !== 0 && /not permitted/.test(stderr), stderr);
  },
);

/** Every form in which a user could be written that is no number, or one that is read as another's: root's most of all. */
const FORMS = [
  ...["-1", "+1", "-0", "+0", "--1", "1-", "0x0", "0X0", "0b0", "1e3", "1.0", "0.0", "1_000", "1,000", "4294967295"],
  ...["4294967296", "4294968296", "8589934592", "9223372036854775808", "18446744073709551615", "18446744073709551616"],
  ...["99999999999999999999999999", "-4294967296", " 1", "1 ", "\t1", "1\n", "\u0661", "\uff11", "1\u200b", "joe "],
  ...["", ":", ":0", ":joe", "0:", "joe:", "1000:", "1:2:3", "joe:joe:joe", "1000:-1", "1000:+5", "1000:4294967295"],
  ...["1000:4294967296", "1000: 5", "1000:0x5", "joe:", "joe:no-such", "no-such", "no-such:joe", "ROOT", "root ", "#0"],
];

test("CVE-2026-30892, 2024-40635: no form of a user is read as another user's", async () => {
  using root = rootfs();
  for (const user of FORMS) {
    const config = { rootfs: root.path, ...shell("id -u; id -g; id -G"), user };
    const came = await contained(config).then(({ stdout }) => stdout, (error) => error);
    assert(came instanceof SpecError, `user ${JSON.stringify(user)}: ${came}`);
    assertEquals(came.path, "user", user);
  }
  const { code, stderr } = await cli(["--rootfs", root.path, "--run-as=4294967296", "id"]);
  assertEquals([code, /^minicontainer: --run-as: /.test(stderr)], [125, true], stderr);
});

test("CVE-2024-40635: what a user is in full is who the program is", async () => {
  using root = rootfs();
  const largest = 4_294_967_294;
  for (
    const [user, ...ids] of [
      ["1", 1, 0],
      ["1000", 1000, 1000],
      [`${largest}`, largest, 0],
      [`${largest}:${largest}`, largest, largest],
      ["2147483648:2147483648", 2_147_483_648, 2_147_483_648],
      ["00001000:5", 1000, 5],
      ["joe:tty", 1000, 5],
    ] as const
  ) {
    const { stdout } = await contained({ rootfs: root.path, ...shell("grep -h [UG]id /proc/self/status"), user });
    const expected = [["Uid", ids[0]], ["Gid", ids[1]]].map(([name, id]) => `${name}:${`\t${id}`.repeat(4)}`);
    assertEquals(stdout.split("\n"), expected, user);
  }
});

test("CVE-2024-40635: the root's files cannot make root of a number, or a number of root", async () => {
  using root = rootfs();
  const lines = [
    "1000:x:0:0::/:/bin/sh",
    "+1:x:0:0::/:/bin/sh",
    "wrapped:x:4294967296:4294967296::/:/bin/sh",
    "negative:x:-1:-1::/:/bin/sh",
    "empty:x:::: /:/bin/sh",
    "words:x:zero:zero::/:/bin/sh",
    "joe:x:1000:1000::/:/bin/sh",
  ];
  Deno.writeTextFileSync(`${root.path}/etc/passwd`, `${lines.join("\n")}\n`);
  const who = (user: string): Promise<unknown> =>
    contained({ rootfs: root.path, ...shell("id -u"), user }).then(({ stdout }) => stdout, ({ name }) => name);
  assertEquals(await who("1000"), "1000");
  for (const user of ["+1", "wrapped", "negative", "empty", "words"]) assertEquals(await who(user), "SpecError", user);
  assertEquals(await who("joe"), "1000");
});

test("numbers of users in a spec are refused where the kernel would take them for none", async () => {
  using root = rootfs();
  const spec = (user: object): Runnable => ({
    spec: {
      ociVersion: "1.2.0",
      process: { args: ["/bin/id", "-u"], user },
      root: { path: root.path },
      linux: { namespaces: [{ type: "mount" }] },
    } as Spec,
  });
  for (const uid of [-1, 1.5, 4_294_967_295, 4_294_967_296, "0", null, 1e30]) {
    for (const user of [{ uid, gid: 5 }, { uid: 5, gid: uid }, { uid: 5, gid: 5, additionalGids: [uid] }]) {
      const came = await contained(spec(user)).then(({ stdout }) => stdout, (error) => error);
      // OCI has 0 where nothing stands, and null is nothing: only for a group, whose user is not root.
      const isNothing = uid === null && user.uid === 5 && came === "5";
      assert(isNothing || came instanceof SpecError || came instanceof SystemError, `${JSON.stringify(user)}: ${came}`);
    }
  }
  assertEquals((await contained(spec({ uid: 5, gid: 5 }))).stdout, "5");
});

/** Says whose rights it has. */
const WHOSE = `
  #include <stdio.h>
  #include <unistd.h>
  int main(void) { printf("%d:%d %d:%d\\n", getuid(), geteuid(), getgid(), getegid()); }
`;

for (const [who, ids, offset] of [["root", {}, 0], ["nobody", AS_NOBODY, 100_000]] as const) {
  testWithCompiler(`a set-user-ID program gains nothing in ${who}'s container, unless that is asked for`, async () => {
    using root = rootfs();
    const path = `${root.path}/bin/whose`;
    await compile(path, WHOSE);
    Deno.chownSync(path, offset, offset);
    Deno.chmodSync(path, 0o6755);
    const config = { rootfs: root.path, program: "/bin/whose", user: "joe:users", ...ids };
    assertEquals((await contained(config)).stdout, "1000:1000 100:100");
    assertEquals((await contained({ ...config, noNewPrivileges: false })).stdout, "1000:0 100:0");
    // Nor by way of another program.
    const through = await contained({ ...config, ...shell("sh -c 'exec /bin/whose'") });
    assertEquals(through.stdout, "1000:1000 100:100");
  });
}
