import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../src");
const IMPORT = /^(?:import|export)\b[^"';]*?from "(\.[^"]+)"|^import "(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/gms;

/** What a module imports of ours, types and late imports included. */
function imports(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(IMPORT)].flatMap(([, one, two, three]) => {
    const path = resolve(dirname(file), (one ?? two ?? three)!);
    return [`${path}.ts`, `${path}.tsx`, resolve(path, "index.ts")].filter((name) => existsSync(name)).slice(0, 1);
  });
}

/** The first circle found from `file`, as the way around it. */
function circle(file: string, way: string[], done: Set<string>, of: (file: string) => string[]): string[] | null {
  if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
  if (done.has(file)) return null;
  for (const next of of(file)) {
    const found = circle(next, [...way, file], done, of);
    if (found) return found;
  }
  done.add(file);
  return null;
}

test("no module of the web app imports itself by a detour", () => {
  const files = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => resolve(root, name));
  expect(files.length).toBeGreaterThan(80);
  expect(files.flatMap(imports).length).toBeGreaterThan(300);
  const done = new Set<string>();
  const circles = files.map((file) => circle(file, [], done, imports)).filter((found) => found !== null);
  expect(circles.map((way) => way.map((file) => relative(root, file)).join(" → "))).toEqual([]);
});

test("the search does find a circle where there is one", () => {
  const of = (file: string) => ({ a: ["b"], b: ["c"], c: ["b"] })[file] ?? [];
  expect(circle("a", [], new Set(), of)).toEqual(["b", "c", "b"]);
});
