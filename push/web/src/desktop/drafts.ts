/** Unsent text, one draft per item, kept in this browser until it is sent or emptied. */

import { signal } from "@preact/signals";
import type { Attachment } from "../protocol";
import { readStored, writeStored } from "../ui/storage";

export interface Draft {
  body: string;
  mode: "reply" | "note";
  note: string;
  /** null: as the item says. */
  to: string | null;
  cc: string | null;
  subject: string | null;
  attachments: Attachment[];
  /** The mail that is answered goes along below; null: as the queue has it. */
  quote: boolean | null;
  /** Another channel, for this one answer; null: the item's own. */
  via: string | null;
  at: number;
}

const PREFIX = "switchroom.draft.";
const KEEP_MS = 30 * 86400_000;

export const BLANK: Draft = {
  body: "",
  mode: "reply",
  note: "",
  to: null,
  cc: null,
  subject: null,
  attachments: [],
  quote: null,
  via: null,
  at: 0,
};

const open = signal<Record<string, Draft>>({});

export function draftOf(item: string): Draft {
  return open.value[item] ?? { ...BLANK, ...readStored<Partial<Draft>>(PREFIX + item, {}) };
}

export function hasDraft(item: string): boolean {
  const draft = draftOf(item);
  return Boolean(draft.body.trim() || draft.note.trim() || draft.attachments.length);
}

export function changeDraft(item: string, change: Partial<Draft>): void {
  const draft = { ...draftOf(item), ...change, at: Date.now() };
  open.value = { ...open.value, [item]: draft };
  const blank = !draft.body && !draft.note && !draft.attachments.length && draft.mode === "reply";
  writeStored(PREFIX + item, blank ? null : draft);
}

export function clearReply(item: string): void {
  changeDraft(item, { body: "", to: null, cc: null, subject: null, attachments: [], quote: null, via: null });
}

/** Drafts of long ago, of items that will not come back. */
export function sweepDrafts(): void {
  try {
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(PREFIX)) continue;
      const { at } = readStored<Partial<Draft>>(key, {});
      if (!at || Date.now() - at > KEEP_MS) localStorage.removeItem(key);
    }
  } catch {
    // storage is blocked: there is nothing to sweep
  }
}
