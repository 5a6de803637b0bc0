import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { Addresses, lossOf, type Loss } from "../../src/net/addresses";

interface Step {
  do: "welcomed" | "moved" | "lost" | "known";
  peers?: string[];
  to?: string;
  how?: Loss;
  shares?: number[];
  delay?: number;
  url?: string;
  unreachable?: string[];
  known?: string[];
}

interface Story {
  about: string;
  seeds: string[];
  first: number;
  longest: number;
  steps: Step[];
}

const folder = resolve(import.meta.dirname, "../../../../tests/vectors/addresses");

function take(addresses: Addresses, step: Step): number | undefined {
  switch (step.do) {
    case "welcomed":
      return void addresses.welcomed(step.peers!);
    case "moved":
      return addresses.moved(step.to!);
    case "lost":
      return addresses.lost(step.how!);
    case "known":
      return undefined;
  }
}

describe("the vectors of the addresses", () => {
  const names = readdirSync(folder);

  test("there are some", () => expect(names.length).toBeGreaterThanOrEqual(10));

  test.each(names)("%s", (name) => {
    const story = JSON.parse(readFileSync(resolve(folder, name), "utf8")) as Story;
    let shares: number[] = [];
    const { first, longest } = story;
    const addresses = new Addresses(story.seeds, { first, longest }, () => {
      const share = shares.shift();
      if (share === undefined) throw new Error("more dice than stated");
      return share;
    });
    for (const [number, step] of story.steps.entries()) {
      shares = [...(step.shares ?? [])];
      const delay = take(addresses, step);
      expect(shares, `step ${number}: fewer dice`).toEqual([]);
      const told = { delay, url: addresses.url, unreachable: [...addresses.unreachable], known: addresses.known };
      for (const [part, value] of Object.entries(told)) {
        if (part in step) expect(value, `step ${number}: ${part}`).toEqual(step[part as keyof Step]);
      }
    }
  });
});

test.each([
  [1006, true, false, false, "cut"],
  [1006, false, false, false, "gone"],
  [null, false, true, false, "gone"],
  [null, true, false, true, "gone"],
  [1012, true, false, false, "soon"],
  [1012, false, false, false, "soon"],
  [1012, false, true, false, "away"],
  [1013, true, false, false, "cut"],
  [1013, false, false, false, "away"],
  [1011, false, false, false, "away"],
] as const)("code %s, welcomed %s, waited %s, silent %s means %s", (code, welcomed, waited, silent, how) => {
  expect(lossOf({ code, welcomed, waited, silent })).toBe(how);
});
