import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { countSegments, firstWide, windowLeft } from "../src/desktop/segments";

interface Vector {
  about: string;
  text: string;
  times?: number;
  gives: [number, number, boolean];
}
const vectors = JSON.parse(readFileSync("../../tests/vectors/segments.json", "utf-8")) as Vector[];

for (const { about, text, times, gives } of vectors)
  test(`counted as it is billed: ${about}`, () => {
    const { segments, left, wide } = countSegments(text.repeat(times ?? 1));
    expect([segments, left, wide]).toEqual(gives);
  });

test("what makes a text dearer is named", () => {
  expect(firstWide("see you “soon”")).toBe("“");
  expect(firstWide("see you soon €")).toBe("");
});

test("a window has hours and minutes, and ends", () => {
  const now = Date.parse("2026-11-23T12:00:00Z");
  expect(windowLeft("2026-11-23T14:30:59Z", now)).toEqual({ hours: 2, minutes: 30 });
  expect(windowLeft("2026-11-23T12:00:00Z", now)).toBeNull();
  expect(windowLeft("nonsense", now)).toBeNull();
});
