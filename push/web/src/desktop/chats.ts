/** The agent's chats with colleagues, and how each message changes them. Pure. */

import type { ChatCard, Said } from "../api/colleagues";

/** With whom one chats: a colleague, or a group. */
export type Whom = { agent: string; group?: undefined } | { group: string; agent?: undefined };

export interface Chat {
  readonly whom: Whom;
  readonly last: Said;
  readonly unread: number;
}

export type Chats = Readonly<Record<string, Chat>>;

export const keyOf = (whom: Whom) => (whom.agent !== undefined ? `a ${whom.agent}` : `g ${whom.group}`);

/** To which chat a message belongs, for the agent `me`. */
export function whomOf(message: Pick<Said, "from" | "agent" | "group">, me: string): Whom {
  if (message.agent === undefined) return { group: message.group ?? "" };
  return { agent: message.agent === me ? message.from : message.agent };
}

export function fromCards(cards: readonly ChatCard[]): Chats {
  return Object.fromEntries(
    cards.map(({ agent, group, last, unread }) => {
      const whom: Whom = agent !== undefined ? { agent } : { group: group ?? "" };
      return [keyOf(whom), { whom, last, unread }];
    }),
  );
}

/** A message came: `fresh` if it was not known before. What others say counts as unread. */
export function withSaid(chats: Chats, message: Said, me: string, fresh: boolean): Chats {
  const whom = whomOf(message, me);
  const key = keyOf(whom);
  const known = chats[key];
  const counts = fresh && message.from !== me ? 1 : 0;
  const newest = !known || known.last.id === message.id || message.at >= known.last.at;
  return {
    ...chats,
    [key]: { whom, last: newest ? message : known.last, unread: (known?.unread ?? 0) + counts },
  };
}

export function withRead(chats: Chats, key: string): Chats {
  const known = chats[key];
  return known && known.unread > 0 ? { ...chats, [key]: { ...known, unread: 0 } } : chats;
}

export const inOrder = (chats: Chats): Chat[] =>
  Object.values(chats).sort((a, b) => b.last.at.localeCompare(a.last.at));

export const unreadOf = (chats: Chats): number =>
  Object.values(chats).reduce((sum, chat) => sum + chat.unread, 0);

/** What was loaded and what came since, each once, as it was last told, oldest first. */
export function merged(...parts: readonly (readonly Said[])[]): Said[] {
  const found = new Map<string, Said>();
  for (const part of parts) for (const message of part) found.set(message.id, message);
  return [...found.values()].sort((a, b) => a.at.localeCompare(b.at) || a.id.localeCompare(b.id));
}
