import { signal } from "@preact/signals";
import { region, t } from "../i18n";

/** How far the node's clock is ahead of this machine's, in ms: countdowns follow the node. */
export const skew = signal(0);

/** The node's time, ticking once a second; whoever reads it in a component follows it. */
export const now = signal(Date.now());
setInterval(() => (now.value = Date.now() + skew.peek()), 1000);

export function noteServerTime(text: string): void {
  const difference = Date.parse(text) - Date.now();
  // small differences are the way of the frame, not of the clocks
  if (Math.abs(difference - skew.peek()) > 750) skew.value = difference;
}

export function serverNow(): number {
  return Date.now() + skew.peek();
}

/** "45 s", "12 min", "3 h", "2 d": how long something has lasted. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return t("time.seconds", { n: seconds });
  if (seconds < 3600) return t("time.minutes", { n: Math.floor(seconds / 60) });
  if (seconds < 86400) return t("time.hours", { n: Math.floor(seconds / 3600) });
  return t("time.days", { n: Math.floor(seconds / 86400) });
}

export function since(time: string | null): string {
  return time ? duration(now.value - Date.parse(time)) : "";
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(kind: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${region.value} ${kind}`;
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.DateTimeFormat(region.value, options)));
  return found;
}

/** "14:05" today, "3 Mar, 14:05" earlier this year, with the year before. */
export function clock(time: string): string {
  const date = new Date(time);
  const today = new Date(serverNow());
  if (date.toDateString() === today.toDateString()) {
    return format("time", { hour: "2-digit", minute: "2-digit" }).format(date);
  }
  const sameYear = date.getFullYear() === today.getFullYear();
  return format(`date ${sameYear}`, {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
    hour: "2-digit",
    minute: "2-digit",
  }).format(date);
}

export function day(time: string): string {
  const date = new Date(time);
  const today = new Date(serverNow());
  if (date.toDateString() === today.toDateString()) return t("time.today");
  if (date.toDateString() === new Date(+today - 86400_000).toDateString()) return t("time.yesterday");
  return format("day", { weekday: "long", day: "numeric", month: "long" }).format(date);
}

export function full(time: string): string {
  return format("full", { dateStyle: "medium", timeStyle: "medium" }).format(new Date(time));
}
