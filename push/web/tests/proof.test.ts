import { expect, test } from "vitest";
import { proofOf, standingOf } from "../src/desktop/proof";
import { whoIs } from "../src/ui/bits";

const visitor = { kind: "visitor", value: "81bdd60f", verified: true };
const mail = (verified: boolean) => ({ kind: "email", value: "rosa@example.com", verified });

test("a visitor id that is proven to be ours proves nobody's name", () => {
  expect(standingOf([visitor])).toBe("browser");
  expect(proofOf(visitor)).toBe("proof.browser");
});

test("one proven personal identity is enough, a claimed one is not", () => {
  expect(standingOf([visitor, mail(true)])).toBe("known");
  expect(standingOf([mail(false), { kind: "account", value: "88120", verified: true }])).toBe("known");
  expect(standingOf([visitor, mail(false)])).toBe("claimed");
  expect(standingOf([])).toBe("claimed");
});

test("each identity says for itself what its proof is worth", () => {
  expect(proofOf(mail(true))).toBe("proof.confirmed");
  expect(proofOf(mail(false))).toBe("proof.claimed");
  expect(proofOf({ kind: "account", value: "88120", verified: true })).toBe("proof.vouched");
});

test("who gave no name in a chat is an anonymous visitor", () => {
  const brief = { id: "c", name: "", language: "", value: 0, verified: true };
  expect(whoIs({ kind: "webchat", address: "81bdd60f" }, brief)).toBe("Anonymous visitor");
});
