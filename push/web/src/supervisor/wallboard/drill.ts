/** What a number leads to: the items or the people behind it. */

import { signal } from "@preact/signals";
import { agents as agentsPage, type AgentAtWork, items } from "../../api/resources";
import type { ChannelKind, ItemState, ItemView } from "../../protocol";

export type StaffState = "ready" | "busy" | "wrap_up" | "closed" | "not_ready" | "offline";

export type Drill =
  | { what: "items"; states: ItemState[]; queue?: string; kind?: ChannelKind; by?: "due" | "overdue" | "callback" | "promise"; title: string }
  | { what: "agents"; state: StaffState; reason?: string; title: string };

export const drill = signal<Drill | null>(null);

export const WAITING: ItemState[] = ["queued", "offered"];
export const WORKED: ItemState[] = ["assigned", "wrapping"];
export const OPEN: ItemState[] = [...WAITING, ...WORKED, "held", "scheduled"];
const SOON_MS = 1_800_000;

type Items = Extract<Drill, { what: "items" }>;

/** Whether an item is among those that the number counts. */
export function counts(item: ItemView, { kind, by }: Items, now: number): boolean {
  if (kind && item.kind !== kind) return false;
  if (by === "callback") return Boolean(item.callback);
  if (by === "promise") return Boolean(item.promise);
  if (!by) return true;
  const left = item.due_at ? Date.parse(item.due_at) - now : NaN;
  return by === "overdue" ? left <= 0 : left > 0 && left <= SOON_MS;
}

/** The items behind a number, who has waited longest first; at most 200 of each state. */
export async function itemsOf(wanted: Items, now: number): Promise<ItemView[]> {
  const pages = await Promise.all(wanted.states.map((state) => items({ state, queue: wanted.queue ?? "", limit: 200 })));
  const since = (item: ItemView) => item.queued_at ?? item.created_at;
  return pages
    .flatMap((page) => page.items)
    .filter((item) => counts(item, wanted, now))
    .sort((a, b) => since(a).localeCompare(since(b)));
}

/** How an agent is, as the wallboard counts it. */
export function stateOf(agent: AgentAtWork, held: readonly ItemView[]): StaffState {
  if (!agent.connected) return "offline";
  if (agent.presence !== "ready") return "not_ready";
  const mine = held.filter((item) => item.agent === agent.name);
  if (mine.some(({ state }) => state === "assigned")) return "busy";
  if (mine.length > 0) return "wrap_up";
  return agent.closed ? "closed" : "ready";
}

export interface Person {
  agent: AgentAtWork;
  held: ItemView[];
}

/** The people behind a number, of the first 200 agents by name. */
export async function peopleOf({ state, reason }: Extract<Drill, { what: "agents" }>): Promise<Person[]> {
  const [people, ...pages] = await Promise.all([agentsPage(), ...WORKED.map((one) => items({ state: one, limit: 200 }))]);
  const held = pages.flatMap((page) => page.items);
  return people.items
    .filter((agent) => agent.active && (state !== "offline" || agent.role === "agent"))
    .filter((agent) => stateOf(agent, held) === state && (reason === undefined || agent.reason === reason))
    .map((agent) => ({ agent, held: held.filter((item) => item.agent === agent.name) }));
}
