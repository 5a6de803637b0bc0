/**
 * What travels between node and browser, as types.
 *
 * A hand-written mirror of `push/protocol.py`, `gateway/core/commands.py`, `gateway/core/view.py`
 * and the part of `gateway/core/model.py` that a page sees: one interface per struct, with the
 * same name and the same fields. A Python test compares them. Times are RFC 3339 UTC strings,
 * ids are text, durations are seconds.
 */

export const SUBPROTOCOL = "switchroom.agent.v1";
export const VERSION = 1;

/** Why the server closed the socket; what the client does next follows from the code. */
export const Close = {
  BAD_HELLO: 4400,
  BAD_TOKEN: 4401,
  BAD_ORIGIN: 4403,
  BAD_VERSION: 4406,
  SILENT: 4408,
  DRAIN: 1012,
  SLOW: 1013,
} as const;

// -- values (gateway/core/model.py) ------------------------------------------------------------

export type Json = string | number | boolean | null;
export type Attributes = Record<string, Json>;
export type ChannelKind = "email" | "webchat" | "sms" | "whatsapp" | "telegram" | "voice" | "task" | "callback";
export type ItemState =
  | "new"
  | "scheduled"
  | "queued"
  | "offered"
  | "assigned"
  | "held"
  | "wrapping"
  | "completed"
  | "abandoned"
  | "canceled"
  | "rejected";
export type CaseStatus = "open" | "waiting" | "promised" | "solved" | "closed";
export type Presence = "ready" | "not_ready";
export type Delivery = "queued" | "sending" | "sent" | "delivered" | "read" | "failed";
export type Role = "agent" | "supervisor" | "admin";

export interface CustomerBrief {
  id: string;
  name: string;
  language: string;
  verified: boolean;
  value: number;
}

export interface Author {
  kind: "customer" | "agent" | "system";
  name: string;
  id: string;
  verified: boolean;
}

export interface Attachment {
  id: string;
  name: string;
  type: string;
  size: number;
  sha256: string;
  inline_id: string;
}

/** What a mail shows of its sender and of how it is wrapped (gateway/core/signs.py); left out: nothing. */
export interface Signs {
  proof?: "" | "verified" | "no_server" | "no_result" | "weak" | "failed" | "unclear";
  checks?: string[];
  reply_to?: string;
  seems?: string;
  sealed?: ("smime_signed" | "smime_opaque" | "smime_encrypted" | "pgp_signed" | "pgp_encrypted" | "tnef")[];
  list?: string;
}

export interface Message {
  id: string;
  case: string;
  seq: number;
  direction: "in" | "out" | "note" | "system";
  author: Author;
  at: string;
  channel: string;
  kind: ChannelKind;
  item: string | null;
  body: string;
  html: string | null;
  subject: string;
  to: string[];
  cc: string[];
  attachments: Attachment[];
  delivery: Delivery | null;
  delivery_reason: string;
  external_id: string;
  client_id: string;
  fold_from: number;
  /** Only its place is here: that case has it now. */
  moved_to?: number;
  /** Of a mail that came. */
  signs?: Signs;
  /** Its writer had second thoughts, in a chat. */
  edited_at?: string;
  deleted_at?: string;
}

export interface CaseLink {
  case: string;
  number: number;
  how: "merged_into" | "merged_here" | "split_into" | "split_from" | "separated";
  at: string;
  by: string;
  reason?: string;
  messages?: number;
}

export interface MergePlan {
  case: Case;
  into: Case;
  items: {
    id: string;
    number: number;
    kind: ChannelKind;
    queue: string;
    state: string;
    agent: string | null;
    then: "moves" | "ends" | "stays";
  }[];
  tags: string[];
  other_customer: boolean;
  /** Why it cannot be done; empty: it can. */
  hindrance: string;
}

export interface Case {
  id: string;
  number: number;
  version: number;
  opened_at: string;
  channel: string;
  kind: ChannelKind;
  customer: CustomerBrief | null;
  subject: string;
  type: "request" | "incident";
  status: CaseStatus;
  category: string;
  stage: string;
  level: number;
  tags: string[];
  last_agent: string | null;
  last_seq: number;
  joined_because: string;
  follows: string | null;
  changed_at: string | null;
  rating?: number;
  /** The customer's own page, where one case is asked for; empty: it is nobody's. */
  ticket_url?: string;
  links?: CaseLink[];
  merged_into?: number | null;
}

