/**
 * The environment that a program gets, and where it is looked for.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type NamespaceExecConfig, SystemError } from "../mod.ts";
import { execForms, requires, runDeno, tempFolder, textOf } from "./support.ts";

const test = requires();

/** The folder's own program; it tells that it was run. */
function makeProgram(path: string, said: string) {
  Deno.writeTextFileSync(path, `#!/bin/sh\necho ${said}\n`, { mode: 0o755 });
}

/** Sets a variable of this process until the end of the block. */
function variable(name: string, value: string): Disposable {
  const before = Deno.env.get(name);
  Deno.env.set(name, value);
  return {
    [Symbol.dispose]: () => before === undefined ? Deno.env.delete(name) : Deno.env.set(name, before),
  };
}

for (const [name, exec] of execForms) {
  /** The environment as the program finds it. */
  const environment = async (config: Pick<NamespaceExecConfig, "envp">): Promise<string[]> => {
    const { stdout } = await exec({ program: "/usr/bin/env", argv: ["env", "--null"], stdout: "piped", ...config });
    return new TextDecoder().decode(stdout).split("\0").slice(0, -1);
  };

  const output = async (config: NamespaceExecConfig): Promise<string> =>
    textOf((await exec({ stdout: "piped", ...config })).stdout);

  test(`${name}() hands on this process's environment when envp is absent`, async () => {
    using _ = variable("MINICONTAINER_TEST", "gr\u00fc\u00dfe = \n\ud83d\udc4b");
    const expected = Object.entries(Deno.env.toObject()).map(([name, value]) => `${name}=${value}`);
    assertEquals((await environment({})).sort(), expected.sort());
  });

  test(`${name}() hands on the environment as it is when it has been changed since`, async () => {
    const changed = async () => (await environment({})).filter((entry) => entry.startsWith("MINICONTAINER_TEST="));
    {
      using _ = variable("MINICONTAINER_TEST", "1");
      assertEquals(await changed(), ["MINICONTAINER_TEST=1"]);
      Deno.env.set("MINICONTAINER_TEST", "2");
      assertEquals(await changed(), ["MINICONTAINER_TEST=2"]);
    }
    assertEquals(await changed(), []);
  });

  test(`${name}() gives exactly the variables of envp when it is an array`, async () => {
    const envp = ["A=1", "B=", "C=x=y", "D= a\nb ", "E=gr\u00fc\u00dfe"];
    assertEquals(await environment({ envp }), envp);
  });

  test(`${name}() gives exactly the variables of envp when it is an object`, async () => {
    const envp = { A: "1", B: "", C: "x=y" };
    assertEquals(await environment({ envp }), ["A=1", "B=", "C=x=y"]);
  });

  for (const envp of [[], {}]) {
    test(`${name}() gives no variable when envp is ${JSON.stringify(envp)}`, async () => {
      assertEquals(await environment({ envp }), []);
    });
  }

  test(`${name}() gives the last value when envp has a name twice`, async () => {
    assertEquals(await environment({ envp: ["A=1", "B=2", "A=3", "AA=4", "A=5"] }), ["A=5", "B=2", "AA=4"]);
  });

  test(`${name}() gives every variable when there are 3000`, async () => {
    const envp = Array.from({ length: 3000 }, (_, index) => `NAME_${index}=value ${index}`);
    assertEquals(await environment({ envp }), envp);
  });

  test(`${name}() looks a name up in the program's PATH when envp is given`, async () => {
    using folder = tempFolder();
    makeProgram(`${folder.path}/greet`, "found");
    assertEquals(await output({ program: "greet", envp: [`PATH=/no/such/folder:${folder.path}`] }), "found");
    await assertRejects(() => exec({ program: "greet" }), SystemError, "cannot execute");
  });

  test(`${name}() looks a name up in this process's PATH when envp is absent`, async () => {
    using folder = tempFolder();
    makeProgram(`${folder.path}/greet`, "found");
    using _ = variable("PATH", `${folder.path}:${Deno.env.get("PATH")}`);
    assertEquals(await output({ program: "greet" }), "found");
    const error = await assertRejects(() => exec({ program: "greet", envp: ["PATH=/bin"] }), SystemError);
    assertEquals([error.code, error.exitCode], ["ENOENT", 127]);
  });

  test(`${name}() takes the first in PATH when several folders have the program`, async () => {
    using folder = tempFolder();
    for (const each of ["a", "b"]) {
      Deno.mkdirSync(`${folder.path}/${each}`);
      makeProgram(`${folder.path}/${each}/greet`, each);
    }
    const [a, b] = [`${folder.path}/a`, `${folder.path}/b`];
    assertEquals(await output({ program: "greet", envp: { PATH: `${b}:${a}` } }), "b");
    Deno.chmodSync(`${b}/greet`, 0o644);
    assertEquals(await output({ program: "greet", envp: { PATH: `${b}:${a}` } }), "a");
    const error = await assertRejects(() => exec({ program: "greet", envp: { PATH: b } }), SystemError);
    assertEquals([error.code, error.exitCode], ["EACCES", 126]);
  });

  test(`${name}() looks in /bin and /usr/bin when the program has no PATH`, async () => {
    assertEquals(await output({ program: "sh", argv: ["sh", "-c", "echo found"], envp: ["A=1"] }), "found");
    using folder = tempFolder();
    makeProgram(`${folder.path}/greet`, "found");
    using _ = variable("PATH", folder.path);
    await assertRejects(() => exec({ program: "greet", envp: ["A=1"] }), SystemError, '"greet"');
  });

  for (const flags of [["-A"], ["--allow-ffi", "--allow-run"]]) {
    test(`${name}() hands on bytes that are no text when its permissions are ${flags.join(" ")}`, async () => {
      const code = `
        import { namespaceExec, namespaceExecSync } from MOD;
        await ${name}({ program: "/bin/sh", argv: ["sh", "-c", 'printf %s "$ODD" | od -An -tx1'] });
      `;
      const through = ["/bin/sh", "-c", `ODD=$(printf 'a\\377b') exec "$0" "$@"`];
      const { stdout, stderr } = await runDeno(code, { through, flags });
      assertStringIncludes(stdout, "61 ff 62", stderr);
    });
  }
}
