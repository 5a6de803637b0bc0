/**
 * One tab's connection to a node, which heals by itself.
 *
 * Life cycle: `start` → socket → `hello` → [`waiting`] → `welcome` → frames, until `stop`.
 * Whatever ends a socket (a close, silence, a gap, an unanswered command, `moved`) leads to
 * the next one, at the same node or a peer, with resume and with the unanswered commands
 * repeated under their ids. Only a rejected token and a protocol we do not speak end it.
 *
 * The clock, the socket, chance and the metronome come from outside (`Environment`); a hidden
 * tab's own timers may be slowed to one a minute, so the metronome beats in a Worker.
 */

import { Addresses, lossOf } from "../net/addresses";
import { Close, VERSION, type Command, type Hello, type Ok, type ServerFrame } from "../protocol";
import { CommandBook, isFleeting, type CommandStore } from "./commands";
import { apply, EMPTY, resumeFrom, type Desk } from "./state";

export interface Wire {
  send(text: string): void;
  close(): void;
}

export interface WireEvents {
  onOpen(): void;
  onText(text: string): void;
  onClose(code: number): void;
}

export interface Environment {
  open(url: string, events: WireEvents): Wire;
  /** Milliseconds, going on while the machine sleeps; a jump costs one reconnect. */
  now(): number;
  after(ms: number, act: () => void): () => void;
  /** Calls `act` about once a second, also while the tab is hidden. Returns how to stop. */
  everySecond(act: () => void): () => void;
  random(): number;
  newId(): string;
  store: CommandStore;
}

/** `since` is when it was last online, `reason` and `code` what the node last said that it waits for, or "". */
export type Status =
  | { kind: "connecting" }
  | { kind: "waiting"; since: number; reason: string; code: string }
  | { kind: "online" }
  | { kind: "reconnecting"; since: number; reason: string; code: string; attempt: number; why: Why }
  /** The token is not valid (any more): sign in again. */
  | { kind: "signed_out" }
  /** The node speaks another version: load the page again. */
  | { kind: "outdated" }
  | { kind: "stopped" };

export type Why = "lost" | "silent" | "unanswered" | "gap" | "fenced" | "moved" | "no_welcome";

export interface Listener {
  onDesk(desk: Desk, frame: ServerFrame): void;
  onStatus(status: Status): void;
  /** The node at `url` has let us in; `known` are all that we know, this one first. */
  onNode(url: string, known: string[]): void;
  /** The unanswered commands changed. */
  onPending(commands: Command[]): void;
}

export type WithoutId<C> = C extends Command ? Omit<C, "id"> : never;

const SECOND = 1000;
const COMMAND_LIMIT = 10 * SECOND;
const OPEN_LIMIT = 5 * SECOND;
const WELCOME_LIMIT = 10 * SECOND;
const HEARTBEAT = 10; // seconds, until `welcome` says otherwise
const FIRST_DELAY = 0.5; // seconds
const NOT_NOW_PAUSE = 2 * SECOND;
/** Refusals that ask for the same id again, a little later. */
const NOT_NOW = new Set(["unavailable", "too_many"]);

export class Connection {
  private desk: Desk = EMPTY;
  private status: Status = { kind: "connecting" };
  private readonly book: CommandBook;
  private wire: Wire | null = null;
  /** Which socket is the current one: events of earlier ones are not ours any more. */
  private generation = 0;
  private opened = false;
  private heard = false;
  /** When the last frame came; until one has, when the socket was opened. */
  private heardAt = 0;
  private welcomed = false;
  /** The node on this socket has us wait. */
  private waited = false;
  /** Since when it is not online, and what was last said to be waited for. */
  private since: number;
  private reason = "";
  private code = "";
  private attempt = 0;
  private gaps = 0;
  private readonly addresses: Addresses;
  private cancelRetry: (() => void) | null = null;
  private stopBeat: (() => void) | null = null;

  constructor(
    private readonly env: Environment,
    private readonly listener: Listener,
    private readonly token: string,
    seeds: readonly string[],
    private readonly client: string,
    /** It is a screen that only watches: no agent is signed in by it. */
    private readonly watching = false,
  ) {
    this.since = env.now();
    this.addresses = new Addresses(seeds, { first: FIRST_DELAY }, env.random);
    this.book = new CommandBook(env.store);
  }

  start(): void {
    this.stopBeat = this.env.everySecond(() => this.beat());
    this.listener.onPending(this.book.commands);
    this.setStatus({ kind: "connecting" });
    this.connect();
  }

  stop(): void {
    this.end({ kind: "stopped" });
  }

  /** The network is back, or the tab is looked at again: don't wait out the delay. */
  nudge(): void {
    if (this.wire || this.over) return;
    this.cancelRetry?.();
    this.attempt = 0;
    this.addresses.hasten();
    this.connect();
  }

  /**
   * Give a command. Resolves with its answer, however many connections that takes; rejects with
   * `Refused` when the node says no.
   */
  command<C extends Command>(command: WithoutId<C>): Promise<Ok> {
    const full = { ...command, id: this.env.newId() } as unknown as Command;
    if (isFleeting(full) && this.status.kind !== "online") return new Promise(() => {});
    const answer = this.book.add(full);
    this.listener.onPending(this.book.commands);
    this.sendUnsent();
    return answer;
  }

  private get over(): boolean {
    return ["signed_out", "outdated", "stopped"].includes(this.status.kind);
  }

  // -- sockets ------------------------------------------------------------------------------

