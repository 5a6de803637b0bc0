/** Historical figures: `GET /api/v1/reports/intervals` and the items behind one of them. */

import { http, type Page } from "./http";

const api = "/api/v1/reports";

export const DIMENSIONS = [
  "queue",
  "channel",
  "agent",
  "group",
  "site",
  "region",
  "category",
  "type",
  "level",
  "language",
  "segment",
  "code",
] as const;
export type Dimension = (typeof DIMENSIONS)[number];
/** A row: its step, what it is about, and measures by name; `null` where there is nothing to divide by. */
export type Row = { from: string; to: string } & Record<string, number | string | null>;

export interface Span {
  from: string;
  to: string;
}
export interface Report {
  as_of: string | null;
  items: Row[];
  next: string | null;
}
export interface Behind {
  item: string;
  number: number;
  created_at: string;
  outcome: string;
  queue: string;
  agent: string;
}
interface Wish extends Span {
  step: "15m" | "1h" | "1d" | "all";
  zone: string;
  measures: readonly string[];
  by?: Dimension;
}

const MOST_PAGES = 10;

/** All pages of a report, or the first thousands of its rows. */
export async function intervals({ measures, ...wish }: Wish): Promise<Report> {
  const query = { ...wish, measures: measures.join(","), limit: 200 };
  const report = await http.get<Report>(`${api}/intervals`, query);
  for (let pages = 1; report.next && pages < MOST_PAGES; pages += 1) {
    const page = await http.get<Report>(`${api}/intervals`, { ...query, cursor: report.next });
    report.items.push(...page.items);
    report.next = page.next;
  }
  return report;
}

export const reportFile = (wish: Wish) =>
  http.blob(`${api}/intervals`, { ...wish, measures: wish.measures.join(","), format: "csv" });

export const behind = (span: Span, measure: string, by: Dimension, value: string) =>
  http.get<Page<Behind>>(`${api}/items`, { ...span, measure, [by]: value, limit: 100 });