export interface AgentProfile {
  name: string;
  display_name: string;
  role: Role;
  skills: Record<string, number>;
  queues: string[];
  groups: string[];
  capacity: Partial<Record<ChannelKind, number>>;
  active: boolean;
  site: string;
}

export interface Queue {
  name: string;
  display_name: string;
  skills: Record<string, number>;
  priority: number;
  affinity_seconds: number;
  offer_seconds: Partial<Record<ChannelKind, number>>;
  service_level_seconds: number | null;
  take_allowed: boolean;
  wrapup_required: boolean;
  /** Seconds until a waiting item may go to another node; null: never. */
  overflow_after: number | null;
}

export interface Outgoing {
  id: string;
  channel: string;
  kind: ChannelKind;
  purpose: "message" | "status";
  state: "pending" | "attempting" | "sent" | "failed";
  version: number;
  created_at: string;
  next_at: string;
  expires_at: string;
  attempts: number;
  repeats: number;
  case: string | null;
  number: number | null;
  item: string | null;
  message: string | null;
  address: string;
  reason: string;
  receipt: string;
  payload: Attributes;
  unsettled: boolean;
  thread: string[];
}

// -- views (gateway/core/view.py) --------------------------------------------------------------

export interface CaseView {
  id: string;
  number: number;
  subject: string;
  type: "request" | "incident";
  status: CaseStatus;
  category: string;
  stage: string;
  level: number;
  tags: string[];
  opened_at: string;
  last_seq: number;
  links?: CaseLink[];
}

export interface ClockView {
  clock: "first_reply" | "next_reply" | "resolution";
  running?: boolean;
  due_at?: string;
  used?: number;
  warned_at?: string;
  breached_at?: string;
  met_at?: string;
}

export interface ServiceView {
  policy: string;
  clocks: ClockView[];
}

export interface ItemView {
  id: string;
  number: number;
  case: CaseView;
  channel: string;
  kind: ChannelKind;
  queue: string;
  state: ItemState;
  version: number;
  subject: string;
  preview: string;
  customer: CustomerBrief | null;
  language: string;
  skills: Record<string, number>;
  priority: number;
  created_at: string;
  queued_at: string | null;
  due_at: string | null;
  wake_at: string | null;
  agent: string | null;
  assigned_at: string | null;
  answered_at: string | null;
  wrapping_at: string | null;
  ended_at: string | null;
  address: string;
  copies: string[];
  reason: string;
  code: string;
  categories: string[];
  attributes: Attributes;
  /** What is promised to the customer, if anything is. */
  service?: ServiceView;
  callback?: Callback;
  promise?: PromiseOf;
  /** Nothing can be written on it: there only is a number to call. */
  no_reply?: boolean;
  /** What is written to its address comes back, and this is why. */
  undeliverable?: string;
  /** Whoever is there wants no more messages, and since when. */
  stopped?: string;
  /** Until when a messenger lets us answer freely. */
  window_ends?: string | null;
}

export interface Callback {
  via: ChannelKind;
  since: string;
  asked_by: string;
  number?: string;
  at?: string | null;
  zone?: string;
  note?: string;
  attempts?: number;
}

export interface PromiseOf {
  text: string;
  agent: string;
  made_at: string;
  due_at: string;
  grace: number;
  broken_at?: string | null;
}

/** A promise as REST lists it (gateway/api/callbacks.py). */
export interface PromiseCard {
  item: string;
  text: string;
  agent: string;
  made_at: string;
  due_at: string;
  state: "open" | "kept" | "broken";
  ended_at: string | null;
}

export interface OfferView {
  offer: string;
  item: ItemView;
  deadline: string;
  customer: CustomerBrief | null;
  reason: string;
  /** The offer that it is made with: answering one answers all. */
  bundle?: string;
}

export interface StateView {
  state: Presence;
  reason: string;
  since: string;
  /** Why nothing is offered although the agent is ready. */
  notice?: string;
}

