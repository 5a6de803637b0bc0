/** What is set up, in words: pure, so that it can be tried without a page. */

import type { Hours, Looked, Policy, Ring, Rule, ServicePolicy, Then, When } from "../api/setup";
import { region, t, word, type Key } from "../i18n";
import { duration } from "../ui/time";

export type Fact = [name: string, value: string];

const list = (values: readonly (string | number)[]) => values.join(", ");
const levels = (skills: Record<string, number>) => list(Object.entries(skills).map(([name, level]) => `${name} ${level}`));
const anything = (values: readonly string[]) => (values.includes("*") ? t("setup.any") : list(values));

/** A length of time, to the second, that does not break over two lines. */
export function seconds(value: number): string {
  const parts: [number, Key][] = [
    [86_400, "time.days"],
    [3600, "time.hours"],
    [60, "time.minutes"],
  ];
  const whole = parts.find(([size]) => value >= size && value % size === 0);
  const rest = t("time.seconds", { n: value % 60 });
  const said = whole ? t(whole[1], { n: value / whole[0] }) : value < 60 ? rest : `${duration(value * 1000)} ${rest}`;
  return said.replaceAll(" ", "\u00a0");
}

// -- queues ----------------------------------------------------------------------------------

/** When a ring opens, and what it does then. */
export function ringWords(ring: Ring, queue: (name: string) => string): { when: string; does: string } {
  const opens = [
    ring.after !== undefined && t("ring.after", { time: seconds(ring.after) }),
    ring.expected_wait !== undefined && t("ring.expected_wait", { time: seconds(ring.expected_wait) }),
  ];
  const does = [
    ring.lower && t("ring.lower", { n: ring.lower }),
    ring.levels && t("ring.levels", { list: levels(ring.levels) }),
    ring.drop && t("ring.drop", { list: anything(ring.drop) }),
    ring.languages && t("ring.languages", { list: anything(ring.languages) }),
    ring.queues && t("ring.queues", { list: anything(ring.queues.map((name) => (name === "*" ? name : queue(name)))) }),
    ring.groups && t("ring.groups", { list: anything(ring.groups) }),
    ring.sites && t("ring.sites", { list: anything(ring.sites) }),
    ring.desk && t("ring.desk", { list: list(ring.desk) }),
  ];
  const joined = (parts: (string | number | false | undefined)[]) => parts.filter(Boolean).join("; ");
  return { when: opens.filter(Boolean).join(t("ring.or")), does: joined(does) };
}

/** The weights of a queue's policy and its limits; what is as by default is told too. */
export function policyFacts(policy: Policy): Fact[] {
  const { auto_accept = [], costs = {} } = policy;
  const facts: Fact[] = [
    [t("policy.priority"), seconds(policy.priority_seconds ?? 60)],
    [t("policy.value"), seconds(policy.value_seconds ?? 60)],
    [t("policy.urgency"), `${Math.round((policy.urgency ?? 1) * 100)} %`],
  ];
  if (auto_accept.length > 0) facts.push([t("policy.auto_accept"), list(auto_accept.map((kind) => word("kind", kind)))]);
  if (policy.most_declines !== undefined) facts.push([t("policy.most_declines"), String(policy.most_declines)]);
  if (policy.inactive_seconds !== undefined) facts.push([t("policy.inactive"), seconds(policy.inactive_seconds)]);
  for (const [kind, cost] of Object.entries(costs)) {
    const said = [
      cost.units !== undefined && t("policy.units", { n: cost.units }),
      cost.interruptible !== undefined && t(cost.interruptible ? "policy.interruptible" : "policy.not_interruptible"),
      cost.interrupts !== undefined && t(cost.interrupts ? "policy.interrupts" : "policy.not_interrupts"),
    ].filter(Boolean);
    facts.push([word("kind", kind), said.join(", ")]);
  }
  return facts;
}

/** Whether nobody has changed the weights or set a limit. */
export function isUsual({ choice: _, priority_seconds = 60, value_seconds = 60, urgency = 1, ...limits }: Policy): boolean {
  return priority_seconds === 60 && value_seconds === 60 && urgency === 1 && Object.keys(limits).length === 0;
}

// -- hours -----------------------------------------------------------------------------------

const WEEK = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/** A Monday, at noon everywhere. */
const MONDAY = Date.UTC(2024, 0, 1, 12);

function dayName(index: number): string {
  const format = new Intl.DateTimeFormat(region.value, { weekday: "short", timeZone: "UTC" });
  return format.format(MONDAY + index * 86_400_000);
}

/** The week as few lines: days that follow each other with the same hours share one. */
export function weekLines(week: Hours["week"]): Fact[] {
  const spans = WEEK.map((name) => list(week[name] ?? []) || t("hours.closed_day"));
  const lines: Fact[] = [];
  for (let first = 0; first < spans.length; ) {
    let last = first;
    while (spans[last + 1] === spans[first]) last += 1;
    lines.push([first === last ? dayName(first) : `${dayName(first)} – ${dayName(last)}`, spans[first]!]);
    first = last + 1;
  }
  return lines;
}

export interface SpecialDay {
  date: string;
  label: string;
  /** What is closed, or open in addition; empty: the whole day is closed. */
  spans: string;
  opens: boolean;
}

/** The next days that are not as the week says, the nearest first, each date once. */
export function specialDays(hours: Hours, today: string, most = 4): SpecialDay[] {
  const closed = [...hours.holidays, ...hours.holidays_found].map(
    ({ date, label = "", closed: spans = [] }): SpecialDay => ({ date, label, spans: list(spans), opens: false }),
  );
  const open = hours.extra.map(
    ({ date, label = "", open: spans }): SpecialDay => ({ date, label, spans: list(spans), opens: true }),
  );
  const seen = new Set<string>();
  return [...open, ...closed]
    .filter(({ date, opens, label }) => {
      const key = `${date} ${opens} ${label}`;
      return date >= today && !seen.has(key) && seen.add(key);
    })
    .sort((a, b) => a.date.localeCompare(b.date))
    .slice(0, most);
}

