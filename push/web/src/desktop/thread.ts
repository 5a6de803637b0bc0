/** One conversation put together from what REST loaded, what frames brought and what is under way. */

import type { Desk } from "../agent/state";
import type { Said } from "../api/colleagues";
import { t } from "../i18n";
import type { Command, Message, Send, Note } from "../protocol";

export interface Line {
  message: Message;
  /** Given but not yet confirmed by the node. */
  pending: boolean;
}

export function thread(
  loaded: readonly Message[],
  desk: Desk,
  itemId: string | null,
  caseId: string,
  commands: readonly Command[],
): Line[] {
  const found = new Map<string, Message>();
  for (const message of loaded) found.set(message.id, message);
  for (const list of Object.values(desk.messages)) {
    for (const message of list) if (message.case === caseId) found.set(message.id, message);
  }
  const known = new Set<string>();
  const several = [...found.values()].some((message) => message.case !== caseId || message.moved_to !== undefined);
  const lines: Line[] = [...found.values()]
    // of several cases each counts its own; ids rise with time
    .sort((a, b) => (several ? (a.id < b.id ? -1 : 1) : a.seq - b.seq))
    .map((message) => {
      if (message.client_id) known.add(message.client_id);
      const note = desk.deliveries[message.id];
      const current = note ? { ...message, delivery: note.state, delivery_reason: note.reason } : message;
      return { message: current, pending: false };
    });
  for (const command of commands) {
    if ((command.t !== "send" && command.t !== "note") || command.item !== itemId) continue;
    if (!known.has(command.id)) lines.push({ message: underWay(command, desk, caseId), pending: true });
  }
  return lines;
}

function underWay(command: Send | Note, desk: Desk, caseId: string): Message {
  const item = desk.items[command.item];
  const agent = desk.session?.agent;
  const sent = command.t === "send" ? command : null;
  return {
    id: command.id,
    case: caseId,
    seq: Number.MAX_SAFE_INTEGER,
    direction: sent ? "out" : "note",
    author: { kind: "agent", name: agent?.display_name ?? "", id: agent?.name ?? "", verified: true },
    at: "",
    channel: item?.channel ?? "",
    kind: item?.kind ?? "email",
    item: command.item,
    body: command.body,
    html: null,
    subject: sent?.subject ?? "",
    to: sent?.to ?? [],
    cc: sent?.cc ?? [],
    attachments: [],
    delivery: null,
    delivery_reason: "",
    external_id: "",
    client_id: command.id,
    fold_from: 0,
  };
}

/** What colleagues said about the item, among the rest by its time, as notes are. */
export function withAsked(lines: readonly Line[], asked: readonly Said[], caseId: string, named: (login: string) => string): Line[] {
  const all: Line[] = [...lines];
  for (const one of [...asked].sort((a, b) => a.at.localeCompare(b.at))) {
    if (one.refused || one.held) continue;
    const after = all.findLastIndex(({ message, pending }) => !pending && message.at <= one.at);
    all.splice(after + 1, 0, { message: asNote(one, caseId, named), pending: false });
  }
  return all;
}

function asNote(one: Said, caseId: string, named: (login: string) => string): Message {
  const to = one.agent === undefined ? (one.group ?? "") : named(one.agent);
  return {
    id: one.id,
    case: caseId,
    seq: 0,
    direction: "note",
    author: { kind: "agent", name: t("peers.said_to", { from: named(one.from), to }), id: one.from, verified: true },
    at: one.at,
    channel: "",
    kind: "task",
    item: one.item ?? null,
    body: one.body,
    html: null,
    subject: "",
    to: [],
    cc: [],
    attachments: [],
    delivery: null,
    delivery_reason: "",
    external_id: "",
    client_id: "",
    fold_from: 0,
  };
}

/** Who said it. A task is written about a customer by a program or a colleague, whose token's name it bears. */
export function speaker({ author, kind, direction }: Message): string {
  if (kind === "task" && direction === "in") {
    return author.kind === "system" ? t("author.filer", { name: author.name }) : t("author.filed");
  }
  if (author.name) return author.name;
  if (author.kind !== "customer") return t("author.system");
  return kind === "webchat" ? t("customer.anonymous") : t("customer");
}
