/** The client's half of the transcripts in tests/vectors/chat; the Python session is the other. */

import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { Chat, Happening } from "../../src/widget/chat.ts";
import { markOf, newChat, step } from "../../src/widget/chat.ts";
import type { ClientFrame, ServerFrame } from "../../src/widget/frames.ts";

interface Vector {
  about: string;
  steps: {
    line?: "opened" | "closed";
    user?: Happening;
    up?: ClientFrame[];
    down?: ServerFrame[];
  }[];
  shows: {
    said: [string, string, string | null][];
    pending: [string, string][];
    standing?: Chat["standing"];
    typing?: string;
    token?: string;
    number: number | null;
    seq: number;
    unread: number;
  };
}

const folder = resolve(import.meta.dirname, "../../../../tests/vectors/chat");
const who = { channel: "site", locale: "en" };

describe("the window shows what the transcript says", () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
    const vector = JSON.parse(readFileSync(resolve(folder, file), "utf8")) as Vector;
    it(file.replace(".json", ""), () => {
      let chat = newChat();
      let sent: ClientFrame[] = [];
      const happen = (event: Happening): void => {
        const done = step(chat, event);
        chat = done.chat;
        sent.push(...done.send);
      };
      for (const one of vector.steps) {
        if (one.line === "opened") happen({ do: "opened", who });
        if (one.line === "closed") happen({ do: "closed" });
        if (one.user) happen(one.user);
        for (const frame of one.down ?? []) happen({ do: "frame", frame, now: 0, looking: false });
        if (one.up) {
          expect(sent, vector.about).toEqual(one.up);
          sent = [];
        }
      }
      expect(sent, "the transcript leaves out what the client sent last").toEqual([]);
      const { shows } = vector;
      expect(chat.said.map((s) => [s.author.kind, s.body, s.author.kind === "customer" ? markOf(chat, s) : null])).toEqual(shows.said);
      expect(chat.pending.map((p) => [p.body, p.failed])).toEqual(shows.pending);
      expect(chat.number).toBe(shows.number);
      expect(chat.seq).toBe(shows.seq);
      expect(chat.unread).toBe(shows.unread);
      if (shows.standing) expect(chat.standing).toEqual(shows.standing);
      if (shows.token) expect(chat.token).toBe(shows.token);
      expect(chat.typing?.name).toBe(shows.typing);
    });
  }
});
