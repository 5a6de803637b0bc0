/** Which macros an item can have, and what one would do to it: pure, so that it can be tried without a page. */

import type { Macro } from "../api/resources";
import type { ItemView } from "../protocol";

type About = Pick<ItemView, "kind" | "state" | "language" | "number" | "subject" | "queue" | "address" | "customer" | "callback" | "case">;

/** What is written to by an address of its own; the node refuses a reply without one. */
const ADDRESSED = ["email", "sms", "whatsapp", "telegram"];

/** In hand, and of a kind that the macro is for. */
export function applicable(macros: readonly Macro[], item: About): Macro[] {
  if (item.state !== "assigned" && item.state !== "wrapping") return [];
  return macros.filter(
    ({ kinds, then }) =>
      (kinds.length === 0 || kinds.includes(item.kind)) &&
      (then.queue === undefined || then.queue === null || item.state === "assigned") &&
      (then.reply == null || !ADDRESSED.includes(item.kind) || item.address !== ""),
  );
}

/** The text in the nearest language there is (RFC 4647 lookup), as the node chooses it; null: none will do. */
export function nearest(texts: string | Record<string, string> | null | undefined, language: string): string | null {
  if (texts == null) return null;
  if (typeof texts === "string") return texts || null;
  const byTag = Object.fromEntries(Object.entries(texts).map(([tag, text]) => [tag.toLowerCase(), text]));
  for (let wanted = language.toLowerCase(); wanted; wanted = wanted.slice(0, Math.max(0, wanted.lastIndexOf("-")))) {
    const text = byTag[wanted];
    if (text) return text;
  }
  return byTag[""] || null;
}

/** With what stands for each name in braces; a name that is not known stays as it is. */
export function filled(text: string, item: About, agent: string, queue = item.queue): string {
  const values: Record<string, string> = {
    customer: item.customer?.name ?? "",
    agent,
    number: String(item.number),
    subject: item.subject,
    queue,
    category: item.case.category,
  };
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? values[name]! : whole));
}
