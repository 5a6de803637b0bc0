import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { byGravity, type Cover, coverageOf, moodOfLevel, moodOfWait, patched } from "../src/supervisor/wallboard/board";

type Document = Record<string, unknown>;
const path = resolve(import.meta.dirname, "../../../tests/vectors/board/patches.json");
const patches = JSON.parse(readFileSync(path, "utf8")) as { about: string; board: Document; changed: Document; gives: Document }[];

describe("the wallboard's changes", () => {
  test.each(patches)("$about", ({ board, changed, gives }) => {
    const before = structuredClone(board);
    expect(patched(board, changed)).toEqual(gives);
    expect(board).toEqual(before);
  });

  test("what has not changed is the same object, so that nothing of it is drawn again", () => {
    const board = { queues: { a: { waiting: 1 }, b: { waiting: 2 } } };
    const next = patched(board, { queues: { a: { waiting: 3 } } }) as typeof board;
    expect(next.queues.b).toBe(board.queues.b);
  });
});

const cover = (ready: number, signed_in: number, waiting = 1): Cover => ({
  queue: "general", kind: "voice", skills: {}, languages: [], waiting, oldest_at: "2026-03-02T09:00:00Z", ready, signed_in,
});

test("what nobody can take comes before what somebody will", () => {
  const rows = [cover(2, 3, 9), cover(0, 3), cover(0, 0), cover(0, 3, 4)];
  expect(rows.map(coverageOf)).toEqual(["covered", "busy", "nobody", "busy"]);
  expect([...rows].sort(byGravity)).toEqual([rows[2], rows[3], rows[1], rows[0]]);
});

test("moods follow the service level, and the wait against what is promised", () => {
  expect([undefined, 0.95, 0.8, 0.7, 0.2].map(moodOfLevel)).toEqual(["calm", "good", "good", "warn", "bad"]);
  expect([moodOfWait(90, undefined), moodOfWait(15, 20), moodOfWait(45, 20), moodOfWait(61, 20)]).toEqual([
    "calm", "calm", "warn", "bad",
  ]);
});