  private connect(): void {
    this.cancelRetry = null;
    const mine = ++this.generation;
    const current = (act: () => void) => {
      if (mine === this.generation) act();
    };
    this.welcomed = this.waited = this.opened = this.heard = false;
    this.heardAt = this.env.now();
    this.wire = this.env.open(this.addresses.url, {
      onOpen: () => current(() => this.sayHello()),
      onText: (text) => current(() => this.hear(text)),
      onClose: (code) => current(() => this.closed(code)),
    });
  }

  private sayHello(): void {
    this.opened = true;
    const hello: Hello = {
      t: "hello",
      token: this.token,
      versions: [VERSION],
      client: this.client,
      pending: this.book.ids,
    };
    if (this.watching) hello.watching = true;
    // after two gaps in a row the replay itself is not to be trusted: ask for a snapshot
    const resume = this.gaps < 2 ? resumeFrom(this.desk) : null;
    if (resume) hello.resume = resume;
    const { unreachable } = this.addresses;
    if (unreachable.size > 0) hello.unreachable = [...unreachable];
    this.wire?.send(JSON.stringify(hello));
  }

  private closed(code: number): void {
    switch (code) {
      case Close.BAD_TOKEN:
        return this.end({ kind: "signed_out" });
      case Close.BAD_VERSION:
      case Close.BAD_HELLO:
        return this.end({ kind: "outdated" });
      default:
        return this.reconnect("lost", { code });
    }
  }

  private end(status: Status): void {
    this.dropWire();
    this.cancelRetry?.();
    this.stopBeat?.();
    this.setStatus(status);
  }

  private dropWire(): void {
    this.generation += 1;
    this.wire?.close();
    this.wire = null;
    this.book.forgetSocket();
  }

  /** Leave this socket and open the next one, a little later. */
  private reconnect(why: Why, { code = null, to }: { code?: number | null; to?: string } = {}): void {
    const { welcomed, waited } = this;
    this.dropWire();
    if (this.over) return;
    if (this.status.kind === "online") this.since = this.env.now();
    const silent = why === "silent";
    const delay = to ? this.addresses.moved(to) : this.addresses.lost(lossOf({ code, welcomed, waited, silent }));
    this.attempt += 1;
    const { since, reason, attempt } = this;
    this.setStatus({ kind: "reconnecting", since, reason, code: this.code, attempt, why });
    this.cancelRetry?.();
    this.cancelRetry = this.env.after(delay * SECOND, () => this.connect());
  }

  // -- liveness -----------------------------------------------------------------------------

  private beat(): void {
    if (!this.wire) return;
    const now = this.env.now();
    this.heardAt = Math.min(this.heardAt, now); // the clock was set back
    const silence = 2.5 * (this.desk.session?.heartbeat ?? HEARTBEAT) * SECOND;
    if (now - this.heardAt > silence) return this.reconnect("silent");
    const limit = this.opened ? WELCOME_LIMIT : OPEN_LIMIT;
    if (!this.heard && now - this.heardAt > limit) return this.reconnect("no_welcome");
    if (this.book.overdue(now, COMMAND_LIMIT)) return this.reconnect("unanswered");
  }

  // -- frames -------------------------------------------------------------------------------

  private hear(text: string): void {
    const frame = parse(text);
    if (!frame) return;
    this.heard = true;
    this.heardAt = this.env.now();
    const { desk, verdict } = apply(this.desk, frame);
    if (verdict === "stale") return this.reconnect("fenced");
    if (verdict === "gap") {
      this.gaps += 1;
      return this.reconnect("gap");
    }
    this.desk = desk;
    if (verdict === "applied" && "seq" in frame && frame.t !== "welcome") this.gaps = 0;
    this.act(frame);
    this.listener.onDesk(desk, frame);
  }

  private act(frame: ServerFrame): void {
    switch (frame.t) {
      case "waiting":
        this.waited = true;
        this.reason = frame.reason;
        this.code = frame.code ?? "";
        return this.setStatus({ kind: "waiting", since: this.since, reason: this.reason, code: this.code });
      case "welcome":
        this.welcomed = true;
        this.waited = false;
        this.attempt = 0;
        this.addresses.welcomed(frame.peers);
        this.listener.onNode(this.addresses.url, this.addresses.known);
        this.sendUnsent();
        if (this.watching || resumeFrom(this.desk)) this.setStatus({ kind: "online" });
        return;
      case "snapshot":
        return this.setStatus({ kind: "online" });
      case "moved":
        return this.reconnect("moved", { to: frame.url });
      case "ok":
        this.book.answer(frame);
        return this.listener.onPending(this.book.commands);
      case "error":
        if (frame.re && NOT_NOW.has(frame.code)) return this.repeatLater(frame.re);
        this.book.answer(frame);
        return this.listener.onPending(this.book.commands);
    }
  }

  private repeatLater(id: string): void {
    this.book.postpone(id);
    const mine = this.generation;
    this.env.after(NOT_NOW_PAUSE * (0.5 + this.env.random()), () => {
      if (mine === this.generation) this.sendUnsent();
    });
  }

  private sendUnsent(): void {
    if (!this.wire || !this.welcomed) return;
    for (const command of this.book.takeUnsent(this.env.now())) {
      this.wire.send(JSON.stringify(command));
    }
  }

  private setStatus(status: Status): void {
    if (status.kind === "online" && this.status.kind === "online") return;
    if (status.kind === "online") this.reason = this.code = "";
    this.status = status;
    this.listener.onStatus(status);
  }
}

function parse(text: string): ServerFrame | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "t" in value) return value as ServerFrame;
  } catch {
    // not JSON: nothing we could act on; silence or a gap will show if it mattered
  }
  return null;
}
