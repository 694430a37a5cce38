/** A container of Podman's, over one runtime and another. Run as a script, this module is the process that starts them. */

import { makeRootfs, makeStateFolder } from "./bundle.ts";
import { commandCase } from "./command.ts";
import { install } from "./installed.ts";
import { type Case, rowsOf } from "./measure.ts";
import { type Part, TIMES } from "./report.ts";
import { measuredCases, serveTimed, timed } from "./timed.ts";

const nameOf = (runtime: string) => `podman run --rm with ${runtime}`;
const OURS = nameOf("minicontainer");
const RUNC = nameOf("runc");
const BASELINES = [{ name: RUNC, column: "of runc's" }];

/** Measures `podman run --rm` with us and with others. */
export async function engine(rounds: number, folder: string): Promise<Part> {
  const { names, samples, skipped } = await timed(import.meta.url, rounds, folder);
  const rows = rowsOf(names, samples, BASELINES);
  return {
    tables: [{
      title: `An engine's container: start to end in µs, ${rounds} rounds`,
      columns: [...TIMES, ...BASELINES.map(({ column }) => ({ name: column, digits: 2 }))],
      rows,
      skipped,
    }],
    figures: [{
      what: `${OURS}: p50 of ${RUNC}'s`,
      value: rows.find(({ name }) => name === OURS)?.values[TIMES.length] ?? NaN,
      bound: "at most",
      limit: 1.2,
      digits: 3,
    }],
  };
}

async function cases(folder: string, state: string): Promise<Case[]> {
  const rootfs = await makeRootfs(folder);
  const runtimes = { minicontainer: await install(folder), runc: "runc", crun: "crun" };
  // Podman takes no longer path for `--runroot` than 50 characters.
  const own = ["--root", `${state}/root`, "--runroot", `${state}/run`, "--tmpdir", `${state}/tmp`];
  const ways = ["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none"];
  // No more than a container may have in which this runs.
  const limits = ["--network", "none", "--ulimit", "nofile=1000:1000", "--ulimit", "nproc=1000:1000"];
  return Object.entries(runtimes).map(([name, runtime]) =>
    commandCase(nameOf(name), () => [
      ...["podman", ...own, ...ways, "--runtime", runtime],
      ...["run", "--rm", ...limits, "--rootfs", rootfs, "/bin/true"],
    ])
  );
}

if (import.meta.main) {
  await serveTimed(async (rounds) => {
    await using state = await makeStateFolder();
    return await measuredCases(await cases(Deno.args[0], state.path), rounds);
  });
}
