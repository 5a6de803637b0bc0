/** What the desktop knows of colleagues' chats, and what can be done there. */

import { batch, computed, effect, signal } from "@preact/signals";
import { Refused } from "../agent/commands";
import { chats as loadChats, type Colleague, colleagues, type Said } from "../api/colleagues";
import { t } from "../i18n";
import type { ItemView, Peer, PeerFrame, PeerRead } from "../protocol";
import { say } from "../ui/toast";
import { type Chats, fromCards, keyOf, merged, unreadOf, type Whom, whomOf, withRead, withSaid } from "./chats";
import { desk, onFrame, order, pending, refusal, tell, visible } from "./store";

/** The item that is spoken of next. */
export interface About {
  id: string;
  number: number;
}

export const opened = signal(false);
/** The chat that is shown; none: the list of them. */
export const shown = signal<Whom | null>(null);
export const about = signal<About | null>(null);
export const chats = signal<Chats>({});
export const failed = signal("");
export const loaded = signal(false);
/** What came by frames, by chat; the oldest goes first. */
export const heard = signal<Readonly<Record<string, readonly Said[]>>>({});
export const people = signal<Readonly<Record<string, Colleague>>>({});
export const unread = computed(() => unreadOf(chats.value));
/** What is being written, by chat: it survives closing the panel. */
export const drafts = signal<Readonly<Record<string, string>>>({});
/** Where the focus is to go, when the agent has asked for it. */
export const wanted = signal<"search" | "text" | null>(null);
/** Whether the newest of the chat that is shown can be seen. */
export const atEnd = signal(true);

const KEPT = 300;
const seen = new Set<string>();
const me = () => desk.peek().session?.agent.name ?? "";

export const nameOf = (login: string) =>
  login === me() ? t("peers.you") : people.value[login]?.display_name || login;
export const titleOf = (whom: Whom) => (whom.agent !== undefined ? nameOf(whom.agent) : whom.group);
export const waitingIn = (whom: Whom) =>
  pending.value.filter((one): one is Peer => one.t === "peer" && keyOf(toWhom(one)) === keyOf(whom));

function toWhom({ agent, group }: Pick<Peer, "agent" | "group">): Whom {
  return agent ? { agent } : { group: group ?? "" };
}

// -- what there is -----------------------------------------------------------------------------

let round = 0;
let came = 0;

/** Asks anew if something was said meanwhile: then nothing is counted twice, and nothing left out. */
export async function load(): Promise<void> {
  const mine = ++round;
  for (;;) {
    const before = came;
    try {
      const cards = await loadChats();
      if (mine !== round) return;
      if (came !== before) continue;
      batch(() => {
        chats.value = fromCards(cards);
        failed.value = "";
        loaded.value = true;
      });
      for (const { last } of cards) seen.add(last.id);
      await learn(cards.flatMap(({ agent, last }) => [agent ?? last.from, last.from]));
    } catch (error) {
      if (mine === round) failed.value = (error as Error).message;
    }
    return;
  }
}

/** Who they are, and whether they are there. */
export async function learn(logins: readonly string[], again = false): Promise<void> {
  const asked = [...new Set(logins)].filter((name) => name && name !== me() && (again || !(name in people.peek())));
  if (asked.length === 0) return;
  const { agents } = await colleagues(asked.slice(0, 200));
  note(agents);
}

export function note(agents: readonly Colleague[]): void {
  people.value = { ...people.peek(), ...Object.fromEntries(agents.map((one) => [one.name, one])) };
}

// -- what is said ------------------------------------------------------------------------------

function hear(frame: PeerFrame): void {
  const { t: _t, epoch: _epoch, seq: _seq, capacity: _capacity, ...message } = frame;
  const key = keyOf(whomOf(message, me()));
  const fresh = !seen.has(message.id);
  seen.add(message.id);
  came += 1;
  batch(() => {
    const list = merged(heard.peek()[key] ?? [], [message]).slice(-KEPT);
    heard.value = { ...heard.peek(), [key]: list };
    chats.value = withSaid(chats.peek(), message, me(), fresh);
  });
  if (message.refused) say(t("peers.refused_later"), true);
  const tellOf = () => {
    if (!fresh || message.from === me() || isSeen(key)) return;
    say(t("peers.news", { who: nameOf(message.from), text: message.body.slice(0, 120) }));
  };
  learn([message.from, message.agent ?? ""]).then(tellOf, tellOf);
}

function isSeen(key: string): boolean {
  const here = shown.peek();
  return opened.peek() && visible.peek() && atEnd.peek() && here !== null && keyOf(here) === key;
}

/** Says so as soon as the newest of a chat is on a screen that somebody can be looking at. */
function markRead(): void {
  const here = shown.value;
  if (!opened.value || !visible.value || !atEnd.value || !here) return;
  const key = keyOf(here);
  const chat = chats.value[key];
  if (!chat || chat.unread === 0) return;
  const last = [...(heard.value[key] ?? []), chat.last].findLast(({ from }) => from !== me()) ?? chat.last;
  chats.value = withRead(chats.peek(), key);
  tell<PeerRead>({ t: "peer_read", ...here, message: last.id });
}

let started = false;

export function startPeers(): void {
  if (started) return;
  started = true;
  let snapshots = 0;
  onFrame((frame, now) => {
    if (frame.t === "peer") hear(frame);
    if (frame.t === "peer_read") {
      came += 1;
      chats.value = withRead(chats.peek(), keyOf(toWhom(frame)));
    }
    if (now.snapshots !== snapshots) {
      snapshots = now.snapshots;
      heard.value = {};
      void load();
    }
  });
  effect(markRead);
}

// -- what can be done --------------------------------------------------------------------------

export function open(): void {
  batch(() => {
    opened.value = true;
    wanted.value = shown.value ? "text" : "search";
  });
}

export function close(): void {
  batch(() => {
    opened.value = false;
    about.value = null;
  });
}

export function toggle(): void {
  if (opened.value) close();
  else open();
}

/** Opens a chat to write in. */
export function writeTo(whom: Whom): void {
  batch(() => {
    shown.value = whom;
    opened.value = true;
    wanted.value = "text";
    atEnd.value = true;
  });
  if (whom.agent !== undefined) learn([whom.agent]).catch(() => undefined);
}

export function backToList(): void {
  batch(() => {
    shown.value = null;
    about.value = null;
    wanted.value = "search";
  });
}

/** To speak of an item: with whom one is in a chat, or with whom one chooses. */
export function speakOf(item: ItemView): void {
  about.value = { id: item.id, number: item.number };
  open();
}

/** Sends it; what is refused is left to be changed. Returns what went wrong, in words. */
export async function send(whom: Whom, body: string): Promise<string> {
  const key = keyOf(whom);
  const item = about.peek();
  drafts.value = { ...drafts.peek(), [key]: "" };
  try {
    const { body: answer } = await order<Peer>({ t: "peer", ...whom, item: item?.id ?? null, body }, true);
    if (typeof answer.held === "string") say(t("peers.held", { reason: answer.held }));
    return "";
  } catch (error) {
    if (!drafts.peek()[key]) drafts.value = { ...drafts.peek(), [key]: body };
    return error instanceof Refused ? refusal(error) : (error as Error).message;
  }
}
