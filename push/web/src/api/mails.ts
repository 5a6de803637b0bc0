/** Mails as they came, and what came with them (gateway/api/mails.py). */

import type { Signs } from "../protocol";
import { http, type Page } from "./http";

const at = encodeURIComponent;
const message = (id: string, what: string) => `/api/v1/messages/${at(id)}/${what}`;
const file = (id: string, what: string) => `/api/v1/attachments/${at(id)}/${what}`;

export interface HeaderField {
  name: string;
  value: string;
}

export interface Person {
  address: string;
  name: string;
}

/** A file in a mail; `path` is its place there. */
export interface ShownFile {
  path: string;
  name: string;
  type: string;
  size: number;
  inline_id: string;
}

export interface ShownMail {
  sender: Person | null;
  to: Person[];
  cc: Person[];
  subject: string;
  date: string | null;
  body: string;
  html: string | null;
  fold_from: number;
  files: ShownFile[];
  fields: HeaderField[];
  signs: Signs;
}

export interface Guest extends Person {
  role: string;
  answer: string;
}

export interface Recurs {
  rule: string;
  /** The rest says all that the rule says. */
  plain: boolean;
  every: "daily" | "weekly" | "monthly" | "yearly";
  interval: number;
  days: string[];
  month_days: number[];
  months: number[];
  count: number | null;
  until: string;
}

export interface Invitation {
  title: string;
  method: string;
  status: string;
  begins: string | null;
  ends: string | null;
  /** What a clock shows there; of whole days the first and the last. */
  local_begins: string;
  local_ends: string;
  zone: string;
  all_day: boolean;
  where: string;
  link: string;
  text: string;
  organiser: Guest | null;
  guests: Guest[];
  more_guests: number;
  recurs: Recurs | null;
  revision: number;
  occurrence: string;
}

export const headerOf = (id: string) => http.get<Page<HeaderField>>(message(id, "header"));
export const sourceOf = (id: string) => http.blob(message(id, "source"));

export const attachedMail = (id: string, inside: string) => http.get<ShownMail>(file(id, "mail"), { inside });
export const invitationsIn = (id: string, inside = "") => http.get<Page<Invitation>>(file(id, "invitations"), { inside });
export const insideOf = (id: string, inside: string) => http.blob(file(id, `inside?inside=${at(inside)}`));
