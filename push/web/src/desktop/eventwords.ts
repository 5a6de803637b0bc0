/** An invitation's times and repetitions in words, in the reader's own zone: pure, given the zone. */

import type { Invitation, Recurs } from "../api/mails";
import { type Key, t } from "../i18n";

export interface Times {
  /** Where the reader is. */
  here: string;
  /** As the invitation has it, where that reads otherwise. */
  there: string;
}

const DAY: Intl.DateTimeFormatOptions = { weekday: "short", day: "numeric", month: "short", year: "numeric" };
const TIME: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit" };

/** A day or a time without a zone, as a moment that a clock in UTC shows so. */
const naive = (text: string) => new Date(text.length === 10 ? `${text}T00:00:00Z` : `${text}Z`);

function between(from: Date, to: Date | null, options: Intl.DateTimeFormatOptions, locale: string): string {
  const format = new Intl.DateTimeFormat(locale, options);
  return to && +to > +from ? format.formatRange(from, to) : format.format(from);
}

/** When it is; empty where the file does not say. */
export function when(event: Invitation, locale: string, zone: string): Times {
  if (!event.local_begins) return { here: "", there: "" };
  const [from, to] = [naive(event.local_begins), event.local_ends ? naive(event.local_ends) : null];
  if (event.all_day) return { here: between(from, to, { ...DAY, timeZone: "UTC" }, locale), there: "" };
  const local = between(from, to, { ...DAY, ...TIME, timeZone: "UTC" }, locale);
  if (!event.begins) {
    return { here: local, there: event.zone ? t("event.unknown_zone", { zone: event.zone }) : t("event.floating") };
  }
  const here = between(new Date(event.begins), event.ends ? new Date(event.ends) : null, { ...DAY, ...TIME, timeZone: zone }, locale);
  const same = here === local || event.zone === "UTC";
  return { here, there: same ? "" : t("event.there", { when: local, zone: event.zone }) };
}

const WEEK = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

function dayName(day: string, locale: string): string {
  const [, nth, name] = /^([+-]?\d*)(\w\w)$/.exec(day) ?? [];
  // 2024 began on a Monday
  const date = new Date(Date.UTC(2024, 0, 1 + WEEK.indexOf(name ?? "MO")));
  const weekday = new Intl.DateTimeFormat(locale, { weekday: "long", timeZone: "UTC" }).format(date);
  const count = Number(nth);
  if (!nth || !count) return weekday;
  const key = (count < 0 ? "event.last" : `event.nth_${count}`) as Key;
  return count >= -1 && count <= 4 ? t(key, { day: weekday }) : `${count}. ${weekday}`;
}

/** How it repeats; the rule itself where our words do not say all of it. */
export function repeats(recurs: Recurs, locale: string): string {
  if (!recurs.plain) return t("event.by_rule", { rule: recurs.rule });
  const list = new Intl.ListFormat(locale, { type: "conjunction" });
  const every = recurs.interval > 1 ? t(`event.${recurs.every}_n`, { n: recurs.interval }) : t(`event.${recurs.every}`);
  const month = (n: number) => new Intl.DateTimeFormat(locale, { month: "long", timeZone: "UTC" }).format(new Date(Date.UTC(2024, n - 1, 1)));
  const on = [
    recurs.days.length > 0 && t("event.on", { days: list.format(recurs.days.map((day) => dayName(day, locale))) }),
    recurs.month_days.length > 0 && t("event.on_days", { days: list.format(recurs.month_days.map(String)) }),
    recurs.months.length > 0 && t("event.in_months", { months: list.format(recurs.months.map(month)) }),
    recurs.count !== null && t("event.times", { n: recurs.count }),
    recurs.until && t("event.until", { day: between(naive(recurs.until.slice(0, 10)), null, { ...DAY, timeZone: "UTC" }, locale) }),
  ];
  return [every, ...on].filter(Boolean).join(", ");
}
