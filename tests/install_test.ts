import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { exists, requires, tempFolder } from "./support.ts";

const test = requires();
const testWithCargo = requires(cargo());

const PROJECT = new URL("../", import.meta.url).pathname;
const LIBRARY = "target/release/libminicontainer.so";

/** cargo is mostly not in a system's folder. */
function cargo(): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  return folders.some((folder) => exists(`${folder}/cargo`)) ? undefined : "needs cargo";
}

/** Installs there; the command. */
async function installed(prefix: string): Promise<string> {
  const made = await output(Deno.execPath(), ["run", "-A", `${PROJECT}scripts/install.ts`, "--prefix", prefix]);
  assertEquals(made.code, 0, made.stderr);
  const command = `${prefix}/bin/minicontainer`;
  assertEquals(made.stdout.trim().split("\n").at(-1), `installed ${command}: minicontainer version 0.1.0`);
  return command;
}

interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

async function output(command: string, args: string[], options: Deno.CommandOptions = {}): Promise<Output> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null", ...options }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** A copy of what a clone has, and of what cargo has built of others' crates. */
async function freshProject(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "minicontainer-fresh-" });
  const copy =
    `cp -R Cargo.* deno.* *.ts src std rust "$0"; mkdir -p "$0/target"; cp -R target/release "$0/target/"; rm "$0/${LIBRARY}"`;
  assertEquals((await output("sh", ["-c", copy, path], { cwd: PROJECT })).code, 0);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

const runs = (
  path: string,
  ...permissions: string[]
) => ["run", ...permissions, `${path}/cli.ts`, "/bin/echo", "hello"];

/** What is built in a test runs once: it need not be quick. */
const BUILT_QUICKLY = {
  CARGO_PROFILE_RELEASE_LTO: "off",
  CARGO_PROFILE_RELEASE_OPT_LEVEL: "1",
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16",
};

testWithCargo("the first run builds the library, says so in one line, and the next does not touch cargo", async () => {
  await using project = await freshProject();
  const first = await output(Deno.execPath(), runs(project.path, "--allow-ffi", "--allow-run"), { env: BUILT_QUICKLY });
  assertEquals([first.code, first.stdout], [0, "hello\n"]);
  assertEquals(first.stderr, "minicontainer: building the native library with cargo (on first use only)\n");
  // Without a PATH there is no cargo.
  const second = await output(Deno.execPath(), runs(project.path, "--allow-ffi", "--allow-run"), {
    env: { PATH: "/no" },
  });
  assertEquals(second, { code: 0, stdout: "hello\n", stderr: "" });
});

testWithCargo("a library of another version is not used", async () => {
  await using project = await freshProject();
  // A shared library that has none of our names.
  const others = [...Deno.readDirSync("/lib/x86_64-linux-gnu")].find(({ name }) => name.startsWith("libdl.so"));
  assert(others !== undefined);
  await Deno.copyFile(`/lib/x86_64-linux-gnu/${others.name}`, `${project.path}/${LIBRARY}`);
  const { code, stderr } = await output(Deno.execPath(), runs(project.path, "--allow-ffi", "--allow-run"), {
    env: { PATH: "/no" },
  });
  assertEquals(code, 125);
  assertMatch(stderr, /building the native library/);
});

test("without cargo and without a library one line says what to do", async () => {
  await using project = await freshProject();
  const missing = await output(Deno.execPath(), runs(project.path, "--allow-ffi", "--allow-run"), {
    env: { PATH: "/no" },
  });
  assertEquals([missing.code, missing.stdout], [125, ""]);
  const last = missing.stderr.trim().split("\n").at(-1)!;
  assertEquals(last, "minicontainer: native library: cannot be built: cargo is not on PATH; install Rust (rustup.rs)");
});

testWithCargo("without a library and with an --allow-run that lacks cargo one line says what to do", async () => {
  await using project = await freshProject();
  const limited = await output(
    Deno.execPath(),
    runs(project.path, "--no-prompt", "--allow-ffi", "--allow-run=/bin/echo"),
  );
  assertEquals(limited.code, 125);
  assertStringIncludes(
    limited.stderr,
    'native library: is not built, and --allow-run lacks cargo: run "deno task build"',
  );
});

testWithCargo("deno task compile puts the library into the binary", async () => {
  using temp = tempFolder();
  const folder = temp.path;
  const compile = ["run", "-A", `${PROJECT}scripts/compile.ts`, `${folder}/minicontainer`];
  // Any executable stands in for denort, to which the program is appended.
  const made = await output(Deno.execPath(), compile, { env: { DENORT_BIN: "/bin/true" } });
  assertEquals(made.code, 0, made.stderr);
  const [binary, library] = await Promise.all([
    Deno.readFile(`${folder}/minicontainer`),
    Deno.readFile(`${PROJECT}${LIBRARY}`),
  ]);
  assert(contains(binary, library), "the binary has the library's bytes");
});

