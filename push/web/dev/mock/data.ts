/** A small company for the pretend node: customers, cases and what was said in them. */

import { randomUUID } from "node:crypto";
import type {
  AgentCard,
  Case,
  CaseView,
  ChannelKind,
  CustomerBrief,
  ItemView,
  Message,
} from "../../src/protocol.ts";

export const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

export const AGENTS: Record<string, AgentCard> = {
  anna: { name: "anna", display_name: "Anna Lindqvist", role: "agent" },
  sam: { name: "sam", display_name: "Sam Okafor", role: "supervisor" },
  ada: { name: "ada", display_name: "Ada Moreau", role: "admin" },
};

export interface Person extends CustomerBrief {
  identities: { kind: string; value: string; verified: boolean }[];
}

const person = (id: string, name: string, language: string, value: number, email: string, verified = true): Person => ({
  id,
  name,
  language,
  value,
  verified,
  identities: [
    { kind: "email", value: email, verified },
    ...(value > 2 ? [{ kind: "phone", value: "+34 600 555 017", verified: true }] : []),
    ...(value > 2 ? [{ kind: "account", value: "ES-7714-0093", verified: true }] : []),
  ],
});

export const PEOPLE = {
  rosa: person("c-rosa", "Rosa Vidal", "es", 4, "rosa.vidal@example.com"),
  jun: { ...person("c-jun", "", "zh", 0, "", true), identities: [{ kind: "visitor", value: "019a2c44-7f3a", verified: true }] },
  tom: person("c-tom", "Tom Baker", "en", 1, "tom@example.net"),
  mei: person("c-mei", "Mei Tanaka", "ja", 2, "mei@example.jp"),
  noor: person("c-noor", "Noor Haddad", "ar", 3, "noor@example.com"),
};

let numbers = 1040;

export interface Contact {
  case: Case;
  item: ItemView;
  messages: Message[];
}

interface Wish {
  who: Person | null;
  kind: ChannelKind;
  subject: string;
  body: string;
  html?: string;
  age: number;
  queue?: string;
  address?: string;
  priority?: number;
  attributes?: ItemView["attributes"];
  tags?: string[];
  due?: number;
}

const CHANNEL: Record<string, string> = { email: "support", webchat: "site", task: "backoffice", sms: "mobile" };

export function contact(wish: Wish): Contact {
  const number = ++numbers;
  const { who, kind, subject, age } = wish;
  const customer: CustomerBrief | null = who && {
    id: who.id,
    name: who.name,
    language: who.language,
    verified: who.verified,
    value: who.value,
  };
  const header: Case = {
    id: `case-${number}`,
    number,
    version: 1,
    opened_at: ago(age),
    channel: CHANNEL[kind] ?? kind,
    kind,
    customer,
    subject,
    type: "request",
    status: "open",
    category: "",
    stage: "",
    level: 1,
    tags: wish.tags ?? [],
    last_agent: null,
    last_seq: 0,
    joined_because: "",
    follows: null,
    changed_at: null,
  };
  const item: ItemView = {
    id: `item-${number}`,
    number,
    case: caseView(header),
    channel: header.channel,
    kind,
    queue: wish.queue ?? "general",
    state: "queued",
    version: 1,
    subject,
    preview: wish.body.slice(0, 120).replace(/\s+/g, " "),
    customer,
    language: who?.language ?? "",
    skills: {},
    priority: wish.priority ?? 0,
    created_at: ago(age),
    queued_at: ago(age),
    due_at: wish.due ? ago(-wish.due) : null,
    wake_at: null,
    agent: null,
    assigned_at: null,
    answered_at: null,
    wrapping_at: null,
    ended_at: null,
    address: wish.address ?? (kind === "email" ? (who?.identities[0]?.value ?? "") : ""),
    copies: [],
    reason: "",
    code: "",
    categories: [],
    attributes: wish.attributes ?? {},
  };
  const made: Contact = { case: header, item, messages: [] };
  if (wish.body) {
    say(made, { direction: "in", body: wish.body, html: wish.html ?? null, at: ago(age) });
  }
  return made;
}

export function caseView(header: Case): CaseView {
  const { id, number, subject, type, status, category, stage, level, tags, opened_at, last_seq } = header;
  return { id, number, subject, type, status, category, stage, level, tags, opened_at, last_seq };
}

/** Adds a message to a contact and returns it. */
export function say(to: Contact, part: Partial<Message>): Message {
  const direction = part.direction ?? "out";
  const who = to.case.customer;
  const seq = to.case.last_seq + 1;
  const message: Message = {
    id: randomUUID(),
    case: to.case.id,
    seq,
    direction,
    author:
      direction === "in"
        ? { kind: "customer", name: who?.name ?? "", id: who?.id ?? "", verified: who?.verified ?? false }
        : { kind: "agent", name: AGENTS.anna!.display_name, id: "anna", verified: true },
    at: ago(0),
    channel: to.case.channel,
    kind: to.case.kind,
    item: to.item.id,
    body: "",
    html: null,
    subject: to.case.kind === "email" ? to.case.subject : "",
    to: to.case.kind === "email" ? [direction === "in" ? "support@example.com" : to.item.address] : [],
    cc: [],
    attachments: [],
    delivery: direction === "out" ? "queued" : null,
    delivery_reason: "",
    external_id: "",
    client_id: "",
    fold_from: 0,
    ...part,
  };
  to.messages.push(message);
  to.case = { ...to.case, last_seq: seq };
  to.item = { ...to.item, case: caseView(to.case), preview: message.body.slice(0, 120) };
  return message;
}
