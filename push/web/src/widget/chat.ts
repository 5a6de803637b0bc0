/**
 * What the window knows, and how each thing that happens changes it: a pure reducer.
 *
 * `seq` is the last message shown of `conversation`; what is not above it was shown before.
 * A message written here waits in `pending` under an id of its own until the server shows it or
 * answers for it, and is repeated under that id after every reconnect: the server does it once.
 */

import type { AttachmentCard, Author, CallbackCard, ChatState, ClientFrame, Profile, PromiseCard, ServerFrame, Site } from "./frames.ts";
import { VERSION } from "./frames.ts";

/** A message of the transcript. `conversation` and `seq` are its place. */
export interface Said {
  id: string;
  conversation: string;
  seq: number;
  author: Author;
  body: string;
  at: string;
  clientId?: string;
  attachments?: AttachmentCard[];
  /** Answers that can be pressed. */
  quickReplies?: string[];
  /** Its writer said it otherwise, or took it back. */
  changed?: "edited" | "deleted";
  /** Until when (ms) it may be said otherwise, or taken back. */
  mine?: number;
}

/** Second thoughts that the server has not answered yet; without `body` it is taken back. */
export interface Amend {
  id: string;
  message: string;
  body?: string;
}

/** A message on its way. `failed` is an error code; `heldUntil` (ms) when it may be sent again. */
export interface Pending {
  id: string;
  body: string;
  at: string;
  files?: AttachmentCard[];
  failed?: string;
  heldUntil?: number;
}

export interface Standing {
  state: ChatState;
  position?: number;
  estimate?: number;
  agent?: string;
  callback?: CallbackCard;
  promises?: PromiseCard[];
  callme?: boolean;
}

/** A call that was asked for or taken back, and what became of it. */
export interface Asked {
  frame: Extract<ClientFrame, { t: "callme" | "cancel_call" }>;
  failed?: string;
}

export interface Chat {
  token: string | null;
  conversation: string | null;
  number: number | null;
  seq: number;
  said: readonly Said[];
  pending: readonly Pending[];
  amends: readonly Amend[];
  /** The last second thoughts came to nothing. */
  amendFailed: boolean;
  standing: Standing;
  delivered: number;
  read: number;
  /** Up to where the visitor has read the agents' messages. */
  seen: number;
  unread: number;
  typing: { name: string; until: number } | null;
  site: Site;
  heartbeat: number;
  opensAt: string | null;
  /** When one can be called, as it was asked last, and a number as it is written. */
  times: { periods: [string, string][]; example: string } | null;
  asked: Asked | null;
  /** How did it go? Of which conversation, in whose words; once an answer is given, what that is. */
  survey: { id: string; question: string; answer?: Extract<ClientFrame, { t: "survey" }> } | null;
  /** The conversation that was asked about last: once is enough. */
  surveyed: string | null;
  /** `greeting` from hello to welcome; commands go out only when `live`. */
  line: "down" | "greeting" | "live";
}

export interface Who {
  channel: string;
  locale: string;
  page?: string;
  profile?: Profile;
  identity?: string;
}

export type Happening =
  | { do: "opened"; who: Who }
  | { do: "closed" }
  | { do: "frame"; frame: ServerFrame; now: number; looking: boolean }
  | { do: "write"; id: string; body: string; at: string; files?: AttachmentCard[] }
  | { do: "discard"; id: string }
  | { do: "amend"; id: string; message: string; body?: string }
  | { do: "typing"; on: boolean }
  | { do: "look" }
  | { do: "time"; now: number }
  | { do: "times"; id: string }
  | { do: "call"; frame: Asked["frame"] }
  | { do: "rate"; score: number; comment: string }
  | { do: "unrated" }
  | { do: "end" };

export interface Step {
  chat: Chat;
  send: ClientFrame[];
  /** Reconnect there. */
  move?: string;
}

export const KEPT = 300;
const TYPING_MS = 8_000;
const HOLD_MS = 3_000;
/** A little less than the server gives: what is sent at its end comes too late. */
export const AMEND_MS = 55_000;
const AGAIN = new Set(["too_fast", "unavailable", "internal"]);

