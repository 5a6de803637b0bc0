/** Texts. English is complete and typed; other languages fill in what they have. */

import { computed, signal } from "@preact/signals";
import { readStored, writeStored } from "../ui/storage";
import { en } from "./en";
import type { Key, Texts } from "./texts";

export type { Key } from "./texts";

const loaders: Record<string, () => Promise<Texts>> = {
  es: async () => (await import("./es")).es,
  zh: async () => (await import("./zh")).zh,
};
export const LANGUAGES: { tag: string; name: string }[] = [
  { tag: "en", name: "English" },
  { tag: "es", name: "Español" },
  { tag: "zh", name: "中文" },
];

const STORED = "switchroom.locale";

function preferred(): string {
  const wished = [readStored<string>(STORED, ""), ...navigator.languages];
  for (const tag of wished) {
    const base = tag.toLowerCase().split("-")[0]!;
    if (LANGUAGES.some((language) => language.tag === base)) return base;
  }
  return "en";
}

export const locale = signal("en");

/** The language of the page with the habits of the reader's region, for dates and numbers. */
export const region = computed(
  () => navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === locale.value) ?? locale.value,
);
const texts = signal<Texts>({});
const all = computed(() => ({ ...en, ...texts.value }));

/** Throws in the reader's words where the texts cannot be had. */
export async function setLocale(tag: string, keep = true): Promise<void> {
  const load = loaders[tag];
  const unreachable = () => Promise.reject(new Error(t("error.unreachable")));
  texts.value = load ? await load().catch(unreachable) : {};
  locale.value = tag;
  document.documentElement.lang = tag;
  if (keep) writeStored(STORED, tag);
}

/** Call before the first render. */
export async function startTexts(): Promise<void> {
  const tag = preferred();
  if (tag !== "en") await setLocale(tag, false).catch(() => undefined);
}

/** The text under a key, with `{name}` replaced. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const text = all.value[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  );
}

/** The text of a word that the node sent, or the word itself where we have none for it. */
export function word(group: string, value: string): string {
  return wordOr(group, value, value.replaceAll("_", " "));
}

/** The text of a word that the node sent, or what it said itself where we have none for it. */
export function wordOr(group: string, value: string, said: string): string {
  const key = `${group}.${value}`;
  return Object.hasOwn(all.value, key) ? t(key as Key) : said;
}
