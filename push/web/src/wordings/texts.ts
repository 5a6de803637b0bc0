/** Texts in several languages while they are edited: pure, so that it can be tried without a page. */

import type { Canned, Letter, Texts } from "../api/wordings";

/** What may stand in braces, as the node knows it, and an example of each. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  customer: "Ana García",
  agent: "Sam Okafor",
  number: "1000123",
  subject: "Where is my parcel?",
  queue: "General",
  category: "Delivery",
  ticket_url: "https://support.example.com/t/…",
};
export const PLACEHOLDERS = Object.keys(EXAMPLES);

/** One language's text; `tag` is empty for the one that is taken where no other fits. */
export interface Row {
  id: number;
  tag: string;
  text: string;
}

let made = 0;
export const newRow = (tag: string, text = ""): Row => ({ id: ++made, tag, text });

export function rowsOf(texts: Texts | null): Row[] {
  if (texts === null) return [];
  if (typeof texts === "string") return [newRow("", texts)];
  const tags = Object.keys(texts).sort();
  return tags.map((tag) => newRow(tag, texts[tag]));
}

/** As the node takes it: a plain text where there is only one for all, nothing for nothing. */
export function textsFrom(rows: readonly Row[]): Texts | null {
  const said = rows.filter(({ text }) => text.trim() !== "");
  if (said.length === 0) return null;
  if (said.length === 1 && said[0]!.tag === "") return said[0]!.text;
  return Object.fromEntries(said.map(({ tag, text }) => [canonical(tag) ?? tag, text]));
}

/** A language's tag as BCP 47 writes it; `null`: it is none. */
export function canonical(tag: string): string | null {
  if (tag === "") return "";
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? null;
  } catch {
    return null;
  }
}

export type RowFault = "not_a_tag" | "twice";

/** What is wrong with the languages, by the row's id. */
export function faultsOf(rows: readonly Row[]): Map<number, RowFault> {
  const seen = new Set<string>();
  const faults = new Map<number, RowFault>();
  for (const { id, tag } of rows) {
    const known = canonical(tag.trim());
    if (known === null) faults.set(id, "not_a_tag");
    else if (seen.has(known.toLowerCase())) faults.set(id, "twice");
    else seen.add(known.toLowerCase());
  }
  return faults;
}

const IN_BRACES = /\{(\w+)\}/g;

/** The names in braces that nothing is known for, each once. */
export function strangersIn(text: string, also: readonly string[] = []): string[] {
  const names = [...text.matchAll(IN_BRACES)].map((found) => found[1]!);
  return [...new Set(names)].filter((name) => !Object.hasOwn(EXAMPLES, name) && !also.includes(name));
}

/** The text with an example for each name that is known. */
export function exampled(text: string): string {
  return text.replace(IN_BRACES, (whole, name: string) => (Object.hasOwn(EXAMPLES, name) ? EXAMPLES[name]! : whole));
}

/** `word` put in place of what is chosen, and where the caret then stands. */
export function putIn(text: string, from: number, to: number, word: string): { text: string; caret: number } {
  return { text: text.slice(0, from) + word + text.slice(to), caret: from + word.length };
}

const tagsOf = (texts: Texts | null) => (texts === null ? [] : typeof texts === "string" ? [""] : Object.keys(texts));

/** Every language that one of them has; "" stands first. */
export function languagesOf(...all: (Texts | null)[]): string[] {
  return [...new Set(all.flatMap(tagsOf))].sort();
}

/** Those in which a word of the search stands: in its name, label, shortcut, texts or queues. */
export function searched<T extends Canned | Letter>(list: readonly T[], wanted: string): T[] {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  return list.filter((one) => {
    const texts = "texts" in one ? [one.texts] : [one.opening, one.closing, one.signature, one.html];
    const said = texts.flatMap((text) => (text === null ? [] : typeof text === "string" ? [text] : Object.values(text)));
    const heads = "texts" in one ? [one.label, `/${one.shortcut}`] : [];
    const all = [one.name, ...heads, ...one.queues, ...said].join("\n").toLowerCase();
    return words.every((word) => all.includes(word));
  });
}
