/**
 * The connection: opens, listens, notices silence, comes back with jitter.
 *
 * The server is silent when nothing came for 2.5 heartbeats. A hidden tab's timers run late,
 * but its frames arrive in time, so the time of the last frame decides, not the timer.
 */

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

const FIRST_MS = 500;
const MOST_MS = 20_000;
const GREETING_MS = 10_000;
const WRONG_MS = 60_000;
const STEADY_MS = 5_000;
const NEVER = 4403;
const WRONG = new Set([4400, 4406]);

export class Line {
  heartbeat = 10;
  private socket: WebSocket | null = null;
  private wanted = false;
  private tries = 0;
  private heard = 0;
  private since = 0;
  private opened = false;
  /** Where we were sent, after where we began. */
  private readonly known: string[];
  private retry: ReturnType<typeof setTimeout> | undefined;
  private pulse: ReturnType<typeof setInterval> | undefined;

  constructor(
    private url: string,
    private readonly events: LineEvents,
  ) {
    this.known = [url];
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

  /** Give this connection up and come back at once, elsewhere if told so. */
  renew(url?: string): void {
    if (url) {
      if (!this.known.includes(url)) this.known.push(url);
      this.url = url;
    } else if (!this.opened) this.turn();
    this.tries = 0;
    this.drop();
    if (this.wanted) this.later(Math.random() * FIRST_MS);
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
      socket = new WebSocket(this.url, SUBPROTOCOL);
    } catch {
      this.events.closed(true); // the page's policy forbids it
      return;
    }
    this.socket = socket;
    this.opened = false;
    this.heard = this.since = Date.now();
    socket.onopen = () => {
      this.opened = true;
      this.heard = this.since = Date.now();
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
    if (!this.opened) this.turn();
    if (code === NEVER) {
      this.stop();
      this.events.closed(true);
      return;
    }
    this.events.closed(false);
    if (Date.now() - this.since > STEADY_MS) this.tries = 0;
    const most = Math.min(MOST_MS, FIRST_MS * 2 ** this.tries++);
    this.later(WRONG.has(code) ? WRONG_MS : most / 2 + (Math.random() * most) / 2);
  }

  /** A node that does not answer may be gone for good: the next one that we know. */
  private turn(): void {
    const at = this.known.indexOf(this.url);
    this.url = this.known[(at + 1) % this.known.length] ?? this.url;
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
    const patience = this.socket?.readyState === WebSocket.OPEN ? this.heartbeat * 2500 : GREETING_MS;
    if (this.socket && now - this.heard > patience) this.renew();
    this.events.beat(now);
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
