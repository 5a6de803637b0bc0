/** Items put aside until the customer writes. The node keeps them out of the snapshot. */

import { computed, signal } from "@preact/signals";
import { items as findItems } from "../api/resources";
import type { ItemView } from "../protocol";
import { desk } from "./store";

const loaded = signal<readonly ItemView[]>([]);

export const held = computed(() => {
  const here = Object.values(desk.value.items).filter((item) => item.state === "held");
  const elsewhere = loaded.value.filter((item) => !desk.value.items[item.id]);
  return [...here, ...elsewhere];
});

export async function loadHeld(agent: string): Promise<void> {
  const { items } = await findItems({ state: "held", agent, limit: 100 });
  loaded.value = items;
}
