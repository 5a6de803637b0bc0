import { expect, test } from "vitest";
import type { Macro } from "../src/api/resources";
import { applicable, filled, nearest } from "../src/desktop/macros";

type About = Parameters<typeof filled>[1];

const item = (changes: Partial<About> = {}) =>
  ({
    kind: "email",
    state: "assigned",
    language: "es-AR",
    number: 1042,
    subject: "A lamp",
    queue: "general",
    address: "eva@customer.example",
    customer: { id: "c", name: "Eva {agent}", language: "", verified: true, value: 0 },
    case: { category: "returns" },
    ...changes,
  }) as About;
const macro = (name: string, changes: Partial<Macro> = {}): Macro => ({ name, label: "", kinds: [], then: {}, ...changes });

test("only what is in hand has macros, and only those for its kind", () => {
  const all = [macro("any"), macro("chats", { kinds: ["webchat"] }), macro("move", { then: { queue: "sales" } })];
  const names = (changes?: Partial<About>) => applicable(all, item(changes)).map(({ name }) => name);
  expect(names()).toEqual(["any", "move"]);
  expect(names({ kind: "webchat" })).toEqual(["any", "chats", "move"]);
  expect(names({ state: "wrapping" })).toEqual(["any"]);
  expect(names({ state: "offered" })).toEqual([]);
});

test("a macro that answers is not for who has no address", () => {
  const sorry = [macro("sorry", { then: { reply: "Sorry" } })];
  expect(applicable(sorry, item())).toHaveLength(1);
  expect(applicable(sorry, item({ address: "" }))).toEqual([]);
  expect(applicable(sorry, item({ address: "", kind: "webchat" }))).toHaveLength(1);
});

test("the words are shown in the nearest language there is, as the node will choose them", () => {
  const texts = { "": "Sorry", es: "Perdón", "es-MX": "Disculpe" };
  expect(nearest(texts, "es-AR")).toBe("Perdón");
  expect(nearest(texts, "ES-mx")).toBe("Disculpe");
  expect(nearest(texts, "zh-TW")).toBe("Sorry");
  expect(nearest({ es: "Perdón" }, "de")).toBeNull();
  expect(nearest("Sorry", "de")).toBe("Sorry");
});

test("names in braces are filled in once, and what is not known stays", () => {
  expect(filled("{customer}, {agent}, #{number}, {category}, {when}", item(), "Ann")).toBe(
    "Eva {agent}, Ann, #1042, returns, {when}",
  );
});

test("a name that only JavaScript knows stays as it is", () => {
  expect(filled("{constructor} {toString} {__proto__} {agent}", item({}), "Ann")).toBe("{constructor} {toString} {__proto__} Ann");
});
