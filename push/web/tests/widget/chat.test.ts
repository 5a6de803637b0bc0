import { describe, expect, it } from "vitest";
import type { Chat, Happening } from "../../src/widget/chat.ts";
import { KEPT, newChat, step } from "../../src/widget/chat.ts";
import { answersOf } from "../../src/widget/quick.ts";
import type { ServerFrame } from "../../src/widget/frames.ts";

const who = { channel: "site", locale: "en" };
const welcome = (seq: number, conversation = "case-1"): ServerFrame => ({
  t: "welcome",
  version: 1,
  visitor: "token",
  conversation,
  number: 1000,
  seq,
  state: "active",
  heartbeat: 10,
  site: {},
});
const message = (seq: number, kind: "agent" | "customer" = "agent"): ServerFrame => ({
  t: "message",
  seq,
  id: `m${seq}`,
  author: { kind, name: "Ana" },
  body: `line ${seq}`,
  at: "2026-03-02T09:00:00Z",
  attachments: [],
});

function play(chat: Chat, ...events: (Happening | ServerFrame)[]): Chat {
  return events.reduce<Chat>(
    (now, one) => step(now, "do" in one ? one : { do: "frame", frame: one, now: 0, looking: false }).chat,
    chat,
  );
}

/** A small generator of the same numbers each time. */
function dice(seed: number): (sides: number) => number {
  let at = seed;
  return (sides) => {
    at = (Math.imul(at, 1_103_515_245) + 12_345) >>> 0;
    return (at >>> 16) % sides;
  };
}

describe("the window's memory of a conversation", () => {
  it("shows each message once and in order, however often it is told", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const roll = dice(seed);
      let chat = play(newChat(), { do: "opened", who }, welcome(0));
      const last = 1 + roll(12);
      // The server tells in order from what the client says it has, and is cut at any point.
      for (let cut = 0; cut < 6; cut++) {
        const upTo = cut === 5 ? last : Math.min(last, chat.seq + roll(4));
        const from = Math.max(1, chat.seq + 1 - roll(3));
        for (let seq = from; seq <= upTo; seq++) chat = play(chat, message(seq));
        chat = play(chat, { do: "closed" }, { do: "opened", who }, welcome(last));
      }
      expect(chat.said.map((s) => s.seq)).toEqual(Array.from({ length: last }, (_, i) => i + 1));
    }
  });

  it("says when the house opens for as long as it is closed", () => {
    const closed: ServerFrame = { t: "state", state: "offline", opens_at: "2026-03-03T08:00:00Z" };
    const chat = play(newChat(), { do: "opened", who }, welcome(0), closed);
    expect([chat.standing.state, chat.opensAt]).toEqual(["offline", "2026-03-03T08:00:00Z"]);
    expect(play(chat, { t: "state", state: "queued", position: 1 }).opensAt).toBeNull();
  });

  it("keeps a bounded transcript, the newest of it", () => {
    let chat = play(newChat(), { do: "opened", who }, welcome(0));
    for (let seq = 1; seq <= KEPT + 50; seq++) chat = play(chat, message(seq));
    expect(chat.said.length).toBe(KEPT);
    expect(chat.said.at(-1)?.seq).toBe(KEPT + 50);
  });

  it("begins anew when the server remembers less than the window", () => {
    let chat = play(newChat(), { do: "opened", who }, welcome(2), message(1), message(2));
    chat = play(chat, { do: "closed" }, { do: "opened", who }, welcome(1));
    expect(chat.said).toEqual([]);
    expect(play(chat, message(1)).said.map((s) => s.seq)).toEqual([1]);
  });

  it("counts as unread what an agent wrote while nobody looked", () => {
    const chat = play(newChat(), { do: "opened", who }, welcome(0), message(1), message(2, "customer"), message(3));
    expect(chat.unread).toBe(2);
    const seen = step(chat, { do: "look" });
    expect(seen.chat.unread).toBe(0);
    expect(seen.send).toEqual([{ t: "read", seq: 3 }]);
    expect(step(seen.chat, { do: "look" }).send).toEqual([]);
  });

  it("says that it was read only once the line is up", () => {
    const chat = play(newChat(), { do: "opened", who }, welcome(0), message(1), { do: "closed" });
    const looked = step(chat, { do: "look" });
    expect(looked.send).toEqual([]);
    const back = play(looked.chat, { do: "opened", who }, welcome(1));
    expect(step(back, { do: "look" }).send).toEqual([{ t: "read", seq: 1 }]);
  });

  it("does not send before it is welcome", () => {
    const chat = play(newChat(), { do: "opened", who });
    const written = step(chat, { do: "write", id: "aaaaaaaa", body: "hello", at: "2026-03-02T09:00:00Z" });
    expect(written.send).toEqual([]);
    expect(step(written.chat, { do: "frame", frame: welcome(0), now: 0, looking: false }).send).toEqual([
      { t: "send", id: "aaaaaaaa", body: "hello" },
    ]);
  });

  it("goes where the server sends it", () => {
    const frame: ServerFrame = { t: "moved", url: "wss://other.example/chat/v1" };
    expect(step(newChat(), { do: "frame", frame, now: 0, looking: false }).move).toBe("wss://other.example/chat/v1");
  });

  it("lets go of a typing sign that is not renewed", () => {
    const chat = play(newChat(), { do: "opened", who }, welcome(0), { t: "typing", on: true, name: "Ana" });
    expect(chat.typing?.name).toBe("Ana");
    expect(play(chat, { do: "time", now: 60_000 }).typing).toBeNull();
  });

  it("ignores a frame of a newer server", () => {
    const chat = play(newChat(), { do: "opened", who }, welcome(0));
    expect(play(chat, { t: "confetti" } as unknown as ServerFrame)).toBe(chat);
  });
});

