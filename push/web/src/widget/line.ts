/**
 * The connection: opens, listens, notices silence, comes back with jitter.
 *
 * The server is silent when nothing came for 2.5 heartbeats. A hidden tab's timers run late,
 * but its frames arrive in time, so the time of the last frame decides, not the timer.
 */

import { Addresses, lossOf } from "../net/addresses.ts";
import type { ClientFrame, ServerFrame } from "./frames.ts";
import { SUBPROTOCOL } from "./frames.ts";

export interface LineEvents {
  opened(): void;
  frame(frame: ServerFrame): void;
  /** `final`: the server will not have us; there is no point in coming back. */
  closed(final: boolean): void;
  /** Every second while the line is wanted. */
  beat(now: number): void;
}

/** Seconds. */
const PACE = { first: 0.5, longest: 20 };
const OPENING_MS = 5_000;
const GREETING_MS = 10_000;
const WRONG_MS = 60_000;
const NEVER = 4403;
const WRONG = new Set([4400, 4406]);

export class Line {
  heartbeat = 10;
  private socket: WebSocket | null = null;
  private wanted = false;
  private heard = 0;
  private welcomed = false;
  private readonly addresses: Addresses;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private pulse: ReturnType<typeof setInterval> | undefined;

  /** `urls`: where it begins, and what else was known before. */
  constructor(
    urls: readonly string[],
    private readonly events: LineEvents,
  ) {
    this.addresses = new Addresses(urls, PACE, Math.random);
  }

  /** Where the node is asked over HTTP. */
  get base(): string {
    return this.addresses.url.replace(/^ws/, "http").replace(/\/chat\/v1$/, "");
  }

  /** The nodes, the one where we are first. */
  get known(): string[] {
    return this.addresses.known;
  }

  /** The node lets us in, and names the others. */
  welcome(peers: readonly string[], heartbeat: number): void {
    this.welcomed = true;
    this.heartbeat = heartbeat;
    this.addresses.welcomed(peers);
  }

  /** Connect, and stay connected. */
  start(): void {
    if (this.wanted) return;
    this.wanted = true;
    addEventListener("online", this.now);
    addEventListener("pageshow", this.now);
    document.addEventListener("visibilitychange", this.onVisible);
    this.pulse = setInterval(() => this.beat(), 1000);
    this.connect();
  }

  stop(): void {
    this.wanted = false;
    removeEventListener("online", this.now);
    removeEventListener("pageshow", this.now);
    document.removeEventListener("visibilitychange", this.onVisible);
    clearInterval(this.pulse);
    clearTimeout(this.retry);
    this.drop();
  }

  send(frame: ClientFrame): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  /** Give this connection up and come back, elsewhere if told so. */
  renew(url?: string): void {
    this.leave(url === undefined ? this.addresses.lost("cut") : this.addresses.moved(url));
  }

  private leave(seconds: number): void {
    this.drop();
    if (this.wanted) this.later(seconds * 1000);
  }

  private loss(code: number | null, silent = false) {
    return lossOf({ code, welcomed: this.welcomed, waited: false, silent });
  }

  private readonly now = (): void => {
    if (this.wanted && !this.socket) this.later(Math.random() * 200);
  };

  private readonly onVisible = (): void => {
    if (document.visibilityState === "visible") {
      this.beat();
      this.now();
    }
  };

  private connect(): void {
    clearTimeout(this.retry);
    if (!this.wanted || this.socket) return;
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.addresses.url, SUBPROTOCOL);
    } catch {
      this.events.closed(true); // the page's policy forbids it
      return;
    }
    this.socket = socket;
    this.welcomed = false;
    this.heard = Date.now();
    socket.onopen = () => {
      this.heard = Date.now();
      this.events.opened();
    };
    socket.onmessage = (event) => {
      this.heard = Date.now();
      const frame = parse(event.data);
      if (frame) this.events.frame(frame);
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.ended(event.code);
    };
  }

  private ended(code: number): void {
    this.socket = null;
    if (code === NEVER) {
      this.stop();
      this.events.closed(true);
      return;
    }
    const seconds = this.addresses.lost(this.loss(code));
    this.events.closed(false);
    this.later(WRONG.has(code) ? WRONG_MS : seconds * 1000);
  }

  private later(ms: number): void {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect(), ms);
  }

  private drop(): void {
    const socket = this.socket;
    if (!socket) return;
    this.socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.events.closed(false);
  }

  private beat(): void {
    const now = Date.now();
    if (this.socket && now - this.heard > this.patience) this.leave(this.addresses.lost(this.loss(null, true)));
    this.events.beat(now);
  }

  private get patience(): number {
    if (this.socket?.readyState !== WebSocket.OPEN) return OPENING_MS;
    return this.welcomed ? this.heartbeat * 2500 : GREETING_MS;
  }
}

function parse(data: unknown): ServerFrame | null {
  try {
    const frame: unknown = JSON.parse(String(data));
    return frame && typeof frame === "object" && "t" in frame ? (frame as ServerFrame) : null;
  } catch {
    return null;
  }
}
