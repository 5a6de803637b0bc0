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

export const canned = () => http.get<Page<Canned>>("/api/v1/canned");
export const letters = () => http.get<Page<Letter>>("/api/v1/letters");
