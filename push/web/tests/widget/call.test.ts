import { describe, expect, it } from "vitest";
import { daysOf } from "../../src/widget/call.ts";
import type { Chat } from "../../src/widget/chat.ts";
import { newChat, step } from "../../src/widget/chat.ts";
import type { ServerFrame } from "../../src/widget/frames.ts";

const CALL = { t: "callme", id: "callme-one", number: "+49 30 1234567" } as const;
const live: Chat = { ...newChat(), line: "live" };
const told = (chat: Chat, frame: ServerFrame): Chat => step(chat, { do: "frame", frame, now: 0, looking: true }).chat;

describe("the times to be called at", () => {
  const now = Date.UTC(2026, 10, 23, 9, 5);

  it("are half hours in which somebody is there, not at once", () => {
    const [today, ...more] = daysOf([["2026-11-23T09:05:00Z", "2026-11-23T11:00:00Z"]], now);
    expect(more).toEqual([]);
    expect(today!.times.map((at) => at.toISOString().slice(11, 16))).toEqual(["09:30", "10:00", "10:30"]);
  });

  it("are kept apart by days, and several periods of one day together", () => {
    const days = daysOf(
      [
        ["2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z"],
        ["2026-11-24T12:10:00Z", "2026-11-24T13:00:00Z"],
        ["2026-11-26T10:00:00Z", "2026-11-26T10:20:00Z"],
      ],
      now,
    );
    expect(days.map(({ times }) => times.length)).toEqual([3, 1]);
  });

  it("are none where nobody ever is there", () => {
    expect(daysOf([], now)).toEqual([]);
    expect(daysOf([["2026-11-23T09:05:00Z", "2026-11-23T09:20:00Z"]], now)).toEqual([]);
  });
});

describe("a call that was asked for", () => {
  it("is sent, and forgotten once it is on disk", () => {
    const asked = step(live, { do: "call", frame: CALL });
    expect(asked.send).toEqual([CALL]);
    expect(asked.chat.asked).toEqual({ frame: CALL });
    expect(told(asked.chat, { t: "ok", re: CALL.id, seq: 3 }).asked).toBeNull();
  });

  it("is asked for again, under its id, after the line was cut", () => {
    const { chat } = step(step(live, { do: "call", frame: CALL }).chat, { do: "closed" });
    const greeting = step(chat, { do: "opened", who: { channel: "site", locale: "en" } }).chat;
    const welcome: ServerFrame = { t: "welcome", version: 1, visitor: "t", conversation: null, number: null, seq: 0, state: "closed", heartbeat: 10, site: {} };
    expect(step(greeting, { do: "frame", frame: welcome, now: 0, looking: true }).send).toEqual([CALL]);
    const refused = told(chat, { t: "error", re: CALL.id, code: "bad_number", detail: "write it like +49 …" });
    expect(refused.asked).toEqual({ frame: CALL, failed: "bad_number" });
    const back = step({ ...refused, line: "greeting" }, { do: "frame", frame: welcome, now: 0, looking: true });
    expect(back.send).toEqual([]);
  });

  it("stands in what the server tells, with what is promised", () => {
    const callback = { number: CALL.number, at: "2026-11-24T10:00:00Z" };
    const promises = [{ text: "A new shade", due_at: "2026-11-25T10:00:00Z" }];
    const chat = told(live, { t: "state", state: "queued", callback, promises });
    expect(chat.standing).toEqual({ state: "queued", callback, promises });
    expect(told(chat, { t: "state", state: "queued", callme: true }).standing).toEqual({ state: "queued", callme: true });
  });
});
