import { expect, test } from "vitest";
import { habits, inWords } from "../src/ticket/times.ts";
import { FIRST_MS, LAST_MS, pause } from "../src/ticket/watch.ts";

test("times are told in the page's language, as in the reader's region where that speaks it", () => {
  expect(habits("en", ["de-AT", "en-GB"])).toBe("en-GB");
  expect(habits("fr", ["en-GB"])).toBe("fr");
  expect(inWords(new Date(2026, 10, 23, 9, 5), "en-GB")).toMatch(/23 Nov 2026.*0?9:05/);
});

test("the page looks for news less and less often, never more rarely than each minute", () => {
  expect(pause(0)).toBe(FIRST_MS);
  expect(pause(1)).toBeGreaterThan(FIRST_MS);
  expect(pause(50)).toBe(LAST_MS);
});
