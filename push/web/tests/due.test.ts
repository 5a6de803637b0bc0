import { expect, test } from "vitest";
import { dueOf } from "../src/ui/duetime";

const NOON = Date.parse("2026-03-02T12:00:00Z");
const HALF_PAST = "2026-03-02T12:30:00Z";

const clock = (more: object) => ({
  policy: "gold",
  clocks: [{ clock: "first_reply" as const, running: true, due_at: HALF_PAST, ...more }],
});

test("nothing is due where nothing is promised", () => {
  expect(dueOf({ due_at: null }, NOON)).toBeNull();
});

test("a clock is calm until it has warned, whatever time is left", () => {
  expect(dueOf({ due_at: HALF_PAST, service: clock({}) }, NOON)?.tone).toBe("");
  expect(dueOf({ due_at: HALF_PAST, service: clock({ warned_at: HALF_PAST }) }, NOON)?.tone).toBe("warn");
});

test("a date that somebody set is pressing within the hour", () => {
  expect(dueOf({ due_at: HALF_PAST }, NOON)).toMatchObject({ tone: "warn", clock: null });
  expect(dueOf({ due_at: "2026-03-02T15:00:00Z" }, NOON)?.tone).toBe("");
});

test("what is late says so, and which promise it was", () => {
  const due = dueOf({ due_at: HALF_PAST, service: clock({ breached_at: HALF_PAST }) }, NOON + 3_600_000);
  expect(due).toMatchObject({ tone: "bad", clock: "first_reply", left: -1_800_000 });
});

test("a clock that stands is not the one that is due", () => {
  const service = clock({ running: false, due_at: undefined });
  expect(dueOf({ due_at: HALF_PAST, service }, NOON)?.clock).toBeNull();
});
