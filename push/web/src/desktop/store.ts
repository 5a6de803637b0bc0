/** What the desktop's screens read, and how they give orders. */

import { computed, signal } from "@preact/signals";
import { browserEnvironment } from "../agent/browser";
import { Refused } from "../agent/commands";
import { Connection, type Status, type WithoutId } from "../agent/connection";
import { EMPTY, type Desk } from "../agent/state";
import { nodes } from "../agent/where";
import { healing, noteNodes } from "../api/nodes";
import { endSession, noteAgent, session } from "../api/session";
import type { Command, ItemView, Ok, OfferView, ServerFrame } from "../protocol";
import { t, word } from "../i18n";
import { readStored, writeStored } from "../ui/storage";
import { noteServerTime } from "../ui/time";
import { say } from "../ui/toast";

export const desk = signal<Desk>(EMPTY);
export const status = signal<Status>({ kind: "connecting" });
/** Commands without an answer yet: shown as "sending". */
export const pending = signal<readonly Command[]>([]);

export const byAge = (a: ItemView, b: ItemView) => a.created_at.localeCompare(b.created_at);

export const items = computed(() => Object.values(desk.value.items).sort(byAge));
export const offers = computed<OfferView[]>(() =>
  Object.values(desk.value.offers).sort((a, b) => a.deadline.localeCompare(b.deadline)),
);
export const offline = computed(() => status.value.kind !== "online");

/** Whether somebody can be looking at this tab. */
export const visible = signal(document.visibilityState === "visible");
document.addEventListener("visibilitychange", () => (visible.value = document.visibilityState === "visible"));

/** Whether this machine has a network at all. */
export const network = signal(navigator.onLine);
for (const event of ["online", "offline"]) addEventListener(event, () => (network.value = navigator.onLine));

// -- the connection ----------------------------------------------------------------------------

let connection: Connection | null = null;

function tabName(): string {
  return `desktop ${navigator.language}`;
}

export async function connect(token: string): Promise<void> {
  const known = await nodes();
  if (session.peek()?.token !== token) return; // signed out meanwhile
  connection?.stop();
  const owner = token.slice(-12);
  connection = new Connection(
    browserEnvironment(owner),
    {
      onDesk,
      onStatus: (next) => onStatus(next, token),
      onPending: (commands) => (pending.value = commands),
      onNode: (_, all) => noteNodes(all),
    },
    token,
    [...new Set(known)],
    tabName(),
  );
  connection.start();
}

export function disconnect(): void {
  connection?.stop();
  connection = null;
  healing.value = false;
  desk.value = EMPTY;
  pending.value = [];
}

export function nudge(): void {
  connection?.nudge();
}

const listeners = new Set<(frame: ServerFrame, desk: Desk) => void>();

/** For what is about a frame itself rather than about the state: sounds, notices. */
export function onFrame(listener: (frame: ServerFrame, desk: Desk) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function onDesk(next: Desk, frame: ServerFrame): void {
  if (frame.t === "welcome" || frame.t === "tick") noteServerTime(frame.server_time);
  if (frame.t === "welcome") noteAgent(frame.agent);
  if (frame.t === "alert") {
    const { number, queue } = frame;
    say(t("alert.overdue", { clock: word("clock", frame.clock), number, queue }), true);
  }
  if (next !== desk.peek()) desk.value = next;
  for (const listener of listeners) listener(frame, next);
}

function onStatus(next: Status, token: string): void {
  status.value = next;
  healing.value = ["connecting", "waiting", "reconnecting"].includes(next.kind);
  if (next.kind === "signed_out") endSession(token);
}

// -- orders ------------------------------------------------------------------------------------

/** Gives a command; a refusal is said to the agent, unless whoever asks shows it (`quiet`), and thrown. */
export async function order<C extends Command>(command: WithoutId<C>, quiet = false): Promise<Ok> {
  if (!connection) throw new Error(t("connection.none"));
  try {
    return await connection.command<C>(command);
  } catch (error) {
    if (error instanceof Refused && !quiet) say(refusal(error), true);
    throw error;
  }
}

/** As `order`, for those who have nothing to do with the answer. */
export function tell<C extends Command>(command: WithoutId<C>): void {
  order<C>(command).catch(() => undefined);
}

export function refusal(error: Refused): string {
  const ours = word("refused", error.code);
  return error.message && error.code !== "offer_gone" ? `${ours}: ${error.message}` : ours;
}

// -- read marks --------------------------------------------------------------------------------

const SEEN = "switchroom.seen";
const seen = signal<Record<string, number>>(readStored(SEEN, {}));

export function isUnread(item: ItemView): boolean {
  return item.case.last_seq > (seen.value[item.case.id] ?? 0);
}

export function markSeen(caseId: string, seq: number): void {
  if ((seen.peek()[caseId] ?? 0) >= seq) return;
  const entries = Object.entries({ ...seen.peek(), [caseId]: seq }).slice(-500);
  seen.value = Object.fromEntries(entries);
  writeStored(SEEN, seen.value);
}

addEventListener("storage", (event) => {
  if (event.key === SEEN) seen.value = readStored(SEEN, {});
});
