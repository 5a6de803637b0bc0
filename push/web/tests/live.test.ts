import { beforeAll, expect, test, vi } from "vitest";
import type { LiveFrame } from "../src/protocol";
import type { Board } from "../src/supervisor/wallboard/board";

type Live = typeof import("../src/supervisor/wallboard/live");
type Drill = typeof import("../src/supervisor/wallboard/drill");
let live: Live;
let drill: Drill;

beforeAll(async () => {
  const kept = { getItem: () => null, setItem: () => undefined };
  vi.stubGlobal("localStorage", kept);
  vi.stubGlobal("sessionStorage", kept);
  vi.stubGlobal("location", { origin: "http://here.test", href: "http://here.test/" });
  vi.stubGlobal("document", { documentElement: { lang: "" }, visibilityState: "visible", addEventListener: () => undefined });
  live = await import("../src/supervisor/wallboard/live");
  drill = await import("../src/supervisor/wallboard/drill");
});

const frame = (n: number, more: object): LiveFrame => ({ t: "live", watch: "live", n, at: "2026-03-02T09:00:00Z", every: 1, ...more });
const board = { total: { waiting: 1, ready: 2 } } as unknown as Board;

test("the whole is taken as it is, a change is applied to the one before, and after a gap the whole is asked for", () => {
  expect(live.after(null, frame(7, { board }))).toEqual(board);
  const changed = { total: { waiting: 4 } };
  expect(live.after({ board, n: 7 }, frame(8, { changed }))).toEqual({ total: { waiting: 4, ready: 2 } });
  expect(live.after({ board, n: 7 }, frame(9, { changed }))).toBeNull();
  expect(live.after(null, frame(8, { changed }))).toBeNull();
});

test("the items behind a number are those that it counts", () => {
  const now = Date.parse("2026-03-02T09:00:00Z");
  const item = (more: object) => ({ kind: "voice", due_at: null, ...more }) as never;
  const wanted = { what: "items", states: [], title: "" } as never as Parameters<Drill["counts"]>[1];
  const due = (at: string, by: "due" | "overdue") => drill.counts(item({ due_at: at }), { ...wanted, by }, now);
  expect([due("2026-03-02T09:29:00Z", "due"), due("2026-03-02T09:31:00Z", "due"), due("2026-03-02T08:59:00Z", "due")]).toEqual([true, false, false]);
  expect([due("2026-03-02T08:59:00Z", "overdue"), due("2026-03-02T09:01:00Z", "overdue")]).toEqual([true, false]);
  expect(drill.counts(item({}), { ...wanted, by: "due" }, now)).toBe(false);
  expect(drill.counts(item({}), { ...wanted, kind: "email" }, now)).toBe(false);
  expect(drill.counts(item({ promise: {} }), { ...wanted, by: "promise" }, now)).toBe(true);
  expect(drill.counts(item({ promise: {} }), { ...wanted, by: "callback" }, now)).toBe(false);
});

test("agents are in the state in which the wallboard counts them", () => {
  const agent = (more: object) => ({ name: "ana", connected: true, presence: "ready", closed: "", ...more }) as never;
  const held = (state: string) => [{ agent: "ana", state }] as never;
  expect(drill.stateOf(agent({ connected: false }), [])).toBe("offline");
  expect(drill.stateOf(agent({ presence: "not_ready" }), held("assigned"))).toBe("not_ready");
  expect(drill.stateOf(agent({}), held("assigned"))).toBe("busy");
  expect(drill.stateOf(agent({}), held("wrapping"))).toBe("wrap_up");
  expect(drill.stateOf(agent({ closed: "storm" }), [])).toBe("closed");
  expect(drill.stateOf(agent({}), [])).toBe("ready");
});
