/**
 * Plans broken and random specs, more of them than the tests do, and with a build that is quicker at it.
 *
 * Usage: deno task fuzz [CASES] [SEED]
 */

import { run, say } from "./support.ts";

const USUAL_CASES = "1000000";

const [cases = USUAL_CASES, seed = String(Date.now())] = Deno.args;
if (![cases, seed].every((text) => /^\d{1,18}$/.test(text))) {
  say("Usage: deno task fuzz [CASES] [SEED]");
  Deno.exit(2);
}
Deno.env.set("FUZZ_CASES", cases);
Deno.env.set("FUZZ_SEED", seed);
say(`${cases} cases from seed ${seed} on`);
const cargo = ["cargo", "test", "--quiet", "--locked", "--profile", "fuzz", "--package", "minicontainer"];
const { code } = await run([...cargo, "--test", "fuzz_plan", "--", "--nocapture"]);
Deno.exit(code);