export interface CapacityView {
  used: number;
  total: number;
}

// -- client → server (push/protocol.py Hello, gateway/core/commands.py) -------------------------

export interface ResumeFrom {
  epoch: number;
  seq: number;
}

export interface Hello {
  t: "hello";
  token: string;
  versions: number[];
  resume?: ResumeFrom | null;
  unreachable?: string[];
  client?: string;
  pending?: string[] | null;
  /** This is a screen that shows something, no desktop at which somebody works. */
  watching?: boolean;
}

/** For supervisors: be told of `what` from now on, in `live` frames. */
export interface Watch {
  t: "watch";
  id: string;
  what: "live";
}

export interface Unwatch {
  t: "unwatch";
  id: string;
  watch: string;
}

export interface State {
  t: "state";
  id: string;
  state: Presence;
  reason?: string;
}

export interface Accept {
  t: "accept";
  id: string;
  offer: string;
}

/** It was not for this agent: a reason of the house's list, and what would have been right. */
export interface NotForMe {
  reason: string;
  queue?: string | null;
  skill?: string | null;
}

export interface Decline {
  t: "decline";
  id: string;
  offer: string;
  reason?: string;
  misrouted?: NotForMe | null;
}

export interface Send {
  t: "send";
  id: string;
  item: string;
  body: string;
  html?: string | null;
  subject?: string | null;
  to?: string[] | null;
  cc?: string[] | null;
  attachments?: string[];
  then?: "wait" | "close" | null;
  quote?: string | null;
  /** Another channel of the same customer, for this one answer. */
  via?: string | null;
}

export interface Note {
  t: "note";
  id: string;
  item: string;
  body: string;
}

export interface Edit {
  t: "edit";
  id: string;
  item: string;
  message: string;
  body: string;
}

export interface Delete {
  t: "delete";
  id: string;
  item: string;
  message: string;
}

export interface Typing {
  t: "typing";
  id: string;
  item: string;
  on?: boolean;
}

export interface Read {
  t: "read";
  id: string;
  item: string;
  message: string;
}

export interface Compose {
  t: "compose";
  id: string;
  channel: string;
  body: string;
  customer?: string | null;
  to?: string | null;
  subject?: string;
  queue?: string | null;
}

export interface Take {
  t: "take";
  id: string;
  item: string;
}

export interface Park {
  t: "park";
  id: string;
  item: string;
  until?: string | null;
}

export interface Resume {
  t: "resume";
  id: string;
  item: string;
}

export interface Reopen {
  t: "reopen";
  id: string;
  case: string;
}

export interface TagCase {
  t: "tag";
  id: string;
  case: string;
  add?: string[];
  remove?: string[];
}

export interface RunMacro {
  t: "macro";
  id: string;
  item: string;
  name: string;
}

export interface Transfer {
  t: "transfer";
  id: string;
  item: string;
  queue?: string | null;
  agent?: string | null;
  note?: string;
  misrouted?: NotForMe | null;
}

export interface AskCallback {
  t: "callback";
  id: string;
  item?: string | null;
  customer?: string | null;
  number?: string;
  at?: string | null;
  zone?: string;
  note?: string;
  mine?: boolean;
  queue?: string | null;
}

export interface MakePromise {
  t: "promise";
  id: string;
  item: string;
  text: string;
  due_at: string;
}

/** Something said to a colleague, or to everybody in a group. */
export interface Peer {
  t: "peer";
  id: string;
  agent?: string | null;
  group?: string;
  item?: string | null;
  body: string;
}

export interface PeerRead {
  t: "peer_read";
  id: string;
  agent?: string | null;
  group?: string;
  message: string;
}

export interface Wrapup {
  t: "wrapup";
  id: string;
  item: string;
  code?: string;
  categories?: string[];
  note?: string;
  misrouted?: NotForMe | null;
}

export type Command =
  | State
  | Accept
  | Decline
  | Send
  | Note
  | Edit
  | Delete
  | Typing
  | Read
  | Compose
  | Take
  | Park
  | Resume
  | Reopen
  | TagCase
  | RunMacro
  | Transfer
  | AskCallback
  | MakePromise
  | Peer
  | PeerRead
  | Wrapup
  | Watch
  | Unwatch;

