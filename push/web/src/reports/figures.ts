/** How measures are written, and what a change of them means. */

import { region } from "../i18n";
import { duration } from "../ui/time";

export const LEVELS = [
  "service_level_aws",
  "service_level_genesys",
  "service_level_asterisk",
  "service_level_asterisk2",
] as const;
/** What stands at the top: each measure with those that must never be without it. */
export const FIGURES = [
  { name: "offered", beside: ["answered", "abandoned"] },
  { name: "abandon_rate", beside: ["short_abandoned"] },
  { name: "asa", beside: ["wait_median", "wait_p90", "wait_p99", "wait_longest"] },
  { name: "aht", beside: ["aht_shared"] },
  { name: "occupancy_shared", beside: ["occupancy", "concurrency"] },
  { name: "first_reply", beside: ["next_reply", "resolution"] },
  { name: "fcr", beside: ["level_one_rate", "solved"] },
  { name: "csat", beside: ["score", "rated"] },
] as const;
export const TABLE = ["offered", "answered", "abandoned", "asa", "wait_p90", "aht", "transferred", "missed", "fcr", "csat"] as const;
/** What has items behind it. */
export const COUNTED: ReadonlySet<string> = new Set(["offered", "answered", "abandoned", "transferred", "missed"]);
export const SHOWN = [...new Set([...FIGURES.flatMap(({ name, beside }) => [name, ...beside]), ...LEVELS, ...TABLE])];

const SHARES: ReadonlySet<string> = new Set<string>(["abandon_rate", "fcr", "csat", "occupancy", "occupancy_shared", "level_one_rate", ...LEVELS]);
const POINTS: ReadonlySet<string> = new Set(["score", "concurrency"]);
const COUNTS: ReadonlySet<string> = new Set(["offered", "answered", "abandoned", "short_abandoned", "transferred", "missed", "solved", "rated"]);
export const isCount = (name: string) => COUNTS.has(name);
/** The less of it the better. */
const BETTER_LESS: ReadonlySet<string> = new Set(["abandon_rate", "abandoned", "asa", "aht", "first_reply"]);
const NEITHER: ReadonlySet<string> = new Set(["offered", "aht", "occupancy_shared"]);

/** A measure for people; "–" where there was nothing to divide by. */
export function shown(name: string, value: number | string | null | undefined): string {
  if (typeof value !== "number") return "–";
  if (SHARES.has(name)) return number(value, { style: "percent", maximumFractionDigits: 1 });
  if (POINTS.has(name)) return number(value, { maximumFractionDigits: 2 });
  if (COUNTS.has(name)) return number(value, {});
  return duration(value * 1000);
}

const number = (value: number, options: Intl.NumberFormatOptions) => new Intl.NumberFormat(region.value, options).format(value);

/** "+12 %" against the period before, and whether that is good; `null`: nothing to compare. */
export function change(name: string, now: unknown, was: unknown): { text: string; good: boolean | null } | null {
  if (typeof now !== "number" || typeof was !== "number" || was === 0) return null;
  const share = now / was - 1;
  const text = number(share, { style: "percent", maximumFractionDigits: 0, signDisplay: "exceptZero" });
  const good = NEITHER.has(name) || Math.abs(share) < 0.005 ? null : share < 0 === BETTER_LESS.has(name);
  return { text, good };
}
