import { describe, expect, test, vi } from "vitest";

vi.stubGlobal("navigator", { languages: ["en-GB"] });
vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
const { before, PERIODS, spanOf, stepsOf } = await import("../src/reports/periods");
const { change, shown } = await import("../src/reports/figures");

const NOON = new Date(2026, 9, 25, 12, 7).getTime();
const hours = ({ from, to }: { from: string; to: string }) => (Date.parse(to) - Date.parse(from)) / 3_600_000;

describe("a period", () => {
  test.each(PERIODS)("%s begins at a local midnight and ends with a full quarter of an hour", (period) => {
    const span = spanOf(period, NOON);
    expect(new Date(span.from).getHours()).toBe(0);
    expect(Date.parse(span.to) % 900_000).toBe(0);
    expect(Date.parse(span.to)).toBeGreaterThan(Date.parse(span.from));
  });

  test("of today goes to the quarter of an hour that is going on, and is compared with as much of yesterday", () => {
    const today = spanOf("today", NOON);
    expect(new Date(today.to).getMinutes()).toBe(15);
    const was = before("today", today);
    expect(new Date(was.to).getHours()).toBe(12);
    expect(new Date(was.from).getDate()).toBe(24);
  });

  test("of seven days has the six before today whole", () => {
    expect(new Date(spanOf("d7", NOON).from).getDate()).toBe(19);
    expect(hours(spanOf("d7", NOON))).toBeGreaterThan(6 * 24);
  });
});

test("steps of a period are as many as it has hours or days, though the clocks are changed in it", () => {
  const today = spanOf("today", NOON);
  expect(stepsOf(today, "1h")).toHaveLength(Math.ceil(hours(today)));
  const days = stepsOf(spanOf("d30", NOON), "1d").map((ms) => new Date(ms));
  expect(days).toHaveLength(30);
  expect(days.every((date) => date.getHours() === 0)).toBe(true);
});

describe("a figure", () => {
  test.each([
    ["abandon_rate", 0.125, "12.5%"],
    ["offered", 1234, "1,234"],
    ["asa", 75, "1 min"],
    ["score", 4.333, "4.33"],
    ["fcr", null, "–"],
  ])("%s is written for people", (name, value, text) => {
    expect(shown(name, value)).toBe(text);
  });

  test("says whether it became better, where more or less is better", () => {
    expect(change("asa", 30, 60)).toEqual({ text: "-50%", good: true });
    expect(change("csat", 0.5, 1)).toEqual({ text: "-50%", good: false });
    expect(change("offered", 20, 10)).toEqual({ text: "+100%", good: null });
    expect(change("csat", 0.5, null)).toBeNull();
    expect(change("asa", 5, 0)).toBeNull();
  });
});
