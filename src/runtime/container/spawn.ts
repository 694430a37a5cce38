/** Programs in a container that run beside this one. */

import { type ContainerExecConfig, specOfExec } from "../../spec/container_exec.ts";
import { sharedReactor } from "../reactor.ts";
import { checkSignal, NamespaceProcess } from "../spawn.ts";
import { enter } from "./exec.ts";
import type { Place } from "./store.ts";

/** Starts a program in a container, and returns at once. */
export async function execInContainer(place: Place, config: ContainerExecConfig): Promise<NamespaceProcess> {
  const { spec, extras } = specOfExec(config);
  checkSignal(config.signal);
  const container = await enter(place, { ...extras, ignorePaused: config.ignorePaused });
  config.signal?.throwIfAborted();
  const inside = { ...spec, minicontainer: { ...spec.minicontainer, container } };
  const reactor = sharedReactor();
  return new NamespaceProcess(reactor, reactor.spawn(inside), inside, config.signal);
}
