/** Whether the node lives, watched from outside; and how long it was away. */

import { computed, signal } from "@preact/signals";
import { noteOthers } from "../api/nodes";
import { now } from "../ui/time";
import { demoKill, demoState, type DemoState } from "./api";

export const state = signal<DemoState | null>(null);
/** When this page noticed that the node is gone; null while it lives. */
export const downSince = signal<number | null>(null);
/** How long the last outage took, in ms. */
export const lastOutage = signal<number | null>(null);
export const failed = signal(false);

export const outage = computed(() => (downSince.value === null ? 0 : Math.max(0, now.value - downSince.value)));

let killed: number | null = null;

function note(next: DemoState): void {
  failed.value = false;
  if (next.nodes.length > 1) return noteSeveral(next);
  const before = state.value?.node?.pid ?? killed;
  state.value = { ...next, node: next.node ?? state.value?.node ?? null };
  const lives = next.node !== null && next.node.pid !== killed;
  if (!lives && downSince.value === null && (killed !== null || before !== undefined)) downSince.value = Date.now();
  if (lives && downSince.value !== null) {
    lastOutage.value = Date.now() - downSince.value;
    downSince.value = null;
    killed = null;
  }
}

/** With several nodes the demo itself goes on; each one's pulse is its own. */
function noteSeveral(next: DemoState): void {
  noteOthers(next.nodes.map(({ url }) => url));
  state.value = next;
}

async function look(): Promise<void> {
  try {
    note(await demoState());
  } catch {
    if (state.value === null) failed.value = true;
    else if (several()) return;
    else downSince.value ??= Date.now();
  }
}

export async function watch(): Promise<void> {
  for (;;) {
    await look();
    await new Promise((resolve) => setTimeout(resolve, downSince.value === null ? 1500 : 300));
  }
}

export const several = () => (state.value?.nodes.length ?? 1) > 1;

/** One of several. */
export async function killOne(name: string): Promise<void> {
  const current = state.value;
  if (current) {
    const nodes = current.nodes.map((node) => (node.name === name ? { ...node, pid: null } : node));
    state.value = { ...current, nodes };
  }
  await demoKill(name);
}

export async function kill(): Promise<void> {
  killed = state.value?.node?.pid ?? null;
  lastOutage.value = null;
  await demoKill();
  downSince.value = Date.now();
}
