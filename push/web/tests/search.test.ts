import { expect, test } from "vitest";
import { pieces } from "../src/api/search";

test("what was looked for is marked, counted in whole characters", () => {
  expect(pieces({ text: "a 😀 lamp and lamps", hits: [[4, 8], [13, 18]] })).toEqual([
    { text: "a 😀 ", hit: false },
    { text: "lamp", hit: true },
    { text: " and ", hit: false },
    { text: "lamps", hit: true },
  ]);
});

test("nothing marked is one piece, and nothing at all is none", () => {
  expect(pieces({ text: "as it is", hits: [] })).toEqual([{ text: "as it is", hit: false }]);
  expect(pieces({ text: "", hits: [] })).toEqual([]);
});

test("hits that overlap or leave the text lose nothing and repeat nothing", () => {
  const found = pieces({ text: "abcdef", hits: [[0, 4], [2, 9]] });
  expect(found.map(({ text }) => text).join("")).toBe("abcdef");
});