export function newChat(): Chat {
  return {
    token: null,
    conversation: null,
    number: null,
    seq: 0,
    said: [],
    pending: [],
    amends: [],
    amendFailed: false,
    standing: { state: "closed" },
    delivered: 0,
    read: 0,
    seen: 0,
    unread: 0,
    typing: null,
    site: {},
    heartbeat: 10,
    opensAt: null,
    times: null,
    asked: null,
    survey: null,
    surveyed: null,
    line: "down",
  };
}

export function step(chat: Chat, event: Happening): Step {
  switch (event.do) {
    case "opened":
      return { chat: { ...chat, line: "greeting" }, send: [hello(chat, event.who)] };
    case "closed":
      return { chat: { ...chat, line: "down", typing: null }, send: [] };
    case "frame":
      return receive(chat, event.frame, event.now, event.looking);
    case "write": {
      const pending: Pending = { id: event.id, body: event.body, at: event.at };
      if (event.files) pending.files = event.files;
      const next = { ...chat, pending: [...chat.pending, pending] };
      return { chat: next, send: chat.line === "live" ? [send(pending)] : [] };
    }
    case "amend": {
      const amend: Amend = { id: event.id, message: event.message };
      if (event.body !== undefined) amend.body = event.body;
      const next = { ...chat, amends: [...chat.amends, amend], amendFailed: false };
      return { chat: next, send: chat.line === "live" ? [amending(amend)] : [] };
    }
    case "discard":
      return { chat: { ...chat, pending: chat.pending.filter((p) => p.id !== event.id) }, send: [] };
    case "typing":
      return { chat, send: chat.line === "live" && chat.conversation ? [{ t: "typing", on: event.on }] : [] };
    case "look":
      return look(chat);
    case "time":
      return passTime(chat, event.now);
    case "times":
      return { chat, send: chat.line === "live" ? [{ t: "times", id: event.id }] : [] };
    case "call":
      return { chat: { ...chat, asked: { frame: event.frame } }, send: chat.line === "live" ? [event.frame] : [] };
    case "rate": {
      if (!chat.survey) return { chat, send: [] };
      const answers = event.comment ? { score: event.score, comment: event.comment } : { score: event.score };
      const answer = { t: "survey" as const, id: chat.survey.id, answers };
      const next = { ...chat, survey: { ...chat.survey, answer }, surveyed: chat.survey.id };
      return { chat: next, send: chat.line === "live" ? [answer] : [] };
    }
    case "unrated":
      return { chat: { ...chat, survey: null, surveyed: chat.survey?.id ?? chat.surveyed }, send: [] };
    case "end":
      return { chat, send: chat.line === "live" ? [{ t: "end" }] : [] };
  }
}

function hello(chat: Chat, who: Who): ClientFrame {
  const frame: ClientFrame = { t: "hello", channel: who.channel, versions: [VERSION] };
  if (chat.token) frame.visitor = chat.token;
  if (who.identity) frame.identity = who.identity;
  if (chat.conversation) frame.resume = { seq: chat.seq, conversation: chat.conversation };
  if (who.profile) frame.profile = who.profile;
  frame.locale = who.locale;
  if (who.page) frame.page = who.page;
  return frame;
}

function send(pending: Pending): ClientFrame {
  const { id, body, files } = pending;
  return files ? { t: "send", id, body, attachments: files.map((file) => file.id) } : { t: "send", id, body };
}

function amending({ id, message, body }: Amend): ClientFrame {
  return body === undefined ? { t: "delete", id, message } : { t: "edit", id, message, body };
}

