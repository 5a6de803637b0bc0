/**
 * Which node REST asks: the one that serves this tab, else its peers, else the page's own address.
 *
 * The page may outlive the node that it was loaded from. What is known of the others is kept for
 * this tab, as long as its token is.
 */

import { signal } from "@preact/signals";
import { readStored, writeStored } from "../ui/storage";

const KEY = "switchroom.nodes";
const ENDPOINT = "/agent/v1";
/** The page's own address. */
const HERE = "";
const tab = () => sessionStorage;

let bases: readonly string[] = [HERE];

/** The desktop's connection is being mended: what only reads waits rather than fails. */
export const healing = signal(false);

/** `wss://host/agent/v1` → `https://host`; the page's own address is the empty one. */
export function baseOf(url: string, page: string = location.origin): string {
  const base = url.replace(/^ws/, "http").replace(/\/$/, "");
  const bare = base.endsWith(ENDPOINT) ? base.slice(0, -ENDPOINT.length) : base;
  return bare === page ? HERE : bare;
}

/** These are known, by their `/agent/v1`; the first one serves us. */
export function noteNodes(urls: readonly string[]): void {
  bases = [...new Set([...urls.map((url) => baseOf(url)), HERE])];
  writeStored(KEY, urls, tab);
}

/** For a page without a connection of its own: there are others, should this one's node be gone. */
export function noteOthers(urls: readonly string[]): void {
  bases = [...new Set([...bases, ...urls.map((url) => baseOf(url))])];
}

/** As `noteNodes` was told them, before this page was loaded too. */
export function keptNodes(): string[] {
  const kept = readStored<unknown>(KEY, [], tab);
  return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
}

export function forgetNodes(): void {
  bases = [HERE];
  writeStored(KEY, null, tab);
}

/** Where to ask: each second try goes to another one. */
export function baseFor(attempt: number): string {
  const others = bases.slice(1);
  if (attempt % 2 === 0 || others.length === 0) return bases[0]!;
  return others[((attempt - 1) / 2) % others.length]!;
}

export const hasOthers = () => bases.length > 1;

/** This one has answered where the first did not: it is asked first from now on. */
export function preferBase(base: string): void {
  if (bases[0] !== base) bases = [base, ...bases.filter((one) => one !== base)];
}
