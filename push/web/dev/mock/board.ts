/** A pretend wallboard of an afternoon in a busy house, a little different each second. */

import type { Board, Level, QueueBoard } from "../../src/supervisor/wallboard/board.ts";
import { ago } from "./data.ts";

const level = (offered: number, answered: number, abandoned: number, service_level?: number): Level => ({
  offered, answered, abandoned, ...(service_level === undefined ? {} : { service_level }),
});

const NOTHING: QueueBoard = {
  name: "", waiting: 0, offered: 0, in_hand: 0, wrapping: 0, ready: 0, overdue: 0, due_soon: 0, callbacks: 0,
  callbacks_late: 0, promises: 0, promises_late: 0, kept: 0, broken: 0,
  last_15: level(0, 0, 0), last_30: level(0, 0, 0), today: level(0, 0, 0),
};

const QUEUES: Record<string, Partial<QueueBoard>> = {
  billing: {
    name: "Billing", waiting: 14, expected: 120, target: 20, offered: 2, in_hand: 31, wrapping: 4, ready: 3, overdue: 2, due_soon: 5,
    last_15: level(48, 39, 6, 0.58), last_30: level(101, 88, 8, 0.66), today: level(1240, 1166, 52, 0.79),
  },
  cards: {
    name: "Lost and stolen cards", waiting: 1, expected: 0, target: 10, offered: 1, in_hand: 9, wrapping: 1, ready: 4,
    last_15: level(12, 12, 0, 1), last_30: level(25, 24, 1, 0.96), today: level(301, 296, 4, 0.947),
  },
  general: {
    name: "General care", waiting: 6, expected: 45, target: 30, offered: 3, in_hand: 42, wrapping: 7, ready: 6, due_soon: 3,
    callbacks: 4, promises: 3, kept: 11, last_15: level(60, 55, 2, 0.83), last_30: level(118, 112, 4, 0.86), today: level(1702, 1650, 39, 0.88),
  },
  hungarian: {
    name: "Magyar ügyfélszolgálat", waiting: 3, target: 60, in_hand: 0, last_15: level(3, 0, 0, 0), last_30: level(5, 2, 0, 0.5),
    today: level(41, 37, 1, 0.81), overdue: 1,
  },
  mail: {
    name: "Letters and mails", waiting: 88, expected: 5400, in_hand: 25, ready: 6, overdue: 7, due_soon: 16, promises: 6,
    promises_late: 1, kept: 20, broken: 2, last_15: level(31, 28, 0), last_30: level(66, 61, 0), today: level(893, 805, 0),
  },
};
const OLDEST: Record<string, number> = { billing: 94, cards: 4, general: 41, hungarian: 380, mail: 9200 };

function sum(queues: QueueBoard[]): QueueBoard {
  const add = (part: keyof QueueBoard) => queues.reduce((all, one) => all + (one[part] as number), 0);
  const levels = (part: "last_15" | "last_30" | "today", share: number) => {
    const of = (name: "offered" | "answered" | "abandoned") => queues.reduce((all, one) => all + one[part][name], 0);
    return level(of("offered"), of("answered"), of("abandoned"), share);
  };
  return {
    name: "", waiting: add("waiting"), oldest_at: ago(9200), expected: 5400, offered: add("offered"), in_hand: add("in_hand"),
    wrapping: add("wrapping"), ready: 9, overdue: add("overdue"), due_soon: add("due_soon"), callbacks: add("callbacks"),
    callbacks_late: add("callbacks_late"), promises: add("promises"), promises_late: add("promises_late"), kept: add("kept"),
    broken: add("broken"), last_15: levels("last_15", 0.74), last_30: levels("last_30", 0.79), today: levels("today", 0.846),
  };
}

export function mockBoard(second: number): Board {
  const wave = Math.round(2 * Math.sin(second / 7));
  const queues = Object.fromEntries(
    Object.entries(QUEUES).map(([name, own]) => {
      const waiting = Math.max(0, (own.waiting ?? 0) + (name === "billing" ? wave : 0));
      return [name, { ...NOTHING, ...own, waiting, oldest_at: ago(OLDEST[name]!) } as QueueBoard];
    }),
  );
  return {
    formula: "in time / (answered + abandoned - short abandoned)",
    total: sum(Object.values(queues)),
    queues,
    agents: { ready: 9, busy: 78, wrap_up: 12, closed: 0, not_ready: 17, offline: 64, reasons: { break: 8, lunch: 6, missed_offer: 1, training: 2 } },
    kinds: {
      voice: { waiting: 15, in_hand: 44, today: 1980 }, webchat: { waiting: 7, in_hand: 31, today: 940 },
      email: { waiting: 81, in_hand: 22, today: 821 }, sms: { waiting: 2, in_hand: 5, today: 210 },
      task: { waiting: 7, in_hand: 5, today: 226 },
    },
    coverage: {
      a: { queue: "hungarian", kind: "voice", skills: {}, languages: ["hu"], waiting: 3, oldest_at: ago(380), ready: 0, signed_in: 0 },
      b: { queue: "billing", kind: "voice", skills: { billing: 3 }, languages: ["de"], waiting: 8, oldest_at: ago(94), ready: 0, signed_in: 11 },
      c: { queue: "billing", kind: "webchat", skills: { billing: 2 }, languages: [], waiting: 6, oldest_at: ago(60), ready: 2, signed_in: 19 },
      d: { queue: "mail", kind: "email", skills: {}, languages: ["es"], waiting: 88, oldest_at: ago(9200), ready: 6, signed_in: 40 },
    },
    alarms: { "billing/long": { queue: "billing", threshold: "long wait", when: "longest_wait", value: 94, since: ago(130) } },
    nodes: {
      "eu-1": { region: "eu", waiting: 70, in_hand: 61, ready: 6, connected: 71, late: false },
      "us-1": { region: "us", waiting: 42, in_hand: 46, ready: 3, connected: 45, late: false },
    },
    withheld: 0,
    trend: Array.from({ length: 60 }, (_, n) => Math.round(90 + 30 * Math.sin(n / 9) + (n % 5))),
  };
}
