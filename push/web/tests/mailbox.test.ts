import { expect, test } from "vitest";
import type { ChannelInfo } from "../src/api/resources";
import { compared, verdict } from "../src/setup/mailbox";

const box = (part: Partial<ChannelInfo> = {}, counts: Record<string, number> = {}): ChannelInfo => ({
  name: "support", kind: "email", queue: "general", health: "up", reason: "", code: "", declared_in: "", node: "",
  since: null, next_try: null, last_success: "2026-11-23T03:00:00Z",
  counts: { server: 5, stored: 9, quarantined: 0, withheld: 0, gone: 0, waiting: 0, ...counts }, ...part,
});
const says = (channel: ChannelInfo) => {
  const { key, values, tone } = verdict(channel, (time) => time.slice(11, 16));
  return [key, values, tone];
};

test("a mailbox of which all is stored agrees, whatever was deleted from it since", () => {
  expect(says(box({}, { gone: 3 }))).toEqual(["mailbox.agree", {}, "good"]);
});

test("what could not be read is told beside it", () => {
  expect(says(box({}, { quarantined: 2 }))).toEqual(["mailbox.agree_but", { n: 2 }, "warn"]);
});

test("what is missing is told first: unread, kept back, not looked at", () => {
  expect(says(box({}, { waiting: 7, withheld: 1 }))).toEqual(["mailbox.reading", { n: 7 }, "warn"]);
  expect(says(box({}, { withheld: 1, quarantined: 1 }))).toEqual(["mailbox.kept_back", { n: 1 }, "bad"]);
  expect(says(box({ health: "down" }))).toEqual(["mailbox.stale", { when: "03:00" }, "bad"]);
  expect(says(box({ health: "parked", last_success: null }))).toEqual(["mailbox.never", {}, "bad"]);
});

test("who does not read it says who does", () => {
  expect(says(box({ health: "standby", node: "eu-2" }))).toEqual(["mailbox.elsewhere", { node: "eu-2" }, ""]);
});

test("a channel to which mail is brought tells how often it sent some away", () => {
  const brought = (counts: Record<string, number>) => box({ counts: { stored: 4, quarantined: 0, put_off: 0, ...counts } });
  expect(says(brought({}))).toEqual(["mailbox.brought", { n: 4 }, "good"]);
  expect(says(brought({ put_off: 2 }))).toEqual(["mailbox.put_off", { n: 2 }, "warn"]);
  expect(says({ ...brought({}), health: "down" })).toEqual(["mailbox.closed", {}, "bad"]);
});

test("only mail is compared", () => {
  expect(compared(box())).toBe(true);
  expect(compared(box({ kind: "webchat", counts: {} }))).toBe(false);
});
