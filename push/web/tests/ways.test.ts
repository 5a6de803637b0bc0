import { expect, test } from "vitest";
import type { ChannelInfo, Identity } from "../src/api/resources";
import { waysTo } from "../src/desktop/ways";

const channel = (name: string, kind: string) => ({ name, kind }) as ChannelInfo;
const identity = (kind: string, value: string, more: Partial<Identity> = {}): Identity => ({ kind, value, verified: true, ...more });
const all = [channel("support", "email"), channel("mobile", "sms"), channel("wa", "whatsapp"), channel("bot", "telegram"), channel("site", "webchat")];

test("every channel that has an address of the customer's is a way, but for the item's own", () => {
  const known = [identity("email", "ada@x.org"), identity("phone", "+447911123456", { shown: "+44 7911 123456" }), identity("visitor", "v1")];
  expect(waysTo("support", known, all)).toEqual([
    { channel: "mobile", kind: "sms", shown: "+44 7911 123456" },
    { channel: "wa", kind: "whatsapp", shown: "+44 7911 123456" },
  ]);
  expect(waysTo("mobile", known, all).map((way) => way.channel)).toEqual(["support", "wa"]);
  expect(waysTo("site", [], all)).toEqual([]);
});

test("where nothing is wanted, or nothing arrives, is no way", () => {
  const known = [identity("phone", "+1", { stopped: { sms: null } }), identity("email", "a@b.c", { undeliverable: "gone" })];
  expect(waysTo("site", known, all).map((way) => way.channel)).toEqual(["wa"]);
});

test("what is confirmed comes before what is only said", () => {
  const known = [identity("email", "said@x.org", { verified: false }), identity("email", "own@x.org")];
  expect(waysTo("site", known, all)[0]?.shown).toBe("own@x.org");
});
