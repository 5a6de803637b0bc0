/**
 * What outlives the page: the visitor's token, the transcript, unsent messages, the draft.
 *
 * Each unsent message has a key of its own, so that two tabs never overwrite each other's; that
 * both then send it does no harm, for its id is the same. Where the browser gives us no
 * storage everything works but the remembering.
 */

import type { Chat, Pending, Said } from "./chat.ts";
import { newChat } from "./chat.ts";

interface Kept {
  token: string | null;
  conversation: string | null;
  number: number | null;
  seq: number;
  delivered: number;
  read: number;
  seen: number;
  unread: number;
  said: readonly Said[];
  site: Chat["site"];
  survey: Chat["survey"];
  surveyed: string | null;
}

const KEYS = ["token", "conversation", "number", "seq", "delivered", "read", "seen", "unread", "said", "site", "survey", "surveyed"] as const;

export class Memory {
  private readonly prefix: string;
  private readonly store: Storage | null;

  constructor(server: string, channel: string) {
    this.prefix = `switchroom:${server}:${channel}:`;
    this.store = storage();
  }

  load(): Chat {
    const chat = newChat();
    const kept = this.get<Kept>("chat");
    if (kept && Array.isArray(kept.said) && typeof kept.seq === "number") {
      for (const key of KEYS) if (kept[key] !== undefined) Object.assign(chat, { [key]: kept[key] });
    }
    return { ...chat, pending: this.pending() };
  }

  /** Writes what has changed. */
  save(before: Chat, now: Chat): void {
    if (KEYS.some((key) => before[key] !== now[key])) {
      const kept = Object.fromEntries(KEYS.map((key) => [key, now[key]]));
      this.set("chat", kept);
    }
    if (before.pending !== now.pending) {
      const left = new Set(now.pending.map((p) => p.id));
      for (const p of now.pending) if (!before.pending.includes(p)) this.set(`send:${p.id}`, { ...p, heldUntil: undefined });
      for (const p of before.pending) if (!left.has(p.id)) this.remove(`send:${p.id}`);
    }
  }

  get<T>(key: string): T | null {
    try {
      return JSON.parse(this.store?.getItem(this.prefix + key) ?? "null") as T | null;
    } catch {
      return null;
    }
  }

  set(key: string, value: unknown): void {
    try {
      this.store?.setItem(this.prefix + key, JSON.stringify(value));
    } catch {
      // full or forbidden: the conversation itself is on the server
    }
  }

  remove(key: string): void {
    try {
      this.store?.removeItem(this.prefix + key);
    } catch {
      // as above
    }
  }

  private pending(): Pending[] {
    const found: Pending[] = [];
    const start = `${this.prefix}send:`;
    for (let i = 0; this.store && i < this.store.length; i++) {
      const key = this.store.key(i);
      if (!key?.startsWith(start)) continue;
      const one = this.get<Pending>(key.slice(this.prefix.length));
      if (one && typeof one.id === "string" && typeof one.body === "string") found.push(one);
    }
    return found.sort((a, b) => (a.at < b.at ? -1 : 1));
  }
}

function storage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
