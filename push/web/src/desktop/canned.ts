/** Finding a canned reply by typing a slash: pure, so that it can be tried without a page. */

import type { Canned, Letter } from "../api/wordings";
import type { ItemView } from "../protocol";
import { nearest } from "./macros";

/** A slash at the beginning of a word, and what was typed behind it. */
export interface Slash {
  /** Where the slash stands. */
  from: number;
  query: string;
}

const LONGEST = 40;

/** The slash that the caret is behind, if one is being typed: "/", "/hel", not "and/or", not "1/2". */
export function slashAt(text: string, caret: number): Slash | null {
  const before = text.slice(Math.max(0, caret - LONGEST - 1), caret);
  const found = /(?:^|\s)\/([\p{L}\p{N}_.-]*)$/u.exec(before);
  if (!found) return null;
  return { from: caret - found[1]!.length - 1, query: found[1]! };
}

type About = Pick<ItemView, "kind" | "queue" | "language">;

/** Those for such an item, with their text in the nearest language there is. */
export function usable(known: readonly Canned[], item: About): { canned: Canned; text: string }[] {
  return known.flatMap((canned) => {
    const { queues, kinds, texts } = canned;
    const fits = (queues.length === 0 || queues.includes(item.queue)) && (kinds.length === 0 || kinds.includes(item.kind));
    const text = fits ? nearest(texts, item.language) : null;
    return text === null ? [] : [{ canned, text }];
  });
}

/** Where `query` stands: the shortcut from its beginning first, then names, then the text. */
export function found<T extends { canned: Canned; text: string }>(list: readonly T[], query: string): T[] {
  const wanted = query.toLowerCase();
  if (!wanted) return [...list];
  const rank = ({ canned: { shortcut, name, label }, text }: T) => {
    if (shortcut.toLowerCase().startsWith(wanted)) return 0;
    if (`${label} ${name}`.toLowerCase().includes(wanted)) return 1;
    return text.toLowerCase().includes(wanted) ? 2 : 3;
  };
  return list
    .map((one) => ({ one, rank: rank(one) }))
    .filter((one) => one.rank < 3)
    .sort((a, b) => a.rank - b.rank)
    .map(({ one }) => one);
}

/** The queue's own letter, else the one for all queues. */
export function letterOf(letters: readonly Letter[], queue: string): Letter | null {
  const own = letters.find(({ queues }) => queues.includes(queue));
  return own ?? letters.find(({ queues }) => queues.length === 0) ?? null;
}