function receive(chat: Chat, frame: ServerFrame, now: number, looking: boolean): Step {
  switch (frame.t) {
    case "welcome":
      return welcome(chat, frame);
    case "message":
      return message(chat, frame, looking, now);
    case "ok":
      return only(answered(chat, frame));
    case "error":
      return only(frame.re === null ? chat : failed(chat, frame.re, frame.code, now, frame.after));
    case "delivered":
      return only({ ...chat, delivered: Math.max(chat.delivered, frame.seq) });
    case "read":
      return only({ ...chat, read: Math.max(chat.read, frame.seq) });
    case "typing":
      return only({ ...chat, typing: frame.on ? { name: frame.name, until: now + TYPING_MS } : null });
    case "state": {
      const { t: _, opens_at, ...standing } = frame;
      const typing = frame.state === "active" ? chat.typing : null;
      return only({ ...chat, standing, typing, opensAt: opens_at ?? null });
    }
    case "times":
      return only({ ...chat, times: { periods: frame.periods, example: frame.example ?? "" } });
    case "edited":
      return only({ ...chat, said: chat.said.map((s) => (s.id === frame.message ? { ...s, body: frame.body, changed: "edited" } : s)) });
    case "deleted":
      return only({ ...chat, said: chat.said.map((s) => (s.id === frame.message ? takenBack(s) : s)) });
    case "moved":
      return { chat, send: [], move: frame.url };
    case "survey":
      if (chat.surveyed === frame.id || chat.survey?.id === frame.id) return only(chat);
      return only({ ...chat, survey: { id: frame.id, question: frame.questions[0] ?? "" } });
    case "tick":
      return only(chat);
    default:
      return only(chat); // a newer server may say more
  }
}

const only = (chat: Chat): Step => ({ chat, send: [] });

type Frame<T extends ServerFrame["t"]> = Extract<ServerFrame, { t: T }>;

function welcome(chat: Chat, frame: Frame<"welcome">): Step {
  const arrived = chat.line === "greeting";
  let next: Chat = {
    ...chat,
    line: "live",
    token: frame.visitor,
    conversation: frame.conversation,
    number: frame.number,
    standing: chat.standing.state === frame.state ? chat.standing : { state: frame.state },
    site: frame.site,
    heartbeat: frame.heartbeat,
    opensAt: frame.opens_at ?? null,
  };
  if (frame.anew) next = { ...next, said: [], unread: 0, asked: null, amends: [] };
  if (frame.anew || frame.conversation !== chat.conversation) {
    next = { ...next, seq: 0, delivered: 0, read: 0, seen: 0, survey: null };
  } else if (frame.seq < chat.seq) {
    // The server remembers less than we do (it was restored): its word counts.
    const said = chat.said.filter((s) => s.conversation !== frame.conversation);
    next = { ...next, said, seq: 0, delivered: 0, read: 0, seen: 0, unread: 0 };
  }
  const repeated = next.pending.filter((p) => !p.failed).map((p) => ({ ...p, heldUntil: undefined }));
  if (!arrived) return only(next);
  next = { ...next, pending: next.pending.map((p) => (p.failed ? p : { ...p, heldUntil: undefined })) };
  const asked = next.asked && !next.asked.failed ? [next.asked.frame] : [];
  return { chat: next, send: [...repeated.map(send), ...next.amends.map(amending), ...asked, ...(next.survey?.answer ? [next.survey.answer] : [])] };
}

function takenBack({ attachments: _, quickReplies: __, mine: ___, ...said }: Said): Said {
  return { ...said, body: "", changed: "deleted" };
}

function message(chat: Chat, frame: Frame<"message">, looking: boolean, now: number): Step {
  if (chat.conversation === null || frame.seq <= chat.seq) return only(chat);
  const said: Said = {
    id: frame.id,
    conversation: chat.conversation,
    seq: frame.seq,
    author: frame.author,
    body: frame.body,
    at: frame.at,
  };
  if (frame.client_id) said.clientId = frame.client_id;
  if (frame.attachments.length) said.attachments = frame.attachments;
  if (frame.quick_replies?.length) said.quickReplies = frame.quick_replies;
  if (frame.edited || frame.deleted) said.changed = frame.deleted ? "deleted" : "edited";
  if (frame.client_id && chat.pending.some((p) => p.id === frame.client_id)) said.mine = now + AMEND_MS;
  const theirs = frame.author.kind === "agent" || said.quickReplies !== undefined;
  const next: Chat = {
    ...chat,
    seq: frame.seq,
    said: inPlace(chat.said, said),
    pending: frame.client_id ? chat.pending.filter((p) => p.id !== frame.client_id) : chat.pending,
    typing: theirs ? null : chat.typing,
    unread: theirs && !looking ? chat.unread + 1 : chat.unread,
  };
  return theirs && looking ? look(next) : only(next);
}

