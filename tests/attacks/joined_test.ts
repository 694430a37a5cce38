/**
 * Who joins a container by `exec` is held by what holds its own program, however the container was made.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import type { Container, ContainerExecConfig, ProgramConfig } from "../../mod.ts";
import { Root } from "../detached/support.ts";
import { requires, shell, statusFields, tempFolder, textOf } from "../support.ts";
import { containers } from "../support_rootfs.ts";

const test = requires(containers);

/** A container of `config`, and what programs say that join it. */
async function joinable(config: Partial<ProgramConfig>, use: (says: Says, container: Container) => Promise<void>) {
  await using root = new Root();
  await using container = await root.start("exec sleep 1000", config);
  await use(async (script, more = {}) => {
    const streams = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
    const program = await container.exec({ ...shell(script), ...streams, ...more } as ContainerExecConfig);
    const { stdout, stderr } = await program.output();
    return textOf(stdout) + textOf(stderr);
  }, container);
}

type Says = (script: string, more?: Partial<ContainerExecConfig>) => Promise<string>;

for (const monitor of [false, true]) {
  const kind = monitor ? "a monitored container" : "a container";

  test(`who joins ${kind} has its filter, and none where it has none`, async () => {
    for (const [seccomp, mode] of [[undefined, "2"], ["unconfined", "0"]] as const) {
      await joinable({ monitor, seccomp }, async (says, container) => {
        const [pid] = await container.ps();
        const own = statusFields(Deno.readTextFileSync(`/proc/${pid}/status`));
        const joined = statusFields(await says("cat /proc/self/status"));
        assertEquals([own.get("Seccomp"), joined.get("Seccomp")], [mode, mode]);
        assertMatch(await says("unshare -U true 2>&1 || echo refused"), mode === "2" ? /refused/ : /^$/);
      });
    }
  });

  test(`who joins ${kind} has the filter of a file that was there when it was made`, async () => {
    using folder = tempFolder();
    const seccompFile = `${folder.path}/profile.json`;
    const syscalls = [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO" }];
    Deno.writeTextFileSync(seccompFile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls }));
    await joinable({ monitor, seccompFile }, async (says) => {
      Deno.removeSync(seccompFile);
      assertMatch(await says("mkdir /made"), /not permitted/);
    });
  });

  test(`who joins ${kind} is its user, unless another is asked for`, async () => {
    await joinable({ monitor, user: "joe" }, async (says) => {
      assertEquals(
        await says("echo $(id -u):$(id -g) $HOME; grep CapEff /proc/self/status"),
        "1000:1000 /home/joe\nCapEff:\t0000000000000000",
      );
      assertEquals(
        await says("id -G", { additionalGids: [77] }),
        await says("id -G").then((own) => own.replace("29", "29 77")),
      );
      assertEquals(await says("echo $(id -u) $HOME", { user: "root" }), "0 /root");
    });
  });

  test(`who joins ${kind} reaches no more of its files than its own program`, async () => {
    await joinable({ monitor, landlock: { readOnly: ["/"], readWrite: ["/tmp"] } }, async (says) => {
      assertMatch(await says("echo >/root/written"), /Permission denied/);
      assertEquals(await says("echo so >/tmp/written; cat /tmp/written"), "so");
    });
  });
}
