/** Items put aside until the customer writes, or until what is owed is due. */

import { computed, signal } from "@preact/signals";
import { items as findItems } from "../api/resources";
import type { ItemView } from "../protocol";
import { desk } from "./store";

/** Put aside, or owed at a time that has not come: not to be worked on now. */
export const aside = ({ state, promise, callback }: ItemView): boolean =>
  state === "held" || (state === "scheduled" && Boolean(promise ?? callback));

const loaded = signal<readonly ItemView[]>([]);

export const held = computed(() => {
  const here = Object.values(desk.value.items).filter(aside);
  const elsewhere = loaded.value.filter((item) => !desk.value.items[item.id]);
  return [...here, ...elsewhere];
});

export async function loadHeld(agent: string): Promise<void> {
  const { items } = await findItems({ state: "held", agent, limit: 100 });
  loaded.value = items;
}
