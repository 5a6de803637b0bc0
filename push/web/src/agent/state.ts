/**
 * What an agent's desktop knows, and how each server frame changes it.
 *
 * Pure: no clock, no socket. The law of this file: whoever replays the frames after a snapshot
 * holds the same state, capacity, offers and items as a fresh snapshot would give. The vectors
 * in `tests/vectors/desk/` state it in JSON, for this reducer and for the Python client.
 */

import type {
  AgentCard,
  CapacityView,
  Delivery,
  ItemView,
  Message,
  NumberedFrame,
  OfferView,
  ServerFrame,
  Snapshot,
  StateFrame,
  StateView,
  Welcome,
} from "../protocol";

export interface Session {
  node: string;
  region: string;
  session: string;
  heartbeat: number;
  peers: readonly string[];
  agent: AgentCard;
}

/** How far a message has come since the snapshot; overrides what a message row said. */
export interface DeliveryNote {
  state: Delivery;
  reason: string;
}

export interface Desk {
  /** The highest epoch seen; frames of a lower one count for nothing. */
  readonly epoch: number;
  /** The last frame applied within `epoch`; -1 while there is no snapshot to build on. */
  readonly seq: number;
  readonly session: Session | null;
  /** Why the node does not serve us yet, or "". */
  readonly waiting: string;
  readonly state: StateView | null;
  readonly capacity: CapacityView | null;
  readonly offers: Readonly<Record<string, OfferView>>;
  readonly items: Readonly<Record<string, ItemView>>;
  /** Messages that came by frame since the snapshot, by item, in order of `seq`. */
  readonly messages: Readonly<Record<string, readonly Message[]>>;
  readonly deliveries: Readonly<Record<string, DeliveryNote>>;
  /** Who is typing, by item. */
  readonly typing: Readonly<Record<string, readonly string[]>>;
  /** Counts snapshots: whoever loaded a conversation by REST loads it again when this rises. */
  readonly snapshots: number;
}

export const EMPTY: Desk = {
  epoch: 0,
  seq: -1,
  session: null,
  waiting: "",
  state: null,
  capacity: null,
  offers: {},
  items: {},
  messages: {},
  deliveries: {},
  typing: {},
  snapshots: 0,
};

/**
 * What became of a frame.
 *
 * `applied` it changed the desk · `duplicate` seen before · `stale` of a lower epoch, the
 * sender has been fenced out: leave it · `gap` something is missing: reconnect with resume ·
 * `ignored` not about the desk (answers, ticks, frames of a later protocol version).
 */
export type Verdict = "applied" | "duplicate" | "stale" | "gap" | "ignored";

export interface Step {
  desk: Desk;
  verdict: Verdict;
}

/** The desk after one frame. */
export function apply(desk: Desk, frame: ServerFrame): Step {
  switch (frame.t) {
    case "waiting":
      return applied({ ...desk, waiting: frame.reason });
    case "welcome":
      return frame.epoch < desk.epoch ? stale(desk) : applied(welcomed(desk, frame));
    case "snapshot":
      return frame.epoch < desk.epoch ? stale(desk) : applied(restored(desk, frame));
    case "typing":
      return applied({
        ...desk,
        typing: withTyping(desk.typing, frame.item, frame.who, frame.on),
      });
    case "offer":
    case "offer_gone":
    case "item":
    case "message":
    case "delivery":
    case "state":
    case "peer":
    case "peer_read":
      return numbered(desk, frame);
    default:
      return { desk, verdict: "ignored" };
  }
}

function applied(desk: Desk): Step {
  return { desk, verdict: "applied" };
}

function stale(desk: Desk): Step {
  return { desk, verdict: "stale" };
}

function welcomed(desk: Desk, frame: Welcome): Desk {
  const { node, region, session, heartbeat, peers, agent } = frame;
  return {
    ...desk,
    waiting: "",
    session: { node, region, session, heartbeat, peers, agent },
    epoch: frame.epoch,
    // a new claim counts from its own snapshot; nothing builds on the old one
    seq: frame.epoch === desk.epoch ? desk.seq : -1,
  };
}

