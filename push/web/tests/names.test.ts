import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { agentName } from "../src/api/names";

const calls: string[] = [];
let answer: () => Response;

beforeEach(() => {
  calls.length = 0;
  vi.stubGlobal("fetch", async (path: string) => {
    calls.push(decodeURIComponent(path));
    return answer();
  });
});
afterEach(() => vi.unstubAllGlobals());

const page = (...names: [string, string][]) =>
  new Response(JSON.stringify({ items: names.map(([name, display_name]) => ({ name, display_name })), next: null }));
const told = () => new Promise((resolve) => setTimeout(resolve, 10));

test("the names that one drawing needs are one question, and the sign-in name stands until then", async () => {
  answer = () => page(["anna", "Anna Lindqvist"], ["ben", "Ben Carter"]);
  expect([agentName("anna"), agentName("ben"), agentName("anna"), agentName("gone"), agentName(null)]).toEqual(
    ["anna", "ben", "anna", "gone", ""],
  );
  await told();
  expect(calls).toEqual(["/api/v1/agents?names=anna,ben,gone&limit=200"]);
  expect([agentName("anna"), agentName("ben"), agentName("gone")]).toEqual(["Anna Lindqvist", "Ben Carter", "gone"]);
  await told();
  expect(calls).toHaveLength(1);
});

test("a question that failed is asked again by whoever draws the name next", async () => {
  answer = () => new Response("{}", { status: 500 });
  expect(agentName("cara")).toBe("cara");
  await told();
  answer = () => page(["cara", "Cara Dunn"]);
  expect(agentName("cara")).toBe("cara");
  await told();
  expect(agentName("cara")).toBe("Cara Dunn");
});