describe("answers to press", () => {
  const question: ServerFrame = {
    ...(message(1) as Extract<ServerFrame, { t: "message" }>),
    author: { kind: "system", name: "" },
    quick_replies: ["A parcel", "Talk to a person"],
  };
  const asked = (): Chat => play(newChat(), { do: "opened", who }, welcome(0), question);

  it("can be given while the question is the last thing said", () => {
    expect(answersOf(asked())).toEqual(["A parcel", "Talk to a person"]);
    expect(asked().unread).toBe(1);
    expect(answersOf(play(asked(), message(2, "customer")))).toEqual([]);
  });

  it("are gone as soon as one is on its way, and when the conversation is over", () => {
    expect(answersOf(play(asked(), { do: "write", id: "a", body: "A parcel", at: "" }))).toEqual([]);
    expect(answersOf(play(asked(), { t: "state", state: "closed" }))).toEqual([]);
  });
});

describe("second thoughts and the question at the end", () => {
  const said = (chat: Chat, id: string, seq: number, now = 0): Chat =>
    step(chat, { do: "frame", frame: { ...message(seq, "customer"), client_id: id } as ServerFrame, now, looking: true }).chat;

  it("count for a minute, and only for what was said in this window", () => {
    let chat = play(newChat(), { do: "opened", who }, welcome(0), { do: "write", id: "mine-0001", body: "a", at: "2026-03-02T09:00:00Z" });
    chat = said(said(chat, "mine-0001", 1), "another-tab", 2);
    expect(chat.said.map((one) => one.mine !== undefined)).toEqual([true, false]);
    chat = step(chat, { do: "time", now: 54_000 }).chat;
    expect(chat.said[0]!.mine).toBeDefined();
    chat = step(chat, { do: "time", now: 56_000 }).chat;
    expect(chat.said[0]!.mine).toBeUndefined();
  });

  it("are repeated over a new connection until they are answered", () => {
    let chat = play(newChat(), { do: "opened", who }, welcome(0), { do: "amend", id: "amend-001", message: "m1" });
    const again = step(play(chat, { do: "closed" }, { do: "opened", who }), { do: "frame", frame: welcome(0), now: 0, looking: true });
    expect(again.send).toEqual([{ t: "delete", id: "amend-001", message: "m1" }]);
    chat = play(again.chat, { t: "error", re: "amend-001", code: "refused", detail: "too late" });
    expect([chat.amends, chat.amendFailed]).toEqual([[], true]);
  });

  it("are asked once for each conversation, and an answer is repeated until it has arrived", () => {
    const asked: ServerFrame = { t: "survey", id: "case-1", questions: [] };
    let chat = play(newChat(), { do: "opened", who }, welcome(0), asked);
    expect(chat.survey).toEqual({ id: "case-1", question: "" });
    const given = step(chat, { do: "rate", score: 4, comment: "" });
    const answer = { t: "survey", id: "case-1", answers: { score: 4 } };
    expect(given.send).toEqual([answer]);
    const back = step(play(given.chat, { do: "closed" }, { do: "opened", who }), { do: "frame", frame: welcome(0), now: 0, looking: true });
    expect(back.send).toEqual([answer]);
    chat = play(back.chat, { t: "ok", re: "case-1", seq: 0 }, asked);
    expect(chat.survey).toBeNull();
    chat = play(play(newChat(), { do: "opened", who }, welcome(0), asked), { do: "unrated" }, asked);
    expect(chat.survey).toBeNull();
  });
});
