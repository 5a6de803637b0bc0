/** Setting a channel up: its settings without secrets, tried, proved, and let in by a provider. */

import { http } from "./http";

export type Settings = Record<string, unknown>;

/** One thing that was tried; `fix` says what to do, null: it works. */
export interface Step {
  what: string;
  fix: string | null;
}

export type ConsentWay = "code" | "page";

/** How far an admin's sign-in at the provider is. */
export interface Consent {
  state: "none" | "waiting" | "granted" | "refused";
  ways: ConsentWay[];
  /** Where the code is typed, or the page itself. */
  url: string;
  code: string;
  until: string | null;
  /** One may ask this often, in seconds. */
  every: number;
  reason: string;
  /** Where the provider comes back to; it has to be registered there. */
  back: string;
}

export interface ChannelShown {
  name: string;
  settings: Settings;
  /** Paths (`imap.password`) of the secrets that are set. */
  secrets: string[];
  proves: boolean;
  consent: Consent | null;
}

export interface Guess {
  settings: Settings;
  because: string[];
  provider: string;
  hint: string;
  consent: boolean;
}

/** Something that a channel sends to itself: what is still awaited, and what was seen just now. */
export interface Proof {
  marks: string[];
  began: string;
  steps: Step[];
  done: boolean;
}

const at = (name: string) => `/api/v1/channels/${encodeURIComponent(name)}`;

export const channelSetup = (name: string) => http.get<ChannelShown>(at(name));
export const addChannel = (settings: Settings) => http.post("/api/v1/channels", settings);
export const putChannel = (name: string, settings: Settings) => http.put(at(name), settings);
export const removeChannel = (name: string) => http.delete(at(name));
export const guessSettings = (address: string) => http.post<Guess>("/api/v1/channels/guess", { address });
/** With settings those are tried, else the channel as it is. */
export const tryChannel = (name: string, settings?: Settings) =>
  http.post<{ steps: Step[] }>(`${at(name)}/check`, settings ?? {});
export const sendProof = (name: string) => http.post<Proof>(`${at(name)}/proof`, {});
export const lookForProof = (name: string, { marks, began }: Proof) =>
  http.post<Proof>(`${at(name)}/proof`, { marks, began });
export const beginConsent = (name: string, way: ConsentWay) => http.post<Consent>(`${at(name)}/consent`, { way });
export const lookForConsent = (name: string) => http.post<Consent>(`${at(name)}/consent/look`);