// -- promises --------------------------------------------------------------------------------

/** What happens once a promise is broken, in the order of time. */
export function afterBreach(policy: ServicePolicy, queue: (name: string) => string): Fact[] {
  const { raise_points = 20, notify_after = 0, escalate_after } = policy;
  const steps: [number, string][] = [];
  if (raise_points) steps.push([0, t("promise.raise", { n: raise_points })]);
  if (notify_after !== null) steps.push([notify_after, t("promise.notify")]);
  if (escalate_after != null) {
    for (const level of [2, 3, 4]) {
      const to = policy.level_queues?.[level];
      const words = to ? t("promise.level_in", { n: level, queue: queue(to) }) : t("promise.level", { n: level });
      steps.push([escalate_after * (level - 1), words]);
    }
  }
  steps.sort(([a], [b]) => a - b);
  return steps.map(([after, words]) => [after === 0 ? t("promise.at_once") : t("promise.after", { time: seconds(after) }), words]);
}

// -- rules -----------------------------------------------------------------------------------

function value(name: string, given: unknown): string {
  if (typeof given === "boolean") return t(given ? "yes" : "no");
  if (name === "kinds") return list((given as string[]).map((kind) => word("kind", kind)));
  if (name === "mismatch") return list((given as string[]).map((kind) => (kind === "*" ? t("setup.any") : word("mismatch", kind))));
  if (name === "clocks") return list((given as string[]).map((clock) => word("clock", clock)));
  if (Array.isArray(given)) return list(given as string[]);
  return String(given);
}

/** Each condition of a rule with its name; all of them must hold. Nothing given: always. */
export function whenFacts(when: When): Fact[] {
  const facts: Fact[] = [];
  for (const [name, given] of Object.entries(when)) {
    if (name === "unless" || name === "any" || name === "velocity" || name === "fields") continue;
    facts.push([word("when", name), value(name, given)]);
  }
  if (when.velocity) {
    const { contacts, seconds: within, of = "messages", by = "customer" } = when.velocity;
    const often = t("when.velocity_of", { n: contacts, time: seconds(within) });
    facts.push([t(`when.velocity_${of}`), by === "customer" ? often : `${often} (${word("by", by)})`]);
  }
  for (const [name, values] of Object.entries(when.fields ?? {})) facts.push([name, anything(values)]);
  if (when.any?.length) facts.push([t("when.any"), when.any.map(inOneLine).join(" · ")]);
  if (when.unless) facts.push([t("when.unless"), inOneLine(when.unless)]);
  return facts;
}

/** What a rule looks at and under which conditions. */
export function looksAt({ on, after, follows, when }: Pick<Rule, "on" | "after" | "follows" | "when">): Fact[] {
  const facts: Fact[] = [];
  if (on.some((one) => one !== "contact")) facts.push([t("rules.on"), list(on.map((one) => word("on", one)))]);
  if (after) facts.push([t("rules.after"), seconds(after)]);
  if (follows) facts.push([t("rules.follows"), follows]);
  return [...facts, ...whenFacts(when)];
}

const inOneLine = (when: When) =>
  whenFacts(when)
    .map(([name, said]) => `${name}: ${said}`)
    .join("; ");

const isEmpty = (given: unknown) => typeof given === "object" && Object.keys(given as object).length === 0;
const SPEAKS = ["ask", "help", "status"];
const texts = (given: unknown) =>
  typeof given === "object" && given !== null ? Object.values(given as Record<string, string>).join(" / ") : String(given ?? "");

/** What a rule decides, or what all of them have decided, field by field. */
export function thenFacts(then: Then, queue: (name: string) => string): Fact[] {
  const said = (name: string, given: unknown): string => {
    if (name === "queue") return queue(given as string);
    if (name === "skills") return levels(given as Record<string, number>);
    if (name === "due_seconds") return seconds(given as number);
    if (name === "reply") return texts(given);
    if (SPEAKS.includes(name)) return texts((given as { text?: unknown }).text) || t("yes");
    if (name === "priority") return Number(given) > 0 ? `+${given}` : String(given);
    return value(name, given);
  };
  return Object.entries(then)
    .filter(([name, given]) => given != null && (name === "status" || !isEmpty(given)))
    .map(([name, given]) => [word("then", name), said(name, given)]);
}

export interface Trace {
  rule: string;
  /** `skipped`: a rule before it ended the search; `off`: it is switched off. */
  fate: "decided" | "held" | "not" | "skipped" | "off";
  because: string;
  decided: string[];
}

/** All rules about such a thing in order, each with what the try-out made of it. */
export function traceOf(rules: readonly Rule[], looked: readonly Looked[], on = "contact"): Trace[] {
  const by = new Map(looked.map((one) => [one.rule, one]));
  const concerned = rules.filter((rule) => rule.on.includes(on) || by.has(rule.name));
  const rows = concerned.map(({ name, enabled }): Trace => {
    const one = by.get(name);
    by.delete(name);
    if (!one) return { rule: name, fate: enabled ? "skipped" : "off", because: "", decided: [] };
    return traced(one);
  });
  // what came into the house while one looked
  return [...rows, ...[...by.values()].map(traced)];
}

function traced({ rule, held, because, decided }: Looked): Trace {
  return { rule, because, decided, fate: decided.length > 0 ? "decided" : held ? "held" : "not" };
}
