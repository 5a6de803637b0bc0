import { beforeEach, expect, test, vi } from "vitest";
import { en } from "../src/i18n/en";
import { es } from "../src/i18n/es";
import type { Key, Texts } from "../src/i18n/texts";
import { zh } from "../src/i18n/zh";

const LANGUAGES: [string, Texts][] = [
  ["es", es],
  ["zh", zh],
];
/** Screens and lines that stand in every language. */
const WHOLE = /^(live|wallboard|site|sites|waits_for|connection|signin|supervisor|act|setup|misrouted|misrouted_reason|misrouted_how|report|measure|review|peers|macro|palette|canned|letter|mail|file|composer|attach|attached|original|signs|event|wording|withheld|withheld_of|withheld_what|mailset|mailbox|ring|policy|choice|hours|promise|rules|on|when|then|try)\./;

const holes = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal("navigator", { languages: ["es-MX"] });
  vi.stubGlobal("document", { documentElement: { lang: "" } });
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  });
});

test.each(LANGUAGES)("%s fills in what English does, and has no word that English has not", (_, texts) => {
  for (const [key, text] of Object.entries(texts)) {
    expect(en, key).toHaveProperty([key]);
    expect(holes(text), key).toEqual(holes(en[key as Key]));
  }
});

test.each(LANGUAGES)("%s has the supervisor's screens and what a desktop says while it waits", (_, texts) => {
  const missing = Object.keys(en).filter((key) => WHOLE.test(key) && !(key in texts));
  expect(missing).toEqual([]);
});

test("what a node waits for is said in the reader's language, by its code, or as the node said it", async () => {
  const { setLocale, wordOr } = await import("../src/i18n");
  await setLocale("es");
  expect(wordOr("waits_for", "database", "the database does not answer")).toBe("la base de datos no responde");
  expect(wordOr("waits_for", "of_next_year", "the moon is full")).toBe("the moon is full");
  expect(wordOr("waits_for", "", "the moon is full")).toBe("the moon is full");
});
