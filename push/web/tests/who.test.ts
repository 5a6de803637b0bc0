import { expect, test } from "vitest";
import { whoIs } from "../src/ui/bits";

const known = { id: "c", name: "Rosa Vidal", language: "", value: 0, verified: true };
const nameless = { ...known, name: "" };

test("a name is a name", () => {
  expect(whoIs({ kind: "webchat", address: "81bdd60f" }, known)).toBe("Rosa Vidal");
});

test("an address stands for its owner only where people know it as theirs", () => {
  expect(whoIs({ kind: "email", address: "rosa@example.com" }, nameless)).toBe("rosa@example.com");
  expect(whoIs({ kind: "webchat", address: "81bdd60f" }, nameless)).toBe("Anonymous visitor");
  expect(whoIs({ kind: "task", address: "https://filer.example/callback" }, null)).toBe("No customer named");
  expect(whoIs(null, null)).toBe("Unknown customer");
});

test("whoever is to be called is known by the number, and by no visitor's id", () => {
  const callback = { via: "webchat" as const, since: "", asked_by: "customer" };
  const to_call = { kind: "callback" as const, address: "81bdd60f", callback };
  expect(whoIs(to_call, nameless)).toBe("Anonymous visitor");
  expect(whoIs({ ...to_call, callback: { ...callback, number: "+49 30 1" } }, nameless)).toBe("+49 30 1");
});
