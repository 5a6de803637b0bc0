/** Periods of reports, by the clocks of the reader's zone, in full quarters of an hour. */

import type { Span } from "../api/reports";

export const PERIODS = ["today", "yesterday", "d7", "d30", "d90"] as const;
export type Period = (typeof PERIODS)[number];
const DAYS: Record<Period, number> = { today: 1, yesterday: 1, d7: 7, d30: 30, d90: 90 };
const QUARTER = 900_000;

/** From a local midnight until the quarter of an hour that is going on, or until the next midnight. */
export function spanOf(period: Period, now: number): Span {
  const start = new Date(now);
  start.setHours(0, 0, 0, 0);
  if (period === "yesterday") {
    const end = new Date(start);
    start.setDate(start.getDate() - 1);
    return spanning(start.getTime(), end.getTime());
  }
  start.setDate(start.getDate() - DAYS[period] + 1);
  return spanning(start.getTime(), Math.floor(now / QUARTER) * QUARTER + QUARTER);
}

/** As long before, by the same clocks: of today until ten, yesterday until ten. */
export function before(period: Period, span: Span): Span {
  const back = (time: string) => {
    const date = new Date(time);
    date.setDate(date.getDate() - DAYS[period]);
    return date.getTime();
  };
  return spanning(back(span.from), back(span.to));
}

/** Hours where they can be told apart, else days. */
export const stepOf = (period: Period): "1h" | "1d" => (DAYS[period] === 1 ? "1h" : "1d");

/** When each step begins, in ms: at full hours or local midnights, whatever the clocks do between. */
export function stepsOf(span: Span, step: "1h" | "1d"): number[] {
  const end = Date.parse(span.to);
  const found: number[] = [];
  const at = new Date(span.from);
  while (at.getTime() < end) {
    found.push(at.getTime());
    if (step === "1h") at.setTime(at.getTime() + 4 * QUARTER);
    else at.setDate(at.getDate() + 1);
  }
  return found;
}

function spanning(from: number, to: number): Span {
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}
