/** The pretend installation as supervisors see it: its nodes with their numbers, and the sites. */

import type { AlarmNow, LiveNow, LiveNumbers, NodeNow, QueueNow, SiteNow, SiteWish } from "../../src/api/resources.ts";
import type { ItemView } from "../../src/protocol.ts";
import { ago } from "./data.ts";
import { AGENTS_AT_WORK, QUEUES } from "./house.ts";

const HERE = "demo-1";
/** A second node, that works by itself. */
const THERE: NodeNow = {
  name: "demo-2",
  region: "west",
  age: 1.2,
  queues: [{ name: "general", waiting: 3, longest_wait: 74, offered: 1, in_hand: 6, ready: 2 }],
  agents: { connected: 9, ready: 2, busy: 6, closed: 0 },
};

const seconds = (since: string | null | undefined) => (since ? Math.max(0, Date.now() - Date.parse(since)) / 1000 : 0);

function here(items: readonly ItemView[]): NodeNow {
  const people = AGENTS_AT_WORK.filter(({ connected }) => connected);
  const ready = people.filter(({ presence, closed }) => presence === "ready" && !closed);
  const queues = QUEUES.map(({ name }): QueueNow => {
    const mine = items.filter(({ queue }) => queue === name);
    const waiting = mine.filter(({ state }) => state === "queued");
    return {
      name,
      waiting: waiting.length,
      longest_wait: Math.max(0, ...waiting.map(({ queued_at, created_at }) => seconds(queued_at ?? created_at))),
      offered: mine.filter(({ state }) => state === "offered").length,
      in_hand: mine.filter(({ state }) => state === "assigned" || state === "wrapping").length,
      ready: ready.length,
    };
  });
  const busy = new Set(items.filter(({ state }) => state === "assigned").map(({ agent }) => agent)).size;
  const closed = people.filter((one) => one.closed).length;
  return { name: HERE, region: "east", age: 0, queues, agents: { connected: people.length, ready: ready.length, busy, closed } };
}

function together(nodes: readonly NodeNow[]): LiveNumbers {
  const queues = QUEUES.map(({ name }) =>
    nodes
      .flatMap((node) => node.queues.filter((queue) => queue.name === name))
      .reduce((all, one) => ({
        name,
        waiting: all.waiting + one.waiting,
        longest_wait: Math.max(all.longest_wait, one.longest_wait),
        offered: all.offered + one.offered,
        in_hand: all.in_hand + one.in_hand,
        ready: all.ready + one.ready,
      })),
  );
  const sum = (part: keyof LiveNumbers["agents"]) => nodes.reduce((total, node) => total + node.agents[part], 0);
  return { queues, agents: { connected: sum("connected"), ready: sum("ready"), busy: sum("busy"), closed: sum("closed") } };
}

export function live(items: readonly ItemView[]): LiveNow {
  const nodes = [here(items), THERE];
  const alarms: AlarmNow[] = [{ queue: "general", threshold: "long", when: "longest_wait", value: 74, since: ago(130) }];
  return { ...together(nodes), nodes, alarms };
}

const site = (name: string, agents: number, connected: number): SiteNow => ({
  name, open_percent: 100, reason: "", in_hand: "keep", by: "", since: null, agents, closed: 0, connected, ready: Math.ceil(connected / 2),
});
const asBuilt = () => [site("berlin", 40, 12), site("lisbon", 25, 9)];
export let SITES = asBuilt();

export function change(name: string, wish: SiteWish): SiteNow | undefined {
  const found = SITES.find((one) => one.name === name);
  if (!found) return undefined;
  return Object.assign(found, {
    open_percent: wish.open_percent,
    reason: wish.open_percent < 100 ? (wish.reason ?? "") : "",
    in_hand: wish.in_hand ?? "keep",
    by: "sam",
    since: ago(0),
    closed: Math.ceil((found.agents * (100 - wish.open_percent)) / 100),
  });
}

export function reset(): void {
  SITES = asBuilt();
}
