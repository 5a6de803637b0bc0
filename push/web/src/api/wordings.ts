/** What the house has ready to be written: replies that agents put in, and how its mails look. */

import type { ChannelKind } from "../protocol";
import { http, type Page } from "./http";

/** One text, or one for each language; under "" the one for any other. */
export type Texts = string | Record<string, string>;

export interface Canned {
  name: string;
  label: string;
  /** One word that finds it behind a slash. */
  shortcut: string;
  texts: Texts;
  /** None: for all of them. */
  queues: string[];
  skills: string[];
  kinds: ChannelKind[];
}

export interface Letter {
  name: string;
  queues: string[];
  opening: Texts | null;
  closing: Texts | null;
  signature: Texts | null;
  html: Texts | null;
  quote: boolean;
}

/** What is said, in which language, and what stands for the names in braces. */
export interface LetterTrial {
  letter: Partial<Omit<Letter, "name">>;
  said: string;
  language: string;
  values: Record<string, string>;
}

export type WordsKind = "canned" | "letters";
const at = (kind: WordsKind, name: string) => `/api/v1/${kind}/${encodeURIComponent(name)}`;

export const canned = () => http.get<Page<Canned>>("/api/v1/canned");
export const letters = () => http.get<Page<Letter>>("/api/v1/letters");
export const removeWords = (kind: WordsKind, name: string) => http.delete(at(kind, name));
export const tryLetter = (name: string, trial: LetterTrial) =>
  http.post<{ body: string; html: string | null }>(`${at("letters", name)}/preview`, trial);
