import { beforeEach, describe, expect, test, vi } from "vitest";
import { baseFor, baseOf, forgetNodes, keptNodes, noteNodes, noteOthers, preferBase } from "../src/api/nodes";

const PAGE = "https://eu-1.example";
const OWN = "wss://eu-1.example/agent/v1";
const PEER = "wss://eu-2.example/agent/v1";
const THIRD = "wss://us-1.example/agent/v1";

/** Where the first tries go. */
const tries = (n: number) => Array.from({ length: n }, (_, attempt) => baseFor(attempt));

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal("location", { origin: PAGE });
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  });
  forgetNodes();
});

describe("which node REST asks", () => {
  test.each([
    [OWN, ""],
    [PEER, "https://eu-2.example"],
    ["ws://localhost:8082/agent/v1", "http://localhost:8082"],
    ["wss://calls.example/eu-2/agent/v1", "https://calls.example/eu-2"],
  ])("%s is asked at %s", (url, base) => expect(baseOf(url, PAGE)).toBe(base));

  test("before anything is known it is the page's own", () => expect(tries(3)).toEqual(["", "", ""]));

  test("the one that lets us in, each second time another, the page's own at last", () => {
    noteNodes([PEER, THIRD]);
    const [two, three] = ["https://eu-2.example", "https://us-1.example"];
    expect(tries(5)).toEqual([two, three, two, "", two]);
  });

  test("a page without a connection begins with its own, and stays with who answers", () => {
    noteOthers([OWN, PEER]);
    expect(tries(3)).toEqual(["", "https://eu-2.example", ""]);
    preferBase("https://eu-2.example");
    expect(tries(3)).toEqual(["https://eu-2.example", "", "https://eu-2.example"]);
  });

  test("what is known outlives the page, and ends with the sign-in", () => {
    noteNodes([PEER, OWN]);
    expect(keptNodes()).toEqual([PEER, OWN]);
    forgetNodes();
    expect(keptNodes()).toEqual([]);
    expect(tries(2)).toEqual(["", ""]);
  });

  test("what somebody else left in storage is not believed", () => {
    sessionStorage.setItem("switchroom.nodes", '{"a": 1}');
    expect(keptNodes()).toEqual([]);
  });
});
