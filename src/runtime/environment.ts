/** The environment that a program inherits. */

import type { Spec } from "../spec/types.ts";

/**
 * The spec with this process's environment written out, where it is to be inherited and we may read it.
 *
 * The library could read it too, and does where Deno won't let us, but not while a Worker sets a variable: `setenv(3)`
 * moves what the library would be reading, and the lock that Deno takes against that is Deno's own.
 */
export function withEnvironment(spec: Spec): Spec {
  const { inheritEnv } = spec.minicontainer ?? {};
  if (!inheritEnv || Deno.permissions.querySync({ name: "env" }).state !== "granted") return spec;
  const inherited = Object.entries(Deno.env.toObject()).map(([name, value]) => `${name}=${value}`);
  return {
    ...spec,
    process: { ...spec.process, env: inherited.concat(spec.process.env ?? []) },
    minicontainer: { ...spec.minicontainer, inheritEnv: false },
  };
}
