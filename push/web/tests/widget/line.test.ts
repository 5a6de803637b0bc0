import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Line } from "../../src/widget/line.ts";

const SEED = "wss://eu-1.example/chat/v1";
const OTHER = "wss://eu-2.example/chat/v1";

class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }

  opens(): void {
    this.readyState = FakeSocket.OPEN;
    this.onopen?.();
  }

  ends(): void {
    this.onclose?.({ code: 1006 });
  }

  send(): void {}
  close(): void {}
}

const newest = (): FakeSocket => FakeSocket.all.at(-1) as FakeSocket;

let line: Line;

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("addEventListener", () => {});
  vi.stubGlobal("removeEventListener", () => {});
  vi.stubGlobal("document", { addEventListener: () => {}, removeEventListener: () => {}, visibilityState: "hidden" });
  const nothing = () => {};
  line = new Line([SEED], { opened: nothing, frame: nothing, closed: nothing, beat: nothing });
  line.start();
});

afterEach(() => {
  line.stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("where the line leads", () => {
  it("follows to the node that it was sent to, and comes back to it after a blip", () => {
    newest().opens();
    line.renew(OTHER);
    vi.advanceTimersByTime(600);
    expect(newest().url).toBe(OTHER);
    newest().opens();
    newest().ends();
    vi.advanceTimersByTime(1_000);
    expect(newest().url).toBe(OTHER);
  });

  it("goes back to where it began when the node that it was sent to is gone", () => {
    newest().opens();
    line.renew(OTHER);
    vi.advanceTimersByTime(600);
    expect(newest().url).toBe(OTHER);
    newest().ends();
    vi.advanceTimersByTime(1_000);
    expect(newest().url).toBe(SEED);
  });

  it("knows no other node than the one it began with until it is told", () => {
    newest().ends();
    vi.advanceTimersByTime(1_000);
    expect(newest().url).toBe(SEED);
  });
});
