import { beforeAll, expect, test, vi } from "vitest";
import type { Hours, Looked, Rule } from "../src/api/setup";
import { afterBreach, isUsual, looksAt, policyFacts, ringWords, seconds, specialDays, thenFacts, traceOf, weekLines, whenFacts } from "../src/setup/words";

beforeAll(() => void vi.stubGlobal("navigator", { languages: ["en-GB"] }));

/** As it reads: whether a space may break is no matter here. */
const read = <T>(said: T): T => JSON.parse(JSON.stringify(said).replaceAll("\u00a0", " ")) as T;
const same = (name: string) => name;

test("a length of time is told without losing a second", () => {
  expect(read([20, 60, 90, 3600, 5400, 172_800].map(seconds))).toEqual(["20 s", "1 min", "1 min 30 s", "1 h", "90 min", "2 d"]);
});

test("days that follow each other with the same hours share a line", () => {
  const day = ["09:00-12:00", "13:00-18:00"];
  const week = { monday: day, tuesday: day, wednesday: day, thursday: day, friday: ["22:00-06:00"] };
  expect(weekLines(week)).toEqual([
    ["Mon – Thu", "09:00-12:00, 13:00-18:00"],
    ["Fri", "22:00-06:00"],
    ["Sat – Sun", "closed"],
  ]);
});

const calendar = (more: Partial<Hours>): Hours => ({
  name: "berlin",
  zone: "Europe/Berlin",
  week: {},
  holidays: [],
  extra: [],
  country: "DE",
  subdivision: "",
  closed_replies: {},
  holidays_found: [],
  open: false,
  changes_at: null,
  ...more,
});

test("special days begin today, the nearest first, declared and found ones once", () => {
  const christmas = { date: "2026-12-25", label: "Christmas Day" };
  const hours = calendar({
    holidays: [{ date: "2026-12-24", label: "Christmas Eve", closed: ["12:00-24:00"] }, christmas],
    holidays_found: [{ date: "2026-10-03", label: "Unity" }, christmas],
    extra: [{ date: "2026-11-22", label: "Fair", open: ["10:00-14:00"] }],
  });
  expect(specialDays(hours, "2026-11-22")).toEqual([
    { date: "2026-11-22", label: "Fair", spans: "10:00-14:00", opens: true },
    { date: "2026-12-24", label: "Christmas Eve", spans: "12:00-24:00", opens: false },
    { ...christmas, spans: "", opens: false },
  ]);
});

test("a ring says when it opens and all that it gives up", () => {
  expect(read(ringWords({ after: 45, expected_wait: 600, lower: 1, drop: ["billing"], languages: ["*"] }, same))).toEqual({
    when: "after 45 s or expected wait from 10 min",
    does: "levels lower by 1; no longer asked for: billing; these languages will do too: any",
  });
});

test("weights that nobody changed are told as they are by default", () => {
  expect(read(policyFacts({ priority_seconds: 90 }).map(([, said]) => said))).toEqual(["1 min 30 s", "1 min", "100 %"]);
  expect([{}, { choice: "round_robin", urgency: 1 }, { urgency: 0.5 }, { most_declines: 3 }].map(isUsual)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test("what follows a breach is told in the order of time", () => {
  const policy = { name: "gold", notify_after: 600, escalate_after: 300, level_queues: { "2": "second" } };
  expect(read(afterBreach(policy, () => "Second line"))).toEqual([
    ["At once", "priority +20"],
    ["5 min later", "level 2, in Second line"],
    ["10 min later", "a note in the case"],
    ["10 min later", "level 3 of the help desk"],
    ["15 min later", "level 4 of the help desk"],
  ]);
  expect(afterBreach({ name: "mild", raise_points: 0, notify_after: null }, same)).toEqual([]);
});

test("every condition of a rule is told, those within others too, and what is not given is not", () => {
  const when = {
    languages: ["es"],
    verified: false,
    velocity: { contacts: 5, seconds: 3600, of: "matters" as const },
    fields: { topic: ["*"] },
    unless: { kinds: ["task"], machine: true },
  };
  expect(read(whenFacts(when))).toEqual([
    ["Language", "es"],
    ["Identity verified", "No"],
    ["New matters", "5 within 1 h"],
    ["topic", "any"],
    ["Unless", "Kind: Task; Written by a machine: Yes"],
  ]);
  expect(whenFacts({})).toEqual([]);
});

test("a rule says what it looks at, unless that is a new contact", () => {
  const rule = { on: ["silent", "waiting"], after: 86_400, when: { tags: ["vip"] } };
  expect(read(looksAt(rule))).toEqual([
    ["On", "The customer is silent, The customer waits"],
    ["After", "1 d"],
    ["Tagged", "vip"],
  ]);
  expect(looksAt({ on: ["contact"], after: 0, when: {} })).toEqual([]);
});

test("what a rule decides is told by the names that people know", () => {
  const then = { queue: "billing", priority: 10, skills: {}, tags: ["money"], due_seconds: 300, hold: undefined };
  expect(read(thenFacts(then, () => "Billing"))).toEqual([
    ["Queue", "Billing"],
    ["Priority", "+10"],
    ["Tags", "money"],
    ["Due within", "5 min"],
  ]);
});

test("the try-out tells of every rule about such a thing, also of those that were not looked at", () => {
  const rule = (name: string, enabled = true, on = "contact") => ({ name, enabled, on: [on] }) as Rule;
  const saw = (name: string, held: boolean, ...decided: string[]): Looked => ({ rule: name, held, because: "so", decided });
  const rules = [rule("replies", true, "reply"), rule("off", false), rule("no"), rule("late"), rule("first"), rule("behind")];
  const looked = [saw("no", false), saw("late", true), saw("first", true, "queue"), saw("brand-new", false)];
  expect(traceOf(rules, looked).map(({ rule: name, fate }) => [name, fate])).toEqual([
    ["off", "off"],
    ["no", "not"],
    ["late", "held"],
    ["first", "decided"],
    ["behind", "skipped"],
    ["brand-new", "not"],
  ]);
});
