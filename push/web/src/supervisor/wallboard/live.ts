/** The wallboard's own connection: a screen that only watches, and says how fresh what it shows is. */

import { computed, signal } from "@preact/signals";
import { browserEnvironment } from "../../agent/browser";
import { Connection, type Status } from "../../agent/connection";
import { nodes } from "../../agent/where";
import { noteNodes } from "../../api/nodes";
import { endSession } from "../../api/session";
import type { LiveFrame, ServerFrame, Watch } from "../../protocol";
import { newId } from "../../ui/ids";
import { noteServerTime, now } from "../../ui/time";
import { type Board, patched } from "./board";

/** So many beats may be missed before the figures count as stale. */
const BEATS = 3;
const GRACE_MS = 1500;

interface Shown {
  board: Board;
  n: number;
  /** When the node worked it out. */
  at: string;
  every: number;
  /** When it came, by this machine's clock. */
  heard: number;
}

export const shown = signal<Shown | null>(null);
const status = signal<Status>({ kind: "connecting" });
/** Why nothing can be shown, in the node's words; empty: nothing is wrong. */
export const refused = signal("");

/** `live`: the figures are of this moment; `stale`: they were right at `shown.at`. */
export const freshness = computed<"waiting" | "live" | "stale">(() => {
  const current = shown.value;
  if (!current) return "waiting";
  if (status.value.kind !== "online") return "stale";
  const ticked = now.value; // looked at again each second
  return ticked && Date.now() - current.heard > BEATS * current.every * 1000 + GRACE_MS ? "stale" : "live";
});

/** What is shown after a frame; `null`: something is missing, so ask for the whole. */
export function after(before: Pick<Shown, "board" | "n"> | null, frame: LiveFrame): Board | null {
  if (frame.board) return frame.board as unknown as Board;
  if (!before || frame.n !== before.n + 1 || !frame.changed) return null;
  return patched(before.board as unknown as Record<string, unknown>, frame.changed) as unknown as Board;
}

/** Watches until the returned function is called. */
export function watch(token: string): () => void {
  let over = false;
  let connection: Connection | null = null;
  const ask = () =>
    void connection?.command<Watch>({ t: "watch", what: "live" }).then(
      () => (refused.value = ""),
      (error: Error) => (refused.value = error.message),
    );
  const onFrame = (frame: ServerFrame) => {
    if (frame.t === "welcome" || frame.t === "tick") noteServerTime(frame.server_time);
    if (frame.t !== "live") return;
    const board = after(shown.peek(), frame);
    if (!board) return ask();
    shown.value = { board, n: frame.n, at: frame.at, every: frame.every, heard: Date.now() };
  };
  const onStatus = (next: Status) => {
    const before = status.peek().kind;
    status.value = next;
    if (next.kind === "signed_out") endSession(token);
    if (next.kind === "online" && before !== "online") ask();
  };
  const hurry = () => document.visibilityState === "visible" && connection?.nudge();
  document.addEventListener("visibilitychange", hurry);
  addEventListener("online", hurry);
  void nodes().then(
    (known) => {
      if (over) return;
      const environment = browserEnvironment(`wallboard ${newId()}`);
      const listener = { onDesk: (_: unknown, frame: ServerFrame) => onFrame(frame), onStatus, onNode: (_: string, all: string[]) => noteNodes(all), onPending: () => undefined };
      connection = new Connection(environment, listener, token, [...new Set(known)], `wallboard ${navigator.language}`, true);
      connection.start();
    },
    (error: Error) => (refused.value = error.message),
  );
  return () => {
    over = true;
    document.removeEventListener("visibilitychange", hurry);
    removeEventListener("online", hurry);
    connection?.stop();
    shown.value = null;
    status.value = { kind: "connecting" };
  };
}
