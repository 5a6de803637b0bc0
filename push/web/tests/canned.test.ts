import { expect, test } from "vitest";
import type { Canned, Letter } from "../src/api/wordings";
import { found, letterOf, slashAt, usable } from "../src/desktop/canned";

const reply = (name: string, more: Partial<Canned> = {}): Canned => ({
  name,
  label: "",
  shortcut: "",
  texts: name,
  queues: [],
  skills: [],
  kinds: [],
  ...more,
});
const item = { kind: "email" as const, queue: "billing", language: "es-AR" };

test("a slash at the beginning of a word asks for a canned reply, any other is text", () => {
  expect(slashAt("/", 1)).toEqual({ from: 0, query: "" });
  expect(slashAt("Hi /thank-you", 13)).toEqual({ from: 3, query: "thank-you" });
  expect(slashAt("a\n/grüße", 8)).toEqual({ from: 2, query: "grüße" });
  for (const text of ["and/or", "1/2", "/two words", "https://x", "/" + "x".repeat(60)]) expect(slashAt(text, text.length)).toBeNull();
});

test("only what is for the queue and kind is offered, in the nearest language", () => {
  const all = [
    reply("a", { texts: { "": "Hello", es: "Hola" } }),
    reply("b", { queues: ["sales"] }),
    reply("c", { kinds: ["webchat"] }),
    reply("d", { texts: { de: "Hallo" } }),
  ];
  expect(usable(all, item).map(({ canned, text }) => [canned.name, text])).toEqual([["a", "Hola"]]);
});

test("a shortcut is found before a name and a name before the text", () => {
  const list = [reply("text", { texts: "say hi" }), reply("hi-name"), reply("short", { shortcut: "hi" })].map((canned) => ({
    canned,
    text: String(canned.texts),
  }));
  expect(found(list, "hi").map(({ canned }) => canned.name)).toEqual(["short", "hi-name", "text"]);
  expect(found(list, "zz")).toEqual([]);
});

test("the queue's own letter comes before the one for all", () => {
  const letter = (name: string, queues: string[]): Letter => ({ name, queues, opening: null, closing: null, signature: null, html: null, quote: false });
  const all = [letter("house", []), letter("own", ["billing"])];
  expect(letterOf(all, "billing")?.name).toBe("own");
  expect(letterOf(all, "sales")?.name).toBe("house");
  expect(letterOf([], "sales")).toBeNull();
});
