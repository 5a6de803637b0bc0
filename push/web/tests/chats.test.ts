import { expect, test } from "vitest";
import type { Said } from "../src/api/colleagues";
import { fromCards, inOrder, keyOf, merged, unreadOf, whomOf, withRead, withSaid } from "../src/desktop/chats";
import { type Line, withAsked } from "../src/desktop/thread";

const said = (id: string, from: string, more: Partial<Said> = {}): Said => ({
  id,
  from,
  ...("group" in more ? {} : { agent: from === "ana" ? "ben" : "ana" }),
  body: id,
  at: `2026-03-01T12:00:0${id.length}Z`,
  ...more,
});

test("a chat is with the other one, whoever speaks, or with the group", () => {
  expect(whomOf(said("m", "ben"), "ana")).toEqual({ agent: "ben" });
  expect(whomOf(said("m", "ana"), "ana")).toEqual({ agent: "ben" });
  expect(whomOf(said("m", "ben", { group: "team" }), "ana")).toEqual({ group: "team" });
  expect(keyOf({ agent: "team" })).not.toBe(keyOf({ group: "team" }));
});

test("what others say is unread, once, until it is read", () => {
  let chats = fromCards([{ agent: "ben", last: said("a", "ben"), unread: 2 }]);
  chats = withSaid(chats, said("bb", "ben"), "ana", true);
  chats = withSaid(chats, said("bb", "ben"), "ana", false);
  chats = withSaid(chats, said("ccc", "ana"), "ana", true);
  chats = withSaid(chats, said("d", "zoe", { group: "team" }), "ana", true);
  expect(unreadOf(chats)).toBe(4);
  expect(chats["a ben"]?.last.id).toBe("ccc");
  expect(inOrder(chats).map(({ whom }) => keyOf(whom))).toEqual(["a ben", "g team"]);
  chats = withRead(chats, "a ben");
  expect(unreadOf(chats)).toBe(1);
  expect(withRead(chats, "a ben")).toBe(chats);
});

test("a message is shown once, as it was last told", () => {
  const held = said("a", "ana", { held: "a card" });
  const all = merged([said("bb", "ben"), held], [said("a", "ana")]);
  expect(all.map(({ id, held: why }) => [id, why])).toEqual([
    ["a", undefined],
    ["bb", undefined],
  ]);
});

test("what was said about an item stands among the rest by its time, what was held back does not", () => {
  const line = (id: string, at: string, pending = false) => ({ message: { id, at }, pending }) as Line;
  const lines = [line("1", "2026-03-01T11:00:00Z"), line("2", "2026-03-01T13:00:00Z"), line("p", "", true)];
  const asked = [
    said("bb", "ben", { at: "2026-03-01T14:00:00Z", item: "i" }),
    said("a", "ana", { at: "2026-03-01T12:00:00Z", item: "i" }),
    said("h", "ana", { held: "why", item: "i" }),
  ];
  const shown = withAsked(lines, asked, "c", (login) => login.toUpperCase());
  expect(shown.map(({ message }) => message.id)).toEqual(["1", "a", "2", "bb", "p"]);
  expect(shown[1]?.message.author.name).toBe("ANA → BEN");
  expect(shown[1]?.message.direction).toBe("note");
});
