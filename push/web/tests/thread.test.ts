import { expect, test } from "vitest";
import { EMPTY, type Desk } from "../src/agent/state";
import { addresses, foldQuoted, linked } from "../src/desktop/mail";
import { speaker, thread } from "../src/desktop/thread";
import type { Message, Send } from "../src/protocol";

const message = (id: string, seq: number, part: Partial<Message> = {}): Message => ({
  id, seq, case: "case", direction: "out", author: { kind: "agent", name: "Anna", id: "anna", verified: true },
  at: "2026-03-02T09:00:00Z", channel: "site", kind: "webchat", item: "item", body: id, html: null, subject: "",
  to: [], cc: [], attachments: [], delivery: null, delivery_reason: "", external_id: "", client_id: "", fold_from: 0, ...part,
});
const send = (id: string): Send => ({ t: "send", id, item: "item", body: "on its way" });
const bodies = (lines: { message: Message }[]) => lines.map((line) => line.message.body);

test("what was loaded and what came by frame is one list, each message once", () => {
  const desk: Desk = { ...EMPTY, messages: { item: [message("b", 2), message("c", 3)] } };
  expect(bodies(thread([message("a", 1), message("b", 2)], desk, "item", "case", []))).toEqual(["a", "b", "c"]);
});

test("messages of another case stay out", () => {
  const desk: Desk = { ...EMPTY, messages: { other: [message("x", 1, { case: "another" })] } };
  expect(thread([], desk, "item", "case", [])).toEqual([]);
});

test("the last word about a delivery holds over the loaded row", () => {
  const desk: Desk = { ...EMPTY, deliveries: { a: { state: "failed", reason: "no such mailbox" } } };
  const [line] = thread([message("a", 1, { delivery: "queued" })], desk, "item", "case", []);
  expect(line?.message).toMatchObject({ delivery: "failed", delivery_reason: "no such mailbox" });
});

test("an unanswered command stands at the end as pending, until its message is there", () => {
  const waiting = thread([message("a", 1)], EMPTY, "item", "case", [send("cmd")]);
  expect(waiting.map((line) => line.pending)).toEqual([false, true]);
  const there = thread([message("a", 1), message("b", 2, { client_id: "cmd" })], EMPTY, "item", "case", [send("cmd")]);
  expect(there.map((line) => line.pending)).toEqual([false, false]);
});

test("a command for another item is not shown here", () => {
  expect(thread([], EMPTY, "other", "case", [send("cmd")])).toEqual([]);
});

test("a task's words are those of whoever filed it, never the customer's", () => {
  const filed = { kind: "task", direction: "in" } as const;
  const bot = { kind: "system", name: "crm", id: "", verified: true } as const;
  const old = { kind: "customer", name: "", id: "", verified: false } as const;
  expect(speaker(message("a", 1, { ...filed, author: bot }))).toBe("Filed by crm");
  expect(speaker(message("a", 1, { ...filed, author: old }))).toBe("Filed by another system");
  expect(speaker(message("a", 1, { kind: "email", direction: "in", author: old }))).toBe("Customer");
  expect(speaker(message("a", 1, { direction: "in", author: old }))).toBe("Anonymous visitor");
  expect(speaker(message("a", 1))).toBe("Anna");
});

test.each([
  ["Thanks.\n\nOn Mon, 2 Mar 2026, Support wrote:\n> Hello", "Thanks."],
  ["Gracias.\n\nEl lun, 2 mar 2026 a las 9:14, Support escribió:\n> Hola", "Gracias."],
  ["Danke.\n\nAm 02.03.2026 schrieb Support:\n> Hallo", "Danke."],
  ["Yes\n> do you agree?\n> really?", "Yes"],
])("what is only quoted is folded away: %j", (text, said) => {
  const folded = foldQuoted(text);
  expect(folded.said).toBe(said);
  expect(folded.quoted).not.toBe("");
});

test("where the node says from which line on text may be folded, that holds", () => {
  expect(foldQuoted("Yes.\r\n\r\n-- \r\nRosa", 2)).toEqual({ said: "Yes.", quoted: "-- \nRosa" });
  expect(foldQuoted("a\nb", 9)).toEqual({ said: "a\nb", quoted: "" });
});

test.each(["> only a quote", "no quote at all", "> a\nanswer below the quote"])("nothing is hidden of %j", (text) => {
  expect(foldQuoted(text)).toEqual({ said: text, quoted: "" });
});

test("addresses become links without the full stop behind them", () => {
  expect(linked("See https://example.com/a?b=1. Bye")).toEqual([
    { text: "See " },
    { text: "https://example.com/a?b=1", href: "https://example.com/a?b=1" },
    { text: ". Bye" },
  ]);
  expect(linked("javascript:alert(1)")).toEqual([{ text: "javascript:alert(1)" }]);
});

test("recipients may be parted by commas, semicolons and lines", () => {
  expect(addresses("a@example.com, b@example.com;\nc@example.com ,")).toEqual([
    "a@example.com",
    "b@example.com",
    "c@example.com",
  ]);
});
