import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Canned, Letter } from "../src/api/wordings";
import { canonical, exampled, faultsOf, languagesOf, newRow, PLACEHOLDERS, putIn, rowsOf, searched, strangersIn, textsFrom } from "../src/wordings/texts";

test("what may stand in braces is what the node knows, in its order", () => {
  const source = readFileSync(new URL("../../../gateway/core/rules/texts.py", import.meta.url), "utf8");
  const listed = /PLACEHOLDERS = \(([^)]*)\)/.exec(source)![1]!;
  expect(PLACEHOLDERS).toEqual([...listed.matchAll(/"(\w+)"/g)].map((found) => found[1]));
});

test.each([null, "Hello", { "": "Hello", de: "Hallo", "pt-BR": "Olá" }])("texts come back from the form as they went in: %j", (texts) => {
  expect(textsFrom(rowsOf(texts))).toEqual(texts);
});

test("what is empty is left out, and a tag is written as the standard has it", () => {
  expect(textsFrom([newRow("", " "), newRow("PT-br", "Olá")])).toEqual({ "pt-BR": "Olá" });
  expect(textsFrom([newRow("de", "")])).toBeNull();
  expect([canonical("zh-hant"), canonical("two words"), canonical("")]).toEqual(["zh-Hant", null, ""]);
});

test("a language that is none, or that stands there twice, is found at its row", () => {
  const rows = [newRow("de"), newRow("DE"), newRow("german!"), newRow(""), newRow("")];
  expect([...faultsOf(rows)]).toEqual([
    [rows[1]!.id, "twice"],
    [rows[2]!.id, "not_a_tag"],
    [rows[4]!.id, "twice"],
  ]);
});

test("names in braces are shown by example, and those that nothing is known for are told once", () => {
  expect(exampled("Dear {customer}, {who} of {queue}")).toBe("Dear Ana García, {who} of General");
  expect(strangersIn("{who} {customer} {who} {answer} {}", ["answer"])).toEqual(["who"]);
});

test("a name is put where the caret is, in place of what is chosen", () => {
  expect(putIn("Dear you,", 5, 8, "{customer}")).toEqual({ text: "Dear {customer},", caret: 15 });
});

const reply = (name: string, more: Partial<Canned>): Canned => ({ name, label: "", shortcut: "", texts: "", queues: [], skills: [], kinds: [], ...more });

test("every word of a search must stand somewhere in it", () => {
  const list = [reply("where", { shortcut: "parcel", texts: { "": "On its way", de: "Unterwegs" } }), reply("thanks", { label: "Thank you", queues: ["billing"] })];
  const names = (wanted: string) => searched(list, wanted).map(({ name }) => name);
  expect([names(""), names("UNTER /par"), names("thank billing"), names("thank parcel")]).toEqual([["where", "thanks"], ["where"], ["thanks"], []]);
  const letter: Letter = { name: "house", queues: [], opening: null, closing: null, signature: { de: "Mit Gruß" }, html: null, quote: false };
  expect(searched([letter], "gruß")).toEqual([letter]);
  expect(languagesOf(letter.opening, letter.signature, "x")).toEqual(["", "de"]);
});
