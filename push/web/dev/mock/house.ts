/** The pretend company's directory, channels and lists for the supervisor and admin pages. */

import type { AgentAtWork, ChannelInfo, Code, ItemEvent, Quarantined, Skill, Token } from "../../src/api/resources.ts";
import type { Outgoing, Queue } from "../../src/protocol.ts";
import { ago } from "./data.ts";
import { CANNED, LETTERS } from "./wordings.ts";

const queue = (name: string, display_name: string, part: Partial<Queue> = {}): Queue => ({
  name, display_name, skills: {}, priority: 0, affinity_seconds: 30, offer_seconds: {},
  service_level_seconds: 3600, take_allowed: false, wrapup_required: true, overflow_after: null, ...part,
});
export const QUEUES: Queue[] = [
  queue("general", "General care"),
  queue("billing", "Billing and refunds", { skills: { billing: 2 }, priority: 5 }),
  queue("backoffice", "Back office", { take_allowed: true, service_level_seconds: 28_800 }),
];

const agent = (name: string, display_name: string, part: Partial<AgentAtWork> = {}): AgentAtWork => ({
  name, display_name, role: "agent", skills: { en: 5 }, queues: [], groups: [], capacity: {}, site: "", closed: "", active: true,
  presence: "ready", reason: "", connected: true, ...part,
});
export const AGENTS_AT_WORK: AgentAtWork[] = [
  agent("anna", "Anna Lindqvist", { skills: { en: 5, es: 4, ja: 3, billing: 3 } }),
  agent("ben", "Ben Carter", { skills: { en: 5, billing: 4 } }),
  agent("chen", "Chen Wei", { skills: { zh: 5, en: 3 }, presence: "not_ready", reason: "lunch" }),
  agent("dina", "Dina Rahmani", { skills: { ar: 5, fr: 4 }, connected: false, presence: "not_ready", reason: "signed_out" }),
  agent("sam", "Sam Okafor", { role: "supervisor" }),
  agent("ada", "Ada Moreau", { role: "admin", connected: false, presence: "not_ready", reason: "signed_out" }),
];

