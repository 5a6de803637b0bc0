/** When an item is due, for what, and how pressing that is. */

import type { ClockView, ItemView } from "../protocol";

const SOON = 3_600_000;

export interface DueTime {
  at: string;
  /** Milliseconds from now; below 0: late. */
  left: number;
  tone: "" | "warn" | "bad";
  /** The clock of the service level that is due then; null: a date that who filed the work asked for. */
  clock: ClockView["clock"] | null;
}

/** The nearest due time of an item. A clock presses once it has warned, a date within the hour. */
export function dueOf(item: Pick<ItemView, "due_at" | "service">, now: number): DueTime | null {
  if (!item.due_at) return null;
  const left = Date.parse(item.due_at) - now;
  const rings = item.service?.clocks.find((one) => one.running && one.due_at === item.due_at);
  const soon = rings ? rings.warned_at !== undefined : left < SOON;
  return { at: item.due_at, left, tone: left <= 0 ? "bad" : soon ? "warn" : "", clock: rings?.clock ?? null };
}
