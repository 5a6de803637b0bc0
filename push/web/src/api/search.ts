/** Cases, what was said in them, and customers, by words or by number. */

import type { CaseStatus, ChannelKind } from "../protocol";
import { http } from "./http";

export interface Snippet {
  text: string;
  /** Begin and end, in characters as the server counts them: whole code points. */
  hits: [number, number][];
}

export interface FoundCase {
  case: { number: number; subject: string; status: CaseStatus; customer: { name: string } | null };
  kind: ChannelKind;
  at: string;
  snippet: Snippet | null;
}

export interface FoundCustomer {
  id: string;
  name: string;
  verified: boolean;
  identities: string[];
  latest: number | null;
}

export interface Found {
  cases: FoundCase[];
  customers: FoundCustomer[];
}

export const search = (q: string) => http.get<Found>("/api/v1/search", { q, limit: 10 });

/** The snippet in pieces, those that were looked for marked. */
export function pieces({ text, hits }: Snippet): { text: string; hit: boolean }[] {
  const letters = [...text];
  const found: { text: string; hit: boolean }[] = [];
  let at = 0;
  const take = (until: number, hit: boolean) => {
    if (until > at) found.push({ text: letters.slice(at, until).join(""), hit });
    at = Math.max(at, until);
  };
  for (const [begins, ends] of hits) {
    take(begins, false);
    take(ends, true);
  }
  take(letters.length, false);
  return found;
}
