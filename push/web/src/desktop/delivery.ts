/** How far a message of ours has come, in the words that people use: pure. */

import type { Delivery, Message } from "../protocol";

export type Standing = Delivery | "delayed" | "unknown" | "partly";

/**
 * With a reason "queued" means that it was tried in vain, "sending" that nobody knows whether it
 * arrived, and "sent" that not everybody has it, or not yet.
 */
export function standing({ delivery, delivery_reason }: Pick<Message, "delivery" | "delivery_reason">): Standing | null {
  if (!delivery || !delivery_reason) return delivery;
  if (delivery === "queued") return "delayed";
  if (delivery === "sending") return "unknown";
  return delivery === "sent" ? "partly" : delivery;
}

/** What a person can have tried again at once. */
export const retriable = (state: Standing | null) => state === "failed" || state === "delayed" || state === "unknown";
