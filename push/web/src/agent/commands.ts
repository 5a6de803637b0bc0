/**
 * The commands that have not been answered yet.
 *
 * A command keeps its id until it is answered; after a reconnect, to whatever node, it is sent
 * again with the same id and takes effect once. The book is written to storage, so a reload in
 * the middle of an outage loses no answer that an agent has already sent.
 */

import type { Command, Error as ErrorFrame, Ok } from "../protocol";

/** Where unanswered commands are kept across reloads of this tab. */
export interface CommandStore {
  load(): Command[];
  save(commands: Command[]): void;
}

/** The node said no; `code` is one of the closed list in `push/protocol.py`. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    detail: string,
    readonly field?: string,
  ) {
    super(detail);
    this.name = "Refused";
  }
}

interface Entry {
  command: Command;
  /** When it was last sent on the current socket, in ms; null if not sent there yet. */
  sentAt: number | null;
  settle: { resolve(answer: Ok): void; reject(error: Refused): void } | null;
}

const FLEETING: ReadonlySet<Command["t"]> = new Set(["typing", "read", "watch", "unwatch"] as const);

/** Only of the moment: worth nothing once the connection is gone. */
export function isFleeting(command: Command): boolean {
  return FLEETING.has(command.t);
}

export class CommandBook {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly store: CommandStore) {
    for (const command of store.load()) {
      this.entries.set(command.id, { command, sentAt: null, settle: null });
    }
  }

  get ids(): string[] {
    return [...this.entries.keys()];
  }

  get commands(): Command[] {
    return [...this.entries.values()].map((entry) => entry.command);
  }

  add(command: Command): Promise<Ok> {
    return new Promise((resolve, reject) => {
      this.entries.set(command.id, { command, sentAt: null, settle: { resolve, reject } });
      this.save();
    });
  }

  /** Commands not yet sent on this socket, in the order they were given. */
  takeUnsent(now: number): Command[] {
    const unsent = [...this.entries.values()].filter((entry) => entry.sentAt === null);
    for (const entry of unsent) entry.sentAt = now;
    return unsent.map((entry) => entry.command);
  }

  /** The socket is gone: everything is to be sent again, except what is only of the moment. */
  forgetSocket(): void {
    for (const [id, entry] of this.entries) {
      if (isFleeting(entry.command)) this.entries.delete(id);
      else entry.sentAt = null;
    }
    this.save();
  }

  /** To be sent again after a pause: the node could not write just now. */
  postpone(id: string): void {
    const entry = this.entries.get(id);
    if (entry) entry.sentAt = null;
  }

  answer(frame: Ok | ErrorFrame): void {
    const entry = frame.re === null ? undefined : this.entries.get(frame.re);
    if (!entry) return;
    this.entries.delete(entry.command.id);
    this.save();
    if (frame.t === "ok") entry.settle?.resolve(frame);
    else entry.settle?.reject(new Refused(frame.code, frame.detail, frame.field));
  }

  /** Whether any command has waited longer than `limit` ms for its answer. */
  overdue(now: number, limit: number): boolean {
    return [...this.entries.values()].some(
      (entry) => entry.sentAt !== null && now - entry.sentAt > limit,
    );
  }

  private save(): void {
    this.store.save(this.commands.filter((command) => !isFleeting(command)));
  }
}
