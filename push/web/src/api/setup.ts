/** How the house is set up: queues, hours, promises, rules. The node leaves out what is as by default. */

import type { ChannelKind, Queue } from "../protocol";
import { http, type Page } from "./http";

const api = "/api/v1";

export interface Ring {
  after?: number;
  expected_wait?: number;
  lower?: number;
  levels?: Record<string, number>;
  drop?: string[];
  languages?: string[];
  queues?: string[];
  groups?: string[];
  sites?: string[];
  desk?: number[];
}

export interface Cost {
  units?: number;
  interruptible?: boolean;
  interrupts?: boolean;
}

export interface Policy {
  choice?: string;
  priority_seconds?: number;
  value_seconds?: number;
  urgency?: number;
  auto_accept?: string[];
  most_declines?: number;
  costs?: Partial<Record<ChannelKind, Cost>>;
  inactive_seconds?: number;
}

/** A queue with what only its routing looks at. */
export interface RoutedQueue extends Queue {
  hours?: string;
  service_policy?: string;
  groups?: string[];
  sites?: string[];
  languages?: Record<string, string[]>;
  rings?: Ring[];
  policy?: Policy;
}

export interface Holiday {
  date: string;
  label?: string;
  closed?: string[];
}

export interface Opening {
  date: string;
  label?: string;
  open: string[];
}

export interface Hours {
  name: string;
  zone: string;
  week: Record<string, string[]>;
  holidays: Holiday[];
  extra: Opening[];
  country: string;
  subdivision: string;
  closed_replies: Record<string, Record<string, string>>;
  holidays_found: Holiday[];
  open: boolean;
  changes_at: string | null;
}

export interface ServicePolicy {
  name: string;
  calendar?: string;
  first_reply?: number;
  next_reply?: number;
  resolution?: number;
  warn_share?: number;
  raise_points?: number;
  /** null: nobody is told; left out: at once. */
  notify_after?: number | null;
  escalate_after?: number;
  level_queues?: Record<string, string>;
}

export interface When {
  any?: When[];
  unless?: When;
  velocity?: { contacts: number; seconds: number; of?: "messages" | "matters"; by?: string };
  fields?: Record<string, string[]>;
  [condition: string]: unknown;
}

export interface Then {
  queue?: string;
  skills?: Record<string, number>;
  language?: string;
  priority?: number;
  category?: string;
  level?: number;
  due_seconds?: number;
  tags?: string[];
  hold?: string;
  /** One text, or one for each language. */
  reply?: string | Record<string, string>;
  [outcome: string]: unknown;
}

export interface Rule {
  name: string;
  order: number;
  enabled: boolean;
  /** What it looks at: a new contact, a later message, a reply of ours, … */
  on: string[];
  after?: number;
  follows?: string;
  when: When;
  then: Then;
  stop: boolean;
  note: string;
  warnings: string[];
}

/** A contact as it might come. */
export interface TryOut {
  kind: ChannelKind;
  on?: string;
  subject?: string;
  body?: string;
  language?: string;
  sender?: string;
  queue?: string;
  value?: number;
  verified?: boolean;
}

export interface Looked {
  rule: string;
  held: boolean;
  because: string;
  decided: string[];
}

export interface Tried {
  then: Then;
  looked: Looked[];
  queue: string;
  skills: Record<string, number>;
  language: string;
  priority: number;
  reason: string;
}

export const routedQueues = () => http.get<Page<RoutedQueue>>(`${api}/queues`, { limit: 200 });
export const hoursOfHouse = () => http.get<Page<Hours>>(`${api}/hours`);
export const servicePolicies = () => http.get<Page<ServicePolicy>>(`${api}/service_policies`);
export const rulesInOrder = () => http.get<Page<Rule>>(`${api}/rules`);
export const tryRules = (contact: TryOut) => http.post<Tried>(`${api}/rules/test`, contact);