/** Its place is by conversation (ids rise with time) and seq; what is known already is replaced. */
function inPlace(all: readonly Said[], said: Said): Said[] {
  const others = all.filter(
    (s) => !(s.conversation === said.conversation && (s.seq === said.seq || (s.clientId && s.clientId === said.clientId))),
  );
  let at = others.length;
  while (at > 0 && after(others[at - 1] as Said, said)) at--;
  others.splice(at, 0, said);
  return others.slice(-KEPT);
}

function after(a: Said, b: Said): boolean {
  return a.conversation === b.conversation ? a.seq > b.seq : a.conversation > b.conversation;
}

/** The answer comes after the message; alone it comes only for an earlier conversation. */
function answered(chat: Chat, frame: Frame<"ok">): Chat {
  if (chat.asked?.frame.id === frame.re) return { ...chat, asked: null };
  if (chat.survey?.answer?.id === frame.re) return { ...chat, survey: null };
  if (chat.amends.some((a) => a.id === frame.re)) return { ...chat, amends: chat.amends.filter((a) => a.id !== frame.re) };
  const pending = chat.pending.find((p) => p.id === frame.re);
  if (!pending) return chat;
  const said: Said = {
    id: pending.id,
    conversation: frame.conversation ?? chat.conversation ?? "",
    seq: frame.seq,
    author: { kind: "customer", name: "" },
    body: pending.body,
    at: pending.at,
    clientId: pending.id,
  };
  if (pending.files) said.attachments = pending.files;
  return { ...chat, said: inPlace(chat.said, said), pending: chat.pending.filter((p) => p !== pending) };
}

function failed(chat: Chat, re: string, code: string, now: number, after?: number): Chat {
  if (chat.asked?.frame.id === re) return { ...chat, asked: { ...chat.asked, failed: code } };
  if (chat.survey?.answer?.id === re) return { ...chat, survey: null };
  if (chat.amends.some((a) => a.id === re)) {
    // it is sent again by itself only after a new connection: a minute is soon over
    return { ...chat, amends: chat.amends.filter((a) => a.id !== re), amendFailed: true };
  }
  const hold = AGAIN.has(code);
  const mark = (p: Pending): Pending =>
    hold ? { ...p, heldUntil: now + (after === undefined ? HOLD_MS : after * 1000) } : { ...p, failed: code };
  return { ...chat, pending: chat.pending.map((p) => (p.id === re ? mark(p) : p)) };
}

function repeat(chat: Chat, which: (p: Pending) => boolean): Step {
  const again = chat.pending.filter(which);
  if (!again.length) return only(chat);
  const free = ({ heldUntil: _, failed: __, ...p }: Pending): Pending => p;
  const pending = chat.pending.map((p) => (which(p) ? free(p) : p));
  return { chat: { ...chat, pending }, send: chat.line === "live" ? again.map(send) : [] };
}

/** The visitor sees the window: what the agents wrote is read. */
function look(chat: Chat): Step {
  let newest = 0;
  for (const s of chat.said) if (s.conversation === chat.conversation && s.author.kind === "agent") newest = s.seq;
  if (newest <= chat.seen) return only(chat.unread ? { ...chat, unread: 0 } : chat);
  if (chat.line !== "live") return only({ ...chat, unread: 0 });
  return { chat: { ...chat, unread: 0, seen: newest }, send: [{ t: "read", seq: newest }] };
}

function passTime(chat: Chat, now: number): Step {
  const typing = chat.typing && chat.typing.until <= now ? null : chat.typing;
  const over = (s: Said) => s.mine !== undefined && s.mine <= now;
  const said = chat.said.some(over) ? chat.said.map((s) => (over(s) ? settled(s) : s)) : chat.said;
  const next = typing === chat.typing && said === chat.said ? chat : { ...chat, typing, said };
  if (chat.line !== "live") return only(next);
  return repeat(next, (p) => p.heldUntil !== undefined && p.heldUntil <= now);
}

function settled({ mine: _, ...said }: Said): Said {
  return said;
}

export type Mark = "sending" | "failed" | "sent" | "delivered" | "read";

/** How far one's own message has come. */
export function markOf(chat: Chat, said: Said): Mark {
  if (said.conversation !== chat.conversation) return "sent";
  if (said.seq <= chat.read) return "read";
  return said.seq <= chat.delivered ? "delivered" : "sent";
}