export type ClientFrame = Hello | Command;

// -- server → client (push/protocol.py) ---------------------------------------------------------

export interface AgentCard {
  name: string;
  display_name: string;
  role: Role;
}

export interface Waiting {
  t: "waiting";
  reason: string;
  /** What the reason is about, for one's own words; a node of an older version does not say it. */
  code?: string;
}

export interface Welcome {
  t: "welcome";
  version: number;
  session: string;
  epoch: number;
  seq: number;
  node: string;
  region: string;
  peers: string[];
  heartbeat: number;
  server_time: string;
  agent: AgentCard;
  ice_servers: Record<string, unknown>[];
}

export interface Tick {
  t: "tick";
  server_time: string;
}

export interface Snapshot {
  t: "snapshot";
  epoch: number;
  seq: number;
  state: StateView;
  capacity: CapacityView;
  offers: OfferView[];
  items: ItemView[];
}

export interface OfferFrame {
  t: "offer";
  epoch: number;
  seq: number;
  capacity?: CapacityView;
  offer: string;
  item: ItemView;
  deadline: string;
  customer: CustomerBrief | null;
  reason: string;
  bundle?: string;
}

export interface OfferGone {
  t: "offer_gone";
  epoch: number;
  seq: number;
  capacity?: CapacityView;
  offer: string;
  reason: string;
}

export interface ItemFrame {
  t: "item";
  epoch: number;
  seq: number;
  capacity?: CapacityView;
  item: ItemView;
  gone: boolean;
}

export interface MessageFrame {
  t: "message";
  epoch: number;
  seq: number;
  capacity?: CapacityView;
  item: string;
  message: Message;
}

export interface DeliveryFrame {
  t: "delivery";
  epoch: number;
  seq: number;
  capacity?: CapacityView;
  item: string | null;
  message: string;
  state: Delivery;
  reason: string;
}

export interface StateFrame {
  t: "state";
  epoch: number;
  seq: number;
  capacity?: CapacityView;
  state: Presence;
  reason: string;
  since: string;
  notice?: string;
}

/** A colleague says something, or this agent did; the same `id` again is the same message as it is now. */
export interface PeerFrame {
  t: "peer";
  epoch: number;
  seq: number;
  capacity?: CapacityView;
  id: string;
  from: string;
  agent?: string;
  group?: string;
  item?: string;
  number?: number;
  body: string;
  at: string;
  held?: string;
  refused?: boolean;
}

export interface PeerReadFrame {
  t: "peer_read";
  epoch: number;
  seq: number;
  capacity?: CapacityView;
  agent?: string;
  group?: string;
  message: string;
}

export interface TypingFrame {
  t: "typing";
  item: string;
  who: string;
  on: boolean;
}

/** For supervisors: a clock of this item has been overdue since `due_at`. Passing, like typing. */
export interface Alert {
  t: "alert";
  item: string;
  number: number;
  queue: string;
  clock: "first_reply" | "next_reply" | "resolution";
  due_at: string | null;
}

/** The wallboard at a moment: the whole `board`, or what `changed` since `n - 1` (a JSON Merge Patch). */
export interface LiveFrame {
  t: "live";
  watch: string;
  n: number;
  at: string;
  /** In how many seconds the next one comes. */
  every: number;
  board?: Record<string, unknown>;
  changed?: Record<string, unknown>;
}

export interface Moved {
  t: "moved";
  url: string;
  reason: string;
}

export interface Ok {
  t: "ok";
  re: string;
  seq: number;
  body: Record<string, unknown>;
}

export interface Error {
  t: "error";
  re: string | null;
  code: string;
  detail: string;
  field?: string;
}

export type NumberedFrame =
  | OfferFrame
  | OfferGone
  | ItemFrame
  | MessageFrame
  | DeliveryFrame
  | StateFrame
  | PeerFrame
  | PeerReadFrame;

export type ServerFrame =
  | Waiting
  | Welcome
  | Tick
  | Snapshot
  | NumberedFrame
  | TypingFrame
  | Alert
  | LiveFrame
  | Moved
  | Ok
  | Error;
