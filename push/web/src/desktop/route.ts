/** Which conversation is open, in the address: back and forward work, a reload comes back. */

import { signal } from "@preact/signals";

export type Route = { kind: "none" } | { kind: "item"; id: string } | { kind: "case"; number: number };

function read(): Route {
  const [, kind, value] = location.hash.split("/");
  if (kind === "item" && value) return { kind, id: decodeURIComponent(value) };
  if (kind === "case" && Number(value) > 0) return { kind, number: Number(value) };
  return { kind: "none" };
}

export const route = signal<Route>(read());
addEventListener("hashchange", follow);

function follow(): void {
  const next = read();
  if (JSON.stringify(next) !== JSON.stringify(route.peek())) route.value = next;
}

/** At once: the browser tells of a new address only later, and a key may be quicker. */
function go(address: string): void {
  location.hash = address;
  follow();
}

export function openItem(id: string): void {
  go(`/item/${encodeURIComponent(id)}`);
}

export function openCase(number: number): void {
  go(`/case/${number}`);
}

export function closeConversation(): void {
  if (route.value.kind === "none") return;
  history.pushState(null, "", location.pathname + location.search);
  route.value = { kind: "none" };
}
