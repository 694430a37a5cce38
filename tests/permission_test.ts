/**
 * Which of Deno's permissions are needed, and that what `--allow-run` names is honoured.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { execForms, pidNamespaces, requires, runDeno, shell, tempFolder } from "./support.ts";

const test = requires();

/** Both forms, and spawn, as a Deno's text has them. */
const CALLS = [
  ...execForms.map(([name]) => [name, `await ${name}(config)`]),
  ["namespaceSpawn", "await namespaceSpawn(config).status"],
];

/** What a Deno with these permissions makes of a configuration: an exit code, or an error's name and message. */
async function outcome(call: string, config: unknown, flags: string[], before = ""): Promise<string> {
  const { stdout } = await runDeno(
    `
    import { namespaceExec, namespaceExecSync, namespaceSpawn } from MOD;
    ${before}
    const config = ${JSON.stringify(config)};
    try {
      console.log((${call}).exitCode);
    } catch ({ name, message }) {
      console.log(name, message);
    }
  `,
    { flags },
  );
  return stdout;
}

const sh = (script: string) => ({ ...shell(script), stdin: "null" });
const ls = (program: string) => ({ program, argv: ["ls", "/"], stdout: "null" });

for (const [name, call] of CALLS) {
  for (const prompt of [[], ["--no-prompt"]]) {
    const flags = ["--allow-ffi", "--allow-run", ...prompt];
    test(`${name}() runs the program when its permissions are ${flags.join(" ")}`, async () => {
      assertEquals(await outcome(call, { ...sh("exit 42"), stdout: "null", timeoutMs: 60_000 }, flags), "42");
      assertEquals(await outcome(call, { program: "sh", argv: ["sh", "-c", "exit 42"] }, flags), "42");
    });

    requires(pidNamespaces)(`${name}() isolates the program when its permissions are ${flags.join(" ")}`, async () => {
      const config = { ...sh("exit $((41 + $$))"), enablePidNamespace: true };
      assertEquals(await outcome(call, config, flags), "42");
    });
  }

  test(`${name}() runs what --allow-run names, and refuses the rest by path`, async () => {
    const flags = ["--no-prompt", "--allow-ffi", "--allow-run=/bin/sh"];
    assertEquals(await outcome(call, sh("exit 42"), flags), "42");
    const refusal = await outcome(call, ls("/bin/ls"), flags);
    assertStringIncludes(refusal, 'NotCapable Requires run access to "/bin/ls"');
    assertStringIncludes(refusal, "--allow-run");
  });

  test(`${name}() looks at the file that would be executed when it is named by PATH or cwd`, async () => {
    const flags = ["--no-prompt", "--allow-ffi", "--allow-run=/bin/sh"];
    using folder = tempFolder();
    Deno.writeTextFileSync(`${folder.path}/sh`, "#!/bin/ls\n", { mode: 0o755 });
    const inBin = { program: "sh", argv: ["sh", "-c", "exit 42"], envp: ["PATH=/bin"] };
    assertEquals(await outcome(call, inBin, flags), "42");
    const elsewhere = await outcome(call, { ...inBin, envp: [`PATH=${folder.path}:/bin`] }, flags);
    assertStringIncludes(elsewhere, `NotCapable Requires run access to "${folder.path}/sh"`);
    Deno.chmodSync(`${folder.path}/sh`, 0o644);
    assertEquals(await outcome(call, { ...inBin, envp: [`PATH=${folder.path}:/bin`] }, flags), "42");
    const relative = await outcome(call, { ...sh("exit"), program: "./sh", cwd: folder.path }, flags);
    assertStringIncludes(relative, "NotCapable Requires run access to");
    assertStringIncludes(await outcome(call, ls("ls"), flags), "NotCapable Requires run access to");
  });

  test(`${name}() refuses variables of the loader when --allow-run names programs`, async () => {
    const limited = ["--no-prompt", "--allow-ffi", "--allow-run=/bin/sh"];
    for (const variable of ["LD_PRELOAD", "LD_LIBRARY_PATH"]) {
      for (const envp of [[`${variable}=/no/such`], { [variable]: "/no/such" }]) {
        const config = { ...sh("exit 42"), stderr: "null", envp };
        const refusal = await outcome(call, config, limited);
        assertStringIncludes(refusal, "NotCapable");
        assertStringIncludes(refusal, variable);
        assertEquals(await outcome(call, config, ["--no-prompt", "--allow-ffi", "--allow-run"]), "42");
      }
    }
    assertEquals(await outcome(call, { ...sh("exit 42"), envp: ["OLD_PRELOAD=x"] }, limited), "42");
  });

  // As Deno.Command does: this process's environment is the program's, where none is given.
  for (const allowed of ["--allow-env", "--allow-env=LD_PRELOAD"]) {
    test(`${name}() refuses an inherited LD_PRELOAD when --allow-run names programs and ${allowed} is given`, async () => {
      const limited = ["--no-prompt", "--allow-ffi", "--allow-run=/bin/sh", allowed];
      const config = { ...sh("exit 42"), stderr: "null" };
      const set = 'Deno.env.set("LD_PRELOAD", "/no/such");';
      assertStringIncludes(await outcome(call, config, limited, set), "LD_PRELOAD");
      assertEquals(await outcome(call, { ...config, envp: ["A=1"] }, limited, set), "42");
    });
  }

  test(`${name}() is refused when its permissions lack --allow-ffi`, async () => {
    const refusal = await outcome(call, sh("exit 42"), ["--no-prompt", "--allow-run"]);
    assertStringIncludes(refusal, "NotCapable Requires ffi access");
  });

  test(`${name}() is refused when its permissions lack --allow-run`, async () => {
    const refusal = await outcome(call, sh("exit 42"), ["--no-prompt", "--allow-ffi"]);
    assertStringIncludes(refusal, 'NotCapable Requires run access to "/bin/sh"');
  });
}
