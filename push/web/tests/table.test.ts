import { expect, test } from "vitest";
import { sorted } from "../src/ui/Table";

const rows = [{ n: 2 }, { n: null }, { n: 10 }, { n: 1 }];

test("a column sorts its rows both ways, and what has nothing there stays last", () => {
  expect(sorted(rows, ({ n }) => n, false).map(({ n }) => n)).toEqual([1, 2, 10, null]);
  expect(sorted(rows, ({ n }) => n, true).map(({ n }) => n)).toEqual([10, 2, 1, null]);
});

test("rows that are alike stay as they came", () => {
  const alike = [{ id: "a", by: "x" }, { id: "b", by: "" }, { id: "c", by: "x" }, { id: "d", by: "" }];
  expect(sorted(alike, ({ by }) => by, true).map(({ id }) => id)).toEqual(["a", "c", "b", "d"]);
});
