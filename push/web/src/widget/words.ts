/**
 * The window's own words. English is built in; every other language is a file of its own beside the
 * script, fetched when a visitor speaks it. What a file lacks is said in English.
 */

import english from "./words/en.json" with { type: "json" };

export type Word = keyof typeof english;
export type Texts = Partial<Record<Word, string>>;

/** Those of the customer's page for a ticket. */
export const SPOKEN = [
  "ar", "cs", "da", "de", "el", "en", "es", "fi", "fr", "he", "hi", "hu", "it", "ja", "ko", "nl", "pl", "pt", "ro", "ru", "sv", "tr", "uk", "zh",
];
/** A window without the right words is better than none. */
const PATIENCE_MS = 3_000;

const RIGHT_TO_LEFT = new Set(["ar", "he"]);

export class Words {
  readonly language: string;
  readonly direction: "ltr" | "rtl";
  /** What the visitor speaks, whatever we say it in. */
  readonly spoken: string;

  /** The first of `wanted` that we speak, else English; `wanted` are BCP 47 tags. */
  constructor(
    wanted: readonly string[],
    private readonly texts: Texts = english,
    spoken?: string,
  ) {
    const tag = chosen(wanted);
    this.language = usable(tag);
    this.direction = RIGHT_TO_LEFT.has(languageOf(tag)) ? "rtl" : "ltr";
    this.spoken = spoken ?? this.language;
  }

  /** With the words of that language, from `server`; English where they cannot be had. */
  static async fetched(wanted: readonly string[], server: string): Promise<Words> {
    const tag = chosen(wanted);
    const language = languageOf(tag);
    if (language === "en") return new Words(wanted);
    const late = new Promise<null>((resolve) => setTimeout(resolve, PATIENCE_MS, null));
    try {
      // a script, not a fetch: where a page lets ours run, it lets this
      const file = import(/* @vite-ignore */ `${server}/widget-${language}.js`) as Promise<{ default: Texts }>;
      const found = await Promise.race([file, late]);
      if (found) return new Words(wanted, found.default);
    } catch {
      // the node is away, or the page forbids it
    }
    return new Words(["en"], english, usable(tag));
  }

  say(word: Word, values: Record<string, string | number> = {}): string {
    const text = this.texts[word] || english[word];
    return text.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name] ?? "";
      return typeof value === "number" ? new Intl.NumberFormat(this.language, { useGrouping: false }).format(value) : value;
    });
  }

  bytes(size: number): string {
    const [unit, n] = size < 1e6 ? (["kilobyte", Math.max(1, size / 1e3)] as const) : (["megabyte", size / 1e6] as const);
    return new Intl.NumberFormat(this.language, { style: "unit", unit, maximumFractionDigits: n < 10 && unit === "megabyte" ? 1 : 0 }).format(n);
  }

  clock(at: Date): string {
    return new Intl.DateTimeFormat(this.language, { timeStyle: "short" }).format(at);
  }

  /** "Monday 24 Nov", to choose from. */
  date(at: Date): string {
    return new Intl.DateTimeFormat(this.language, { weekday: "short", day: "numeric", month: "short" }).format(at);
  }

  /** "08:00" today, "Monday 08:00" within a week, later with the date. */
  moment(at: Date, now: Date): string {
    const days = Math.round((midnight(at) - midnight(now)) / 86_400_000);
    if (days === 0) return this.clock(at);
    const near: Intl.DateTimeFormatOptions = { weekday: "long", hour: "2-digit", minute: "2-digit" };
    const far: Intl.DateTimeFormatOptions = { dateStyle: "medium", timeStyle: "short" };
    return new Intl.DateTimeFormat(this.language, days > 0 && days < 7 ? near : far).format(at);
  }

  day(at: Date, now: Date): string {
    const days = Math.round((midnight(at) - midnight(now)) / 86_400_000);
    if (days >= -1 && days <= 1) return new Intl.RelativeTimeFormat(this.language, { numeric: "auto" }).format(days, "day");
    return new Intl.DateTimeFormat(this.language, { dateStyle: "medium" }).format(at);
  }

  /** "about 3 minutes" */
  wait(seconds: number): string {
    if (seconds < 60) return this.say("soon");
    const minutes = new Intl.NumberFormat(this.language, { style: "unit", unit: "minute", unitDisplay: "long" });
    return this.say("wait", { t: minutes.format(Math.ceil(seconds / 60)) });
  }
}

function chosen(wanted: readonly string[]): string {
  return wanted.find((tag) => SPOKEN.includes(languageOf(tag))) ?? "en";
}

function languageOf(tag: string): string {
  return tag.split("-")[0]!.toLowerCase();
}

function usable(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? "en";
  } catch {
    return languageOf(tag);
  }
}

function midnight(at: Date): number {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}
