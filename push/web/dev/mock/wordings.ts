/** The pretend node's canned replies and letters, and how one of its mailboxes is set up. */

import type { Canned, Letter } from "../../src/api/wordings.ts";
import type { ChannelShown } from "../../src/api/channels.ts";

export const CANNED: Canned[] = [
  { name: "where-is-it", label: "Where is my parcel", shortcut: "parcel", texts: { "": "Dear {customer},\n\nticket {number} is with our carrier.", es: "Hola, {customer}: ya va en camino." }, queues: ["general"], skills: [], kinds: ["email"] },
  { name: "thanks", label: "Thank you", shortcut: "thanks", texts: "Thank you for writing, {customer}!", queues: [], skills: [], kinds: [] },
];
export const LETTERS: Letter[] = [
  { name: "house", queues: [], opening: { "": "Dear {customer},", es: "Hola, {customer}:" }, closing: "Kind regards", signature: "{agent}\nExample Ltd", html: null, quote: true },
];

const SERVER = { host: "mail.example.com", user: "support@example.com" };

/** As `switchroom.toml` would have it. */
export const shown = (name: string): ChannelShown => ({
  name,
  settings: { kind: "email", queue: "general", address: `${name}@example.com`, imap: { ...SERVER, port: 993, security: "tls", folder: "INBOX" }, smtp: { ...SERVER, port: 587, security: "starttls" } },
  secrets: ["imap.password", "smtp.password"],
  proves: true,
  consent: null,
});
