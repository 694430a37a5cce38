/** What systemd hands to a service's first process, which a container is to have: `sd_listen_fds(3)`, `sd_notify(3)`. */

import { callLife, callLifeHere } from "../../native/life.ts";
import { hostOf, look, type Place } from "./store.ts";

/** What this process was handed. */
export interface Handed {
  /** So many sockets stand behind stderr. */
  sockets: number;
  /** Somebody waits to hear that the service is ready. */
  isAwaited: boolean;
}

/** What this process was handed; nothing where another process was, and the variables are left of that. */
export function handed(): Handed {
  const names = ["LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET"];
  const { variables } = callLifeHere<{ variables: string[] }>("environment", { names });
  const value = (name: string) => variables.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
  const isOurs = value("LISTEN_PID") === String(hostOf({ root: "/" }).pid);
  const sockets = isOurs && /^\d{1,4}$/.test(value("LISTEN_FDS")) ? Number(value("LISTEN_FDS")) : 0;
  return { sockets, isAwaited: /^[@/]/.test(value("NOTIFY_SOCKET")) };
}

/** What a program is told of the sockets: it is PID 1, or takes itself for it. */
export function listening({ sockets }: Handed): string[] {
  return sockets === 0 ? [] : [`LISTEN_FDS=${sockets}`, "LISTEN_PID=1"];
}

/**
 * Has `start` start a container.
 *
 * @returns waits until the container says that it is ready, which is handed on then, or has ended; at once where nobody
 * wants to know
 */
export async function startAwaited(place: Place, start: () => Promise<void>): Promise<() => Promise<void>> {
  const { socket } = await callLife<{ socket: number | null }>("notify.open", { ...place });
  await start();
  if (socket === null) return () => Promise.resolve();
  const { pid, startTime } = (await look(place)).state;
  return async () => void await callLife("notify.pass", { socket, process: { pid, startTime } });
}
