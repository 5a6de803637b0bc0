/** A mailbox's settings while they are edited: pure, so that it can be tried without a page. */

import type { Guess, Settings } from "../api/channels";

export type Security = "tls" | "starttls" | "none";

export interface Server {
  host: string;
  port: string;
  security: Security;
  user: string;
  /** Empty: as it was. */
  password: string;
}

export interface OAuth {
  token_url: string;
  client_id: string;
  client_secret: string;
  scope: string;
  authorize_url: string;
  device_url: string;
}

export interface Form {
  name: string;
  address: string;
  queue: string;
  /** None: mail servers bring the mail. */
  reads: boolean;
  imap: Server & { folder: string };
  smtp: Server;
  way: "password" | "oauth";
  oauth: OAuth;
  /** Sending signs in as reading does. */
  same: boolean;
}

const OAUTH: OAuth = { token_url: "", client_id: "", client_secret: "", scope: "", authorize_url: "", device_url: "" };

const text = (from: unknown, name: string) => {
  const value = (from as Record<string, unknown> | null | undefined)?.[name];
  return value === undefined || value === null ? "" : String(value);
};

function server(from: unknown, port: string, security: Security): Server {
  return {
    host: text(from, "host"),
    port: text(from, "port") || port,
    security: (text(from, "security") || security) as Security,
    user: text(from, "user"),
    password: "",
  };
}

const part = (settings: Settings, name: string) => (settings[name] ?? null) as Settings | null;

export function formOf(name: string, settings: Settings): Form {
  const [imap, smtp] = [part(settings, "imap"), part(settings, "smtp")];
  const oauth = (imap?.oauth2 ?? smtp?.oauth2) as Settings | undefined;
  const fields = Object.keys(OAUTH) as (keyof OAuth)[];
  return {
    name,
    address: text(settings, "address"),
    queue: text(settings, "queue") || "general",
    reads: imap !== null || settings.receive === undefined || settings.receive === null,
    imap: { ...server(imap, "993", "tls"), folder: text(imap, "folder") || "INBOX" },
    smtp: server(smtp, "587", "starttls"),
    way: oauth ? "oauth" : "password",
    oauth: Object.fromEntries(fields.map((field) => [field, text(oauth, field)])) as unknown as OAuth,
    same: !smtp || (imap !== null && text(smtp, "user") === text(imap, "user")),
  };
}

/** With what was found for the address; what was typed for signing in stays. */
export function guessed(form: Form, { settings, consent }: Guess): Form {
  const found = formOf(form.name, { ...settings, queue: form.queue, address: form.address });
  const [imap, smtp] = [part(settings, "imap"), part(settings, "smtp")];
  return {
    ...form,
    imap: imap ? { ...found.imap, password: form.imap.password } : form.imap,
    smtp: smtp ? { ...found.smtp, password: form.smtp.password } : form.smtp,
    way: consent ? "oauth" : "password",
    oauth: consent ? { ...found.oauth, client_id: form.oauth.client_id, client_secret: form.oauth.client_secret } : form.oauth,
  };
}

/** What nobody should have to think of: "Support <help@shop.example>" is called help. */
export function nameFor(address: string): string {
  const bare = /<([^>]*)>/.exec(address)?.[1] ?? address;
  return bare.split("@")[0]!.trim().toLowerCase().replace(/[^a-z0-9._-]+/g, "-");
}

const filledOnly = (from: object) => Object.fromEntries(Object.entries(from).filter(([, value]) => value !== ""));

/**
 * As the node takes them, over what the channel had: what the form does not show stays. A secret
 * that is left empty is not named, and so stays too.
 */
export function settingsOf(form: Form, before: Settings): Settings {
  const { client_secret, ...known } = form.oauth;
  const before2 = (part(before, "imap")?.oauth2 ?? part(before, "smtp")?.oauth2) as Settings | undefined;
  const oauth2 = { consent: before2 ? before2.consent === true : true, ...filledOnly(known), ...filledOnly({ client_secret }) };
  const one = (mine: Server, had: Settings | null, user: string, password: string) => {
    const { oauth2: _, ...rest } = had ?? {};
    return {
      ...rest,
      host: mine.host.trim(),
      port: Number(mine.port),
      security: mine.security,
      user: user.trim(),
      ...(form.way === "oauth" ? { oauth2, password: "" } : password !== "" && { password }),
    };
  };
  const { imap, smtp } = form;
  const { imap: hadImap, ...others } = before;
  const same = form.same && form.reads;
  return {
    ...others,
    kind: "email",
    address: form.address.trim(),
    queue: form.queue,
    ...(form.reads && { imap: { ...one(imap, (hadImap ?? null) as Settings | null, imap.user, imap.password), folder: imap.folder.trim() || "INBOX" } }),
    smtp: one(smtp, part(before, "smtp"), same ? imap.user : smtp.user, same ? imap.password : smtp.password),
  };
}

const SECRETS = new Set(["password", "client_secret", "refresh_token"]);
const ORDER = ["kind", "name", "queue", "address", "imap", "receive", "smtp"];

function value(of: unknown, name: string): string {
  if (SECRETS.has(name)) return `{ file = "${name === "password" ? "mailbox.password" : `mailbox.${name}`}" }`;
  if (Array.isArray(of)) return `[${of.map((one) => value(one, "")).join(", ")}]`;
  if (typeof of === "object" && of !== null) {
    const inside = Object.entries(of).filter(([, one]) => one !== "" && one !== null);
    return `{ ${inside.map(([key, one]) => `${key} = ${value(one, key)}`).join(", ")} }`;
  }
  return JSON.stringify(of);
}

/** The lines that declare it in switchroom.toml; secrets stand in files of their own. */
export function linesOf(name: string, settings: Settings, secrets: readonly string[]): string {
  const all: Settings = structuredClone({ ...settings, name });
  for (const path of secrets) {
    const steps = path.split(".");
    const last = steps.pop()!;
    const where = steps.reduce<Settings | undefined>((at, step) => at?.[step] as Settings | undefined, all);
    if (where) where[last] = "***";
  }
  const rank = (key: string) => (ORDER.includes(key) ? ORDER.indexOf(key) : ORDER.length);
  const keys = Object.keys(all)
    .filter((key) => all[key] !== null && all[key] !== "" && !(Array.isArray(all[key]) && all[key].length === 0))
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  return ["[[channel]]", ...keys.map((key) => `${key} = ${value(all[key], key)}`)].join("\n");
}
