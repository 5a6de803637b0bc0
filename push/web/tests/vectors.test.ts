import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { apply, EMPTY, type Desk } from "../src/agent/state";
import type { ServerFrame } from "../src/protocol";

interface Story {
  about: string;
  frames: { frame: ServerFrame; verdict: string }[];
  state: Record<string, unknown>;
  same_as?: ServerFrame;
}

const folder = resolve(import.meta.dirname, "../../../tests/vectors/desk");
const read = (name: string): unknown => JSON.parse(readFileSync(resolve(folder, name), "utf8"));
const values = read("_values.json") as Record<string, unknown>;

/** Puts named values in the place of `{"$use": name, "with": {…}}`. */
function resolved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolved);
  if (typeof value !== "object" || value === null) return value;
  const entries = value as Record<string, unknown>;
  if (typeof entries.$use === "string") {
    if (!(entries.$use in values)) throw new Error(`no value named ${entries.$use}`);
    const base = resolved(values[entries.$use]) as object;
    return { ...base, ...(resolved(entries.with ?? {}) as object) };
  }
  return Object.fromEntries(Object.entries(entries).map(([key, inner]) => [key, resolved(inner)]));
}

/** A desk in the form in which vectors state it. */
function stated(desk: Desk): Record<string, unknown> {
  const byId = <T>(map: Readonly<Record<string, T>>) =>
    Object.keys(map)
      .sort()
      .map((id) => map[id]);
  const { epoch, seq, waiting, state, capacity, messages, deliveries, typing } = desk;
  const offers = byId(desk.offers);
  const items = byId(desk.items);
  return { epoch, seq, waiting, state, capacity, offers, items, messages, deliveries, typing };
}

const parts = (all: Record<string, unknown>, names: string[]) =>
  Object.fromEntries(names.map((name) => [name, all[name]]));

describe("the vectors of the desk", () => {
  const names = readdirSync(folder).filter((name) => !name.startsWith("_"));
  test("there are some", () => expect(names.length).toBeGreaterThan(10));

  test.each(names)("%s", (name) => {
    const story = resolved(read(name)) as Story;
    let desk = EMPTY;
    const verdicts = story.frames.map(({ frame }) => {
      const before = desk;
      const step = apply(desk, frame);
      desk = step.desk;
      if (step.verdict !== "applied") expect(desk).toBe(before);
      return step.verdict;
    });
    expect(verdicts).toEqual(story.frames.map(({ verdict }) => verdict));
    expect(parts(stated(desk), Object.keys(story.state))).toEqual(story.state);
    if (story.same_as) {
      const fresh = apply(EMPTY, story.same_as).desk;
      const law = ["epoch", "seq", "state", "capacity", "offers", "items"];
      expect(parts(stated(desk), law)).toEqual(parts(stated(fresh), law));
    }
  });
});
