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

  ends(code = 1006): void {
    this.onclose?.({ code });
  }

  send(): void {}
  close(): void {}
}

const newest = (): FakeSocket => FakeSocket.all.at(-1) as FakeSocket;

let line: Line;

function newLine(urls: string[]): Line {
  const nothing = () => {};
  const made = new Line(urls, { opened: nothing, frame: nothing, closed: nothing, beat: nothing });
  made.start();
  return made;
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("addEventListener", () => {});
  vi.stubGlobal("removeEventListener", () => {});
  vi.stubGlobal("document", { addEventListener: () => {}, removeEventListener: () => {}, visibilityState: "hidden" });
  line = newLine([SEED]);
});

afterEach(() => {
  line.stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** The node there lets us in. */
const welcomes = (...peers: string[]): void => {
  newest().opens();
  line.welcome(peers, 10);
};

describe("where the line leads", () => {
  it("follows to the node that it was sent to, and comes back to it after a blip", () => {
    welcomes();
    line.renew(OTHER);
    vi.advanceTimersByTime(1_100);
    expect(newest().url).toBe(OTHER);
    welcomes();
    newest().ends();
    vi.advanceTimersByTime(1_000);
    expect(newest().url).toBe(OTHER);
  });

  it("goes back to where it began when the node that it was sent to is gone", () => {
    welcomes();
    line.renew(OTHER);
    vi.advanceTimersByTime(1_100);
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

  it("goes to a peer when its node is gone, though nobody said farewell", () => {
    welcomes(OTHER);
    expect(line.known).toEqual([SEED, OTHER]);
    newest().ends();
    vi.advanceTimersByTime(600);
    expect(newest().url).toBe(SEED);
    newest().ends();
    vi.advanceTimersByTime(1_100);
    expect(newest().url).toBe(OTHER);
  });

  it("knows from an earlier page where else to go", () => {
    line.stop();
    line = newLine([SEED, OTHER]);
    newest().ends();
    vi.advanceTimersByTime(600);
    expect(newest().url).toBe(OTHER);
  });

  it("leaves a node that does not open for another one after five seconds", () => {
    line.stop();
    line = newLine([SEED, OTHER]);
    vi.advanceTimersByTime(7_000);
    expect(newest().url).toBe(OTHER);
  });

  it("comes again soon, at the same node, when that is asked", () => {
    vi.stubGlobal("Math", Object.create(Math, { random: { value: () => 0.999 } }));
    welcomes(OTHER);
    for (let n = 0; n < 6; n += 1) {
      const { length } = FakeSocket.all;
      newest().ends(1012);
      vi.advanceTimersByTime(1_500);
      expect(FakeSocket.all).toHaveLength(length + 1);
      expect(newest().url).toBe(SEED);
    }
  });
});
