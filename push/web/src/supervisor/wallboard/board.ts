/**
 * The wallboard as the node tells it (`gateway/core/wallboard_sum.py`), and how its changes are
 * applied. Pure. Times are RFC 3339 UTC strings, durations are seconds; what is not known is not there.
 */

import type { ChannelKind } from "../../protocol";

export interface Level {
  offered: number;
  answered: number;
  abandoned: number;
  /** From 0 to 1. */
  service_level?: number;
}

/** A queue, or all of them together. */
export interface QueueBoard {
  name: string;
  waiting: number;
  oldest_at?: string;
  /** How long who came now would wait. */
  expected?: number;
  /** The service level's time. */
  target?: number;
  offered: number;
  in_hand: number;
  wrapping: number;
  ready: number;
  last_15: Level;
  last_30: Level;
  today: Level;
  overdue: number;
  due_soon: number;
  callbacks: number;
  callbacks_late: number;
  promises: number;
  promises_late: number;
  kept: number;
  broken: number;
}

export interface Staff {
  ready: number;
  busy: number;
  wrap_up: number;
  closed: number;
  not_ready: number;
  offline: number;
  /** Why those who are not ready are not. */
  reasons: Record<string, number>;
}

export interface Mix {
  waiting: number;
  in_hand: number;
  today: number;
}

/** So many wait who ask for the same, and who may take one, at most. */
export interface Cover {
  queue: string;
  kind: ChannelKind;
  skills: Record<string, number>;
  languages: string[];
  waiting: number;
  oldest_at: string;
  ready: number;
  signed_in: number;
}

export interface AlarmBoard {
  queue: string;
  threshold: string;
  when: "longest_wait" | "waiting" | "expected_wait" | "agents_free";
  value: number;
  since?: string;
}

export interface NodeBoard {
  region: string;
  waiting: number;
  in_hand: number;
  ready: number;
  connected: number;
  /** Its figures are more than four seconds old. */
  late: boolean;
}

export interface Board {
  formula: string;
  total: QueueBoard;
  queues: Record<string, QueueBoard>;
  agents: Staff;
  kinds: Partial<Record<ChannelKind, Mix>>;
  coverage: Record<string, Cover>;
  alarms: Record<string, AlarmBoard>;
  nodes: Record<string, NodeBoard>;
  /** Who waited, each minute of the last hour. */
  trend: number[];
  /** Automatic mails that a budget kept back in the last hour; a node of an older version does not say. */
  withheld?: number;
}

type Document = Record<string, unknown>;

const isObject = (value: unknown): value is Document =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The document with the changes of a JSON Merge Patch (RFC 7396); what has not changed is the same object. */
export function patched(document: Document, patch: Document): Document {
  const out = { ...document };
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) delete out[name];
    else if (isObject(change)) out[name] = patched(isObject(out[name]) ? out[name] : {}, change);
    else out[name] = change;
  }
  return out;
}

/** How a need is covered: nobody could ever take it, nobody can just now, somebody can. */
export type Coverage = "nobody" | "busy" | "covered";

export function coverageOf({ ready, signed_in }: Cover): Coverage {
  if (signed_in === 0) return "nobody";
  return ready === 0 ? "busy" : "covered";
}

const GRAVITY: Coverage[] = ["nobody", "busy", "covered"];

/** What needs somebody most comes first. */
export function byGravity(a: Cover, b: Cover): number {
  return (
    GRAVITY.indexOf(coverageOf(a)) - GRAVITY.indexOf(coverageOf(b)) ||
    b.waiting - a.waiting ||
    a.oldest_at.localeCompare(b.oldest_at)
  );
}

/** Whether a queue is as it should be: where nobody wants it in time, nothing is wrong. */
export type Mood = "good" | "warn" | "bad" | "calm";

const GOOD = 0.8;
const WARN = 0.6;

export function moodOfLevel(level: number | undefined): Mood {
  if (level === undefined) return "calm";
  if (level >= GOOD) return "good";
  return level >= WARN ? "warn" : "bad";
}

/** A wait of so many seconds where `target` is promised. */
export function moodOfWait(seconds: number, target: number | undefined): Mood {
  if (target === undefined || seconds <= target) return "calm";
  return seconds <= 3 * target ? "warn" : "bad";
}