export const CODES: Code[] = [
  { name: "answered", label: "Answered" },
  { name: "refund", label: "Refund promised" },
  { name: "fixed", label: "Fixed" },
  { name: "passed_on", label: "Passed on" },
  { name: "spam", label: "Not for us" },
];
export const SKILLS: Skill[] = [
  { name: "en", label: "English" }, { name: "es", label: "Spanish" }, { name: "zh", label: "Chinese" },
  { name: "ar", label: "Arabic" }, { name: "billing", label: "Billing" },
];
export const TOKENS: Token[] = [
  { id: "t1", agent: "anna", role: "agent", label: "desktop", created_at: ago(5400), expires_at: ago(-37_800) },
  { id: "t2", agent: "ada", role: "admin", label: "bootstrap", created_at: ago(900_000), expires_at: null },
];
const PARKED = "the mailbox refused the password of billing@example.com (AUTHENTICATIONFAILED)";
const channel = (name: string, kind: string, part: Partial<ChannelInfo> = {}): ChannelInfo => ({
  name, kind, queue: "general", health: "up", reason: "", code: "", counts: {}, declared_in: "", node: "", since: ago(9000),
  next_try: null, last_success: null, ...part,
});
export const CHANNELS: ChannelInfo[] = [
  channel("support", "email", { counts: { server: 431, stored: 12_406, quarantined: 1, withheld: 0, gone: 2, waiting: 0 }, last_success: ago(12), declared_in: "switchroom.toml" }),
  channel("billing", "email", { queue: "billing", health: "parked", reason: PARKED, code: "bad_credentials", counts: { server: 1204, stored: 1203, quarantined: 0, withheld: 0, gone: 0, waiting: 0 }, last_success: ago(7300) }),
  channel("orders", "email", { counts: { server: 88, stored: 88, quarantined: 0, withheld: 0, gone: 0, waiting: 0 }, last_success: ago(3) }),
  channel("returns", "email", { health: "down", reason: "imap.example.net:993: no answer in time", code: "unreachable", counts: { server: 20, stored: 19, quarantined: 0, withheld: 1, gone: 0, waiting: 0 }, last_success: ago(600), next_try: ago(-40) }),
  channel("relay", "email", { counts: { stored: 512, quarantined: 0, repeated: 3, put_off: 0 }, last_success: ago(1) }),
  channel("site", "webchat", { declared_in: "switchroom.toml" }),
  channel("mobile", "sms", { health: "down", reason: "the provider does not answer; trying again in 5 s", code: "unreachable" }),
  channel("backoffice", "task", { queue: "backoffice", declared_in: "switchroom.toml" }),
];
export const QUARANTINE: Quarantined[] = [
  { id: "q1", channel: "support", at: ago(4300), subject: "nuqneH", size: 131, reason: "the header From cannot be decoded: unknown charset x-klingon" },
];
export const RAW = 'Return-Path: <odd@example.com>\r\nFrom: =?x-klingon?Q?=FF=FE?= <odd@example.com>\r\nTo: support@example.com\r\nSubject: nuqneH\r\n\r\nHello?\r\n';
const outgoing = (id: string, part: Partial<Outgoing>): Outgoing => ({
  id, channel: "support", kind: "email", purpose: "message", state: "pending", version: 3, created_at: ago(700), next_at: ago(-50),
  expires_at: ago(-80_000), attempts: 3, repeats: 0, case: null, number: 1041, item: null, message: null, address: "rosa.vidal@example.com",
  reason: "451 greylisted, try again later", receipt: "", payload: {}, unsettled: false, thread: [], ...part,
});
export const OUTBOX: Outgoing[] = [
  outgoing("o1", {}),
  outgoing("o2", { state: "failed", address: "nobody@example.net", reason: "550 mailbox does not exist", attempts: 1, number: 1052 }),
  outgoing("o3", { channel: "backoffice", kind: "task", purpose: "status", address: "https://crm.example.com/hook", attempts: 1, reason: "503", number: 1043 }),
];
export const EVENTS: ItemEvent[] = [
  { at: ago(900), kind: "item_created", text: "Came in by e-mail to support; opened case #1041", data: {} },
  { at: ago(899), kind: "item_queued", text: "Waits in general: Spanish at least 2", data: {} },
  { at: ago(890), kind: "offer_made", text: "Offered to Chen Wei: longest idle", data: { seconds: 120 } },
  { at: ago(850), kind: "offer_declined", text: "Chen Wei declined: not my field", data: {} },
  { at: ago(848), kind: "offer_made", text: "Offered to Anna Lindqvist: Spanish level 4", data: { seconds: 120 } },
  { at: ago(840), kind: "offer_accepted", text: "Anna Lindqvist accepted", data: {} },
];
export const INBOX: { from: string; subject: string; body: string; at: string; in_reply_to: string | null }[] = [
  { from: "Support <support@example.com>", subject: "Re: My parcel is late", body: "Hello Alex,\n\nyour parcel leaves the warehouse tonight and reaches you on Thursday.\n\nAnna", at: ago(320), in_reply_to: "<1@demo.example>" },
];

export function receive(subject: string): void {
  setTimeout(() => INBOX.unshift({ from: "Support <support@example.com>", subject: `Re: ${subject}`, body: "Thank you, we look into it.\n\nAnna", at: ago(0), in_reply_to: "<2@demo.example>" }), 6000).unref();
}

export function settle(list: string, id: string): void {
  const rows: { id: string }[] = list === "outbox" ? OUTBOX : QUARANTINE;
  const index = rows.findIndex((row) => row.id === id);
  if (index >= 0) rows.splice(index, 1);
}

export function reset(): void {
  Object.assign(CHANNELS[1]!, { health: "parked", reason: PARKED, code: "bad_credentials" });
}

const LISTS: Record<string, { name: string }[]> = { agents: AGENTS_AT_WORK, queues: QUEUES, codes: CODES, skills: SKILLS, canned: CANNED, letters: LETTERS };

export function put(kind: string, name: string, body: Record<string, unknown>): boolean {
  if (!/^[a-z0-9_-]+$/i.test(name)) return false;
  const rows = LISTS[kind]!;
  const known = rows.find((row) => row.name === name);
  const blank = kind === "agents" ? agent(name, "") : kind === "queues" ? queue(name, "") : { name };
  if (known) Object.assign(known, body);
  else rows.push(Object.assign(blank, body, { name }));
  return true;
}

/** How something that waits stands. */
export const WAITS = {
  needs: "billing 3, de",
  ring: 1,
  fitting: 4,
  not_asked: "",
  groups: [
    { why: "lacks de", count: 9, agents: ["ben", "carla", "dov", "eve", "finn"] },
    { why: "no capacity left", count: 3, agents: ["anna", "greta", "hugo"] },
    { why: "could take it", count: 1, agents: ["ines"] },
  ],
  rings: [{ ring: 2, lets: "levels lower by 1, also en", agents: 7, at: new Date(Date.now() + 90_000).toISOString(), expected_wait: 900 }],
};
