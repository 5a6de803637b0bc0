/** What an agent can do from a button, a menu and a key alike. */

import { batch, computed, signal } from "@preact/signals";
import { t } from "../i18n";
import type { Accept, CustomerBrief, Decline, ItemView, NotForMe, OfferView, Park, Reopen, Resume, State, TagCase } from "../protocol";
import { say } from "../ui/toast";
import type { Draft } from "./drafts";
import { aside } from "./held";
import { closeConversation, openItem, route } from "./route";
import { byAge, desk, offers, order, tell } from "./store";

/** The dialog that is open, if any. */
export const dialog = signal<
  | { kind: "none" }
  | { kind: "keys" }
  | { kind: "new" }
  | { kind: "transfer"; item: ItemView }
  | { kind: "why"; item: ItemView }
  | { kind: "promise"; item: ItemView }
  | { kind: "callback"; item: ItemView }
  | { kind: "not_for_me"; offer: OfferView }
  | { kind: "merge"; number: number; customer: CustomerBrief | null }
  | { kind: "split"; number: number; queue: string }
  | { kind: "separate"; number: number; gone: number }
  | { kind: "palette"; item: ItemView | null }
>({ kind: "none" });

export const closeDialog = () => void (dialog.value = { kind: "none" });

/** Shows the wrap-up form on an item that is still in conversation. */
export const closing = signal<string | null>(null);
/** On narrow and middle screens the customer's panel opens over the conversation. */
export const customerOpen = signal(false);

export const REASONS = ["break", "lunch", "meeting", "training", "paperwork"] as const;

export function goReady(): void {
  tell<State>({ t: "state", state: "ready" });
}

export function goNotReady(reason: string): void {
  tell<State>({ t: "state", state: "not_ready", reason });
}

export function toggleReady(): void {
  if (desk.value.state?.state === "ready") goNotReady("break");
  else goReady();
}

/** Offers that this tab has answered: the card goes at once, the node's word follows. */
export const answered = signal<ReadonlySet<string>>(new Set());

function answer(offer: string, on: boolean): void {
  const next = new Set(answered.value);
  if (on) next.add(offer);
  else next.delete(offer);
  answered.value = next;
}

/** What was accepted here and is not confirmed yet: it is shown, and may be written to, at once. */
const taking = signal<Readonly<Record<string, ItemView>>>({});

/** An item of this agent's, by id. */
export function itemOf(id: string): ItemView | undefined {
  const known = desk.value.items[id];
  return known && !aside(known) ? known : (taking.value[id] ?? known);
}

/** What is in hand or about to be, oldest first. */
export const mine = computed(() => {
  const ids = new Set([...Object.keys(desk.value.items), ...Object.keys(taking.value)]);
  return [...ids].map((id) => itemOf(id)!).filter((item) => !aside(item)).sort(byAge);
});

/** Whose composer takes the focus as soon as it can, and in which mode (null: as its draft is). */
export const writing = signal<{ item: string; mode: Draft["mode"] | null } | null>(null);

/** Opens an item to write in: no key after this may reach another item's text. */
export function write(item: string, mode: Draft["mode"] | null = null): void {
  batch(() => {
    writing.value = { item, mode };
    openItem(item);
  });
}

/** Where a keyboard on the glass would rise and cover the page, nobody has asked for it. */
const onGlass = matchMedia("(hover: none) and (pointer: coarse)");

export async function accept(offer: OfferView): Promise<void> {
  const { item } = offer;
  batch(() => {
    answer(offer.offer, true);
    taking.value = { ...taking.value, [item.id]: item };
    if (onGlass.matches) openItem(item.id);
    else write(item.id);
  });
  try {
    await order<Accept>({ t: "accept", offer: offer.offer });
  } catch {
    answer(offer.offer, false);
  } finally {
    const { [item.id]: _settled, ...rest } = taking.value;
    taking.value = rest;
  }
}

export async function decline(offer: OfferView, reason = "", misrouted: NotForMe | null = null): Promise<void> {
  answer(offer.offer, true);
  try {
    await order<Decline>({ t: "decline", offer: offer.offer, reason, misrouted });
  } catch {
    answer(offer.offer, false);
  }
}

export function firstOffer(): OfferView | undefined {
  return offers.value.find((offer) => !answered.value.has(offer.offer));
}

export async function park(item: ItemView): Promise<void> {
  await order<Park>({ t: "park", item: item.id });
  say(t("item.parked", { number: item.number }));
}

export async function resume(itemId: string): Promise<void> {
  await order<Resume>({ t: "resume", item: itemId });
  openItem(itemId);
}

export async function reopen(caseId: string): Promise<void> {
  const { body } = await order<Reopen>({ t: "reopen", case: caseId });
  if (typeof body.item === "string") openItem(body.item);
}

export function tag(caseId: string, add: string[], remove: string[]): void {
  tell<TagCase>({ t: "tag", case: caseId, add, remove });
}

export function openedItem(): ItemView | undefined {
  const here = route.value;
  return here.kind === "item" ? desk.value.items[here.id] : undefined;
}

/** The next (1) or previous (-1) item of the list; whoever was writing goes on writing there. */
export function step(by: number): void {
  const list = mine.value;
  if (list.length === 0) return;
  const here = route.value;
  const index = here.kind === "item" ? list.findIndex((item) => item.id === here.id) : -1;
  const next = index < 0 ? (by > 0 ? 0 : list.length - 1) : (index + by + list.length) % list.length;
  const { id } = list[next]!;
  if (document.activeElement?.closest(".composer")) write(id);
  else openItem(id);
}

export function escape(): void {
  if (closing.value) closing.value = null;
  else if (customerOpen.value) customerOpen.value = false;
  else closeConversation();
}
