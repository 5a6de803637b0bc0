import type { en } from "./en";

export type Key = keyof typeof en;
/** What another language has; the rest shows in English. */
export type Texts = Partial<Record<Key, string>>;
