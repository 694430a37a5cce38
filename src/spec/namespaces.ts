/** Which namespaces a configuration asks for. */

import { SpecError } from "../native/errors.ts";
import { absolute, flag, object } from "./check.ts";
import type { IsolationConfig, NamespaceConfig } from "./isolation_config.ts";
import type { Namespace, NamespaceKind } from "./types.ts";

/** A namespace's switch, and the fields that can't do without it. */
interface Rule {
  kind: NamespaceKind;
  enable: keyof NamespaceConfig;
  neededBy: readonly (keyof IsolationConfig)[];
}

/** In the order in which they are made: who owns the user namespace may make the others. */
const RULES: readonly Rule[] = [
  { kind: "user", enable: "enableUserNamespace", neededBy: ["uidMappings", "gidMappings"] },
  { kind: "pid", enable: "enablePidNamespace", neededBy: [] },
  {
    kind: "mount",
    enable: "enableMountNamespace",
    neededBy: ["rootfs", "volumes", "tmpfs", "mounts", "maskedPaths", "readonlyPaths", "rootfsPropagation"],
  },
  { kind: "network", enable: "enableNetworkNamespace", neededBy: [] },
  { kind: "uts", enable: "enableUtsNamespace", neededBy: ["hostname", "domainname"] },
  { kind: "ipc", enable: "enableIpcNamespace", neededBy: [] },
  { kind: "cgroup", enable: "enableCgroupNamespace", neededBy: [] },
  { kind: "time", enable: "enableTimeNamespace", neededBy: ["timeOffsets"] },
];

/** Those of `enableAllNamespaces`. */
const ALL: readonly NamespaceKind[] = ["pid", "mount", "network", "uts", "ipc", "cgroup"];

/** @throws {SpecError} where two fields contradict each other */
export function namespacesOf(config: IsolationConfig): Namespace[] {
  const joined = object("namespaces", config.namespaces ?? {});
  for (const kind of Object.keys(joined)) {
    if (!RULES.some((rule) => rule.kind === kind)) {
      throw new SpecError("namespaces", `${JSON.stringify(kind)} is no kind of namespace: ${kinds()}`);
    }
  }
  const all = flag("enableAllNamespaces", config.enableAllNamespaces) ?? false;
  return RULES.flatMap(({ kind, enable, neededBy }) => {
    const enabled = flag(enable, config[enable]);
    const needing = neededBy.find((field) => isAsked(config[field]));
    if (joined[kind] !== undefined) {
      const path = absolute(`namespaces.${kind}`, joined[kind]);
      if (enabled) throw new SpecError(`namespaces.${kind}`, `cannot be joined where ${enable} makes one`);
      // Who joins another's host name may set it; who mounted in another's tree would change it for all.
      if (needing === undefined || kind === "uts") return [{ type: kind, path }];
      throw new SpecError(needing, `needs a new namespace, and namespaces.${kind} joins one`);
    }
    if (needing !== undefined && enabled === false) {
      throw new SpecError(needing, `needs a namespace that ${enable} refuses`);
    }
    const isDefault = needing !== undefined || (all && ALL.includes(kind)) ||
      (kind === "pid" && config.rootfs !== undefined);
    return enabled ?? isDefault ? [{ type: kind }] : [];
  });
}

/** The field that asks for the namespace at a place of the spec's list. */
export function namespaceField(config: IsolationConfig, index: number): string {
  const { type, path } = namespacesOf(config)[index] ?? {};
  const rule = RULES.find(({ kind }) => kind === type);
  return rule === undefined || path !== undefined ? `namespaces.${type ?? index}` : rule.enable;
}

/** Whether one is made, not joined. */
export function isNew(namespaces: readonly Namespace[], kind: NamespaceKind): boolean {
  return namespaces.some(({ type, path }) => type === kind && path === undefined);
}

/** Whether a field asks for something. */
function isAsked(value: unknown): boolean {
  return value !== undefined && !(Array.isArray(value) && value.length === 0);
}

function kinds(): string {
  return RULES.map(({ kind }) => kind).join(", ");
}