testWithCargo("deno task compile says in one line that denort cannot be had", async () => {
  using temp = tempFolder();
  const folder = temp.path;
  const compile = ["run", "-A", `${PROJECT}scripts/compile.ts`, `${folder}/minicontainer`];
  const env = { HTTPS_PROXY: "http://127.0.0.1:9", HTTP_PROXY: "http://127.0.0.1:9", DENO_DIR: `${folder}/cache` };
  const { code, stderr } = await output(Deno.execPath(), compile, { env });
  assert(code !== 0);
  const last = stderr.trim().split("\n").at(-1)!;
  assertStringIncludes(
    last,
    "cannot compile: denort cannot be downloaded; connect to dl.deno.land, or set DENORT_BIN",
  );
  assertEquals([...Deno.readDirSync(folder)].some(({ name }) => name === "minicontainer"), false);
});

testWithCargo("deno task install makes a command that needs neither HOME nor PATH", async () => {
  using temp = tempFolder();
  const command = await installed(`${temp.path}/a b`);
  const bare = (...args: string[]) => output("env", ["-i", command, ...args], { cwd: "/" });
  assertEquals(await bare("/bin/echo", "hello"), { code: 0, stdout: "hello\n", stderr: "" });
  const containers = `${temp.path}/containers`;
  assertEquals(await bare("--root", containers, "list", "--quiet"), { code: 0, stdout: "", stderr: "" });
  assertMatch((await bare("--root", containers, "state", "x")).stderr, /container "x" does not exist/);
  const own = await output("env", ["-i", "A=1", "PATH=/bin:/usr/bin", "DENO_DIR=/own", command, "/usr/bin/env"]);
  assertEquals(own.stdout.trim().split("\n").sort(), ["A=1", "DENO_DIR=/own", "PATH=/bin:/usr/bin"]);
});

testWithCargo("the installed command hands on each argument and each entry of the environment as it is", async () => {
  using temp = tempFolder();
  const command = `${temp.path}/linked`;
  await Deno.symlink(await installed(`${temp.path}/prefix`), command);
  const run = (args: string[], env: Record<string, string>) => output(command, args, { clearEnv: true, env });

  const words = ["a  b", "", "'\"$(x)\\", "two\nlines\n", "ü", "--", "-x", "w".repeat(100_000)];
  assertEquals((await run(["/usr/bin/printf", "%s\\0", ...words], {})).stdout.split("\0"), [...words, ""]);

  const many = Array.from({ length: 5_000 }, (_, place) => [`NAME_${place}`, `${place}`]);
  const env = {
    ...Object.fromEntries(many),
    LONG: "v".repeat(100_000),
    LINES: "1\n2=3\n",
    EMPTY: "",
    DENO_DIR: "/its own",
    DENO_NO_UPDATE_CHECK: "0",
  };
  const { stdout, stderr } = await run(["/usr/bin/env", "-0"], env);
  const wanted = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  assertEquals([stdout.split("\0").slice(0, -1).sort(), stderr], [wanted.sort(), ""]);
});

testWithCargo("the installed command refuses an argument that is no text", async () => {
  using temp = tempFolder();
  const command = await installed(temp.path);
  const told = await output("sh", ["-c", `exec "$0" /bin/echo "$(printf 'a\\377')"`, command]);
  const line = 'minicontainer: an argument is not UTF-8: "a\\xFF"\n';
  assertEquals(told, { code: 125, stdout: "", stderr: line });
});

testWithCargo("the installed command says in one line that what it prints cannot be written", async () => {
  using temp = tempFolder();
  const command = await installed(temp.path);
  const told = await output("sh", ["-c", 'exec "$0" --version >/dev/full', command]);
  assertEquals(told, {
    code: 125,
    stdout: "",
    stderr: "minicontainer: cannot write to stdout: no space left on device\n",
  });
});

testWithCargo("the installed command hands on its limit on open files, which it has not raised", async () => {
  using temp = tempFolder();
  const command = await installed(temp.path);
  const shown = async (limit: string) => {
    const { stdout } = await output("prlimit", [
      `--nofile=${limit}`,
      command,
      "/bin/sh",
      "-c",
      "ulimit -Sn; ulimit -Hn",
    ]);
    return stdout;
  };
  assertEquals(await shown("700:700"), "700\n700\n");
  assertEquals(await shown("700:900"), "700\n900\n");
});

testWithCargo("deno task pack makes a package of npm with the library and the command", async () => {
  using temp = tempFolder();
  const made = await output(Deno.execPath(), ["run", "-A", `${PROJECT}scripts/pack.ts`, `${temp.path}/package.tgz`]);
  assertEquals(made.code, 0, made.stderr);
  assertEquals((await output("tar", ["-xzf", `${temp.path}/package.tgz`, "-C", temp.path])).code, 0);
  const folder = `${temp.path}/package`;
  const { bin } = JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
  await Deno.symlink(`${folder}/${bin.minicontainer}`, `${temp.path}/linked`);
  const env = { PATH: "/usr/bin:/bin" };
  assertEquals((await output(`${temp.path}/linked`, ["/bin/echo", "hello"], { env })).stdout, "hello\n");
  assert(exists(`${folder}/mod.js`) && exists(`${folder}/${LIBRARY}`));
  const listed = await output(`${temp.path}/linked`, ["--root", `${temp.path}/none`, "list", "-q"], { env });
  assertEquals(listed, { code: 0, stdout: "", stderr: "" });
});

function contains(bytes: Uint8Array, part: Uint8Array): boolean {
  for (let start = bytes.indexOf(part[0]); start !== -1; start = bytes.indexOf(part[0], start + 1)) {
    if (part.every((byte, index) => bytes[start + index] === byte)) return true;
  }
  return false;
}