function restored(desk: Desk, frame: Snapshot): Desk {
  return {
    ...desk,
    epoch: frame.epoch,
    seq: frame.seq,
    waiting: "",
    state: frame.state,
    capacity: frame.capacity,
    offers: Object.fromEntries(frame.offers.map((offer) => [offer.offer, offer])),
    items: Object.fromEntries(frame.items.map((item) => [item.id, item])),
    messages: {},
    deliveries: {},
    typing: {},
    snapshots: desk.snapshots + 1,
  };
}

function numbered(desk: Desk, frame: NumberedFrame): Step {
  if (frame.epoch < desk.epoch) return stale(desk);
  if (frame.epoch > desk.epoch || desk.seq < 0) return { desk, verdict: "gap" };
  if (frame.seq <= desk.seq) return { desk, verdict: "duplicate" };
  if (frame.seq > desk.seq + 1) return { desk, verdict: "gap" };
  const next = changed(desk, frame);
  return applied({ ...next, seq: frame.seq, capacity: frame.capacity ?? next.capacity });
}

function changed(desk: Desk, frame: NumberedFrame): Desk {
  switch (frame.t) {
    case "offer": {
      const { offer, item, deadline, customer, reason, bundle } = frame;
      const view = { offer, item, deadline, customer, reason, ...(bundle ? { bundle } : {}) };
      return { ...desk, offers: { ...desk.offers, [offer]: view } };
    }
    case "offer_gone":
      return { ...desk, offers: without(desk.offers, frame.offer) };
    case "item":
      return frame.gone ? withoutItem(desk, frame.item.id) : withItem(desk, frame.item);
    case "message":
      return withMessage(desk, frame.item, frame.message);
    case "delivery":
      return {
        ...desk,
        deliveries: {
          ...desk.deliveries,
          [frame.message]: { state: frame.state, reason: frame.reason },
        },
      };
    case "state":
      return { ...desk, state: presence(frame) };
    case "peer":
    case "peer_read":
      return desk; // not of the work: whoever shows it listens to the frames
  }
}

function presence({ state, reason, since, notice }: StateFrame): StateView {
  return notice ? { state, reason, since, notice } : { state, reason, since };
}

/** An item that is only offered is not in hand yet: it stands in its offer. */
function withItem(desk: Desk, item: ItemView): Desk {
  const offer = Object.values(desk.offers).find((o) => o.item.id === item.id);
  if (item.state === "offered") {
    if (!offer) return desk;
    return { ...desk, offers: { ...desk.offers, [offer.offer]: { ...offer, item } } };
  }
  return { ...desk, items: { ...desk.items, [item.id]: item } };
}

function withoutItem(desk: Desk, id: string): Desk {
  return {
    ...desk,
    items: without(desk.items, id),
    messages: without(desk.messages, id),
    typing: without(desk.typing, id),
  };
}

function withMessage(desk: Desk, item: string, message: Message): Desk {
  const others = (desk.messages[item] ?? []).filter((m) => m.id !== message.id);
  const messages = [...others, message].sort((a, b) => a.seq - b.seq);
  // whoever has spoken has stopped typing
  const typing =
    message.direction === "in"
      ? withTyping(desk.typing, item, message.author.name, false)
      : desk.typing;
  return { ...desk, messages: { ...desk.messages, [item]: messages }, typing };
}

function withTyping(typing: Desk["typing"], item: string, who: string, on: boolean) {
  const others = (typing[item] ?? []).filter((name) => name !== who);
  const names = on ? [...others, who] : others;
  return names.length > 0 ? { ...typing, [item]: names } : without(typing, item);
}

function without<T>(map: Readonly<Record<string, T>>, key: string): Record<string, T> {
  const { [key]: _gone, ...rest } = map;
  return rest;
}

/** Where to resume from, if there is anything to build on. */
export function resumeFrom(desk: Desk): { epoch: number; seq: number } | null {
  return desk.seq < 0 ? null : { epoch: desk.epoch, seq: desk.seq };
}
