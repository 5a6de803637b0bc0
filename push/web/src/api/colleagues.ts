/** Colleagues: who is there, and what they say to each other. */

import type { PeerFrame, Presence, Role } from "../protocol";
import { newId } from "../ui/ids";
import { http, type Page } from "./http";

const base = "/api/v1/colleagues";

export interface Colleague {
  name: string;
  display_name: string;
  role: Role;
  presence: Presence;
  reason: string;
  since: string;
  connected: boolean;
}

export interface Group {
  name: string;
  members: number;
  mine: boolean;
}

export interface Who {
  agents: Colleague[];
  groups: Group[];
  more: boolean;
}

/** What was said, as the one sees it who reads it. */
export type Said = Omit<PeerFrame, "t" | "epoch" | "seq" | "capacity">;

export interface ChatCard {
  agent?: string;
  group?: string;
  last: Said;
  unread: number;
}

/** What a rule has found; `held` waits for a verdict. */
export interface Found {
  id: string;
  from: string;
  agent: string | null;
  group: string;
  item: string | null;
  number: number;
  body: string;
  at: string;
  state: "sent" | "held" | "refused" | "barred";
  rule: string;
  reason: string;
}

export const who = (q: string) => http.get<Who>(base, { q, limit: 50 });
export const colleagues = (names: readonly string[]) => http.get<Who>(base, { names: names.join(), limit: 200 });

const MOST_PAGES = 10;

/** Every chat of one's own, newest first. */
export async function chats(): Promise<ChatCard[]> {
  const found: ChatCard[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer: Page<ChatCard> = await http.get(`${base}/chats`, { cursor, limit: 200 });
    found.push(...answer.items);
    cursor = answer.next;
    if (!cursor) break;
  }
  return found;
}

export type Place = { agent: string } | { group: string } | { item: string };
export const said = (where: Place, cursor: string | null, limit = 50) =>
  http.get<Page<Said>>(`${base}/messages`, { ...where, cursor, limit });

export const found = () => http.get<Page<Found>>(`${base}/reviews`, { limit: 200 });
export const judge = (id: string, body: { verdict: "released" | "refused" | "seen"; reason: string }) =>
  http.post<Found>(`${base}/reviews/${encodeURIComponent(id)}`, body, newId());
