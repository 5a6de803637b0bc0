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
addEventListener("hashchange", () => (route.value = read()));

export function openItem(id: string): void {
  location.hash = `/item/${encodeURIComponent(id)}`;
}

export function openCase(number: number): void {
  location.hash = `/case/${number}`;
}

export function closeConversation(): void {
  if (route.value.kind === "none") return;
  history.pushState(null, "", location.pathname + location.search);
  route.value = { kind: "none" };
}
