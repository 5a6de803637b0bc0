/** The pretend node's side of `/agent/v1`: sequence, replay, commands answered once. */

import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";
import type {
  CapacityView,
  ClientFrame,
  Command,
  Hello,
  ItemView,
  Message,
  OfferView,
  ServerFrame,
  StateView,
  Unwatch,
  Watch,
} from "../../src/protocol.ts";
import { mockBoard } from "./board.ts";
import { AGENTS, ago, caseView, contact, say, type Contact } from "./data.ts";
import { arrival, past } from "./scenes.ts";

const HEARTBEAT = 10;
const COST: Record<string, number> = { email: 50, task: 50, webchat: 34, sms: 25, whatsapp: 25 };

type Numbered = ServerFrame & { epoch: number; seq: number };
type Answer = { ok: Record<string, unknown> } | { code: string; detail: string };

export class MockNode {
  down = false;
  startedAt = ago(0);
  pid = 4711;
  epoch = 1;
  seq = 0;
  contacts: Contact[];
  state: StateView = { state: "ready", reason: "", since: ago(1260) };
  offers = new Map<string, OfferView>();
  private readonly sockets = new Map<WebSocket, string>();
  private readonly log: Numbered[] = [];
  private readonly answers = new Map<string, ServerFrame>();

  constructor(options: { empty: boolean }) {
    this.contacts = options.empty ? [] : past();
    setInterval(() => this.post({ t: "tick", server_time: ago(0) }), HEARTBEAT * 1000).unref();
  }

  // -- the world ----------------------------------------------------------------------------

  mine(): ItemView[] {
    return this.contacts
      .map((one) => one.item)
      .filter((item) => item.agent === "anna" && ["assigned", "wrapping"].includes(item.state));
  }

  capacity(): CapacityView {
    return { used: Math.min(100, this.mine().reduce((sum, item) => sum + (COST[item.kind] ?? 0) / 2, 0)), total: 100 };
  }

  find(id: string): Contact | undefined {
    return this.contacts.find((one) => one.item.id === id || one.case.id === id);
  }

  /** Something new comes in and is offered. */
  offer(): void {
    const { contact: made, reason, seconds } = arrival();
    this.contacts.push(made);
    made.item = { ...made.item, state: "offered" };
    const offer: OfferView = {
      offer: randomUUID(),
      item: made.item,
      deadline: ago(-seconds),
      customer: made.item.customer,
      reason,
    };
    this.offers.set(offer.offer, offer);
    this.push({ t: "offer", ...offer });
    setTimeout(() => {
      if (!this.offers.delete(offer.offer)) return;
      this.push({ t: "offer_gone", offer: offer.offer, reason: "missed" });
      this.setState("not_ready", "missed_offer");
    }, seconds * 1000).unref();
  }

  /** The process dies and comes back, as in the demo. */
  kill(seconds = 4): void {
    this.down = true;
    for (const socket of this.sockets.keys()) socket.terminate();
    setTimeout(() => {
      this.down = false;
      this.pid += 13;
      this.startedAt = ago(0);
      this.epoch += 1;
      this.seq = 0;
      this.log.length = 0;
    }, seconds * 1000).unref();
  }

  /** Everything as at the start, for tests that change things. */
  reset(): void {
    for (const socket of this.sockets.keys()) socket.terminate();
    this.contacts = past();
    this.offers.clear();
    this.answers.clear();
    this.log.length = 0;
    this.state = { state: "ready", reason: "", since: ago(1260) };
    this.epoch += 1;
    this.seq = 0;
    this.down = false;
  }

  // -- frames -------------------------------------------------------------------------------

  attach(socket: WebSocket): void {
    socket.on("message", (data) => this.hear(socket, JSON.parse(String(data)) as ClientFrame));
    socket.on("close", () => this.sockets.delete(socket));
  }

  private post(frame: ServerFrame): void {
    for (const socket of this.sockets.keys()) socket.send(JSON.stringify(frame));
  }

  /** A numbered frame to every tab, kept for a replay. */
  push(frame: Record<string, unknown> & { t: string }): void {
    this.seq += 1;
    const numbered = { ...frame, epoch: this.epoch, seq: this.seq, capacity: this.capacity() } as unknown as Numbered;
    this.log.push(numbered);
    this.post(numbered);
  }

  private hear(socket: WebSocket, frame: ClientFrame): void {
    if (frame.t === "hello") return this.greet(socket, frame);
    if (frame.t === "watch" || frame.t === "unwatch") return this.watch(socket, frame);
    const known = this.answers.get(frame.id);
    if (known) return void socket.send(JSON.stringify(known));
    const result = this.obey(frame);
    const answer: ServerFrame =
      "ok" in result
        ? { t: "ok", re: frame.id, seq: this.seq, body: result.ok }
        : { t: "error", re: frame.id, ...result };
    this.answers.set(frame.id, answer);
    socket.send(JSON.stringify(answer));
  }

  /** The wallboard, whole each second: the page takes that as well as differences. */
  private watch(socket: WebSocket, frame: Watch | Unwatch): void {
    socket.send(JSON.stringify({ t: "ok", re: frame.id, seq: this.seq, body: { watch: "live" } }));
    if (frame.t === "unwatch") return;
    let n = 0;
    const tell = () => {
      n += 1;
      const board = mockBoard(n) as unknown as Record<string, unknown>;
      socket.send(JSON.stringify({ t: "live", watch: "live", n, at: ago(0), every: 1, board } satisfies ServerFrame));
    };
    const timer = setInterval(tell, 1000);
    socket.on("close", () => clearInterval(timer));
    tell();
  }

  private greet(socket: WebSocket, hello: Hello): void {
    const agent = AGENTS[hello.token];
    if (!agent) return socket.close(4401, "token");
    this.sockets.set(socket, hello.token);
    const tell = (frame: ServerFrame) => socket.send(JSON.stringify(frame));
    tell({
      t: "welcome", version: 1, session: randomUUID(), epoch: this.epoch, seq: this.seq, node: "demo-1",
      region: "eu", peers: [], heartbeat: HEARTBEAT, server_time: ago(0), agent, ice_servers: [],
    });
    const { resume } = hello;
    if (resume && resume.epoch === this.epoch && resume.seq <= this.seq) {
      for (const frame of this.log.filter(({ seq }) => seq > resume.seq)) tell(frame);
      return;
    }
    tell({
      t: "snapshot", epoch: this.epoch, seq: this.seq, state: this.state, capacity: this.capacity(),
      offers: [...this.offers.values()], items: this.mine(),
    });
  }

  // -- commands -----------------------------------------------------------------------------

  private setState(state: StateView["state"], reason: string): void {
    this.state = { state, reason, since: ago(0) };
    this.push({ t: "state", ...this.state });
  }

  change(one: Contact, part: Partial<ItemView>, gone = false): void {
    one.item = { ...one.item, ...part, case: caseView(one.case), version: one.item.version + 1 };
    this.push({ t: "item", item: one.item, gone });
  }

  private said(one: Contact, message: Message): void {
    this.change(one, {});
    this.push({ t: "message", item: one.item.id, message });
  }

  private deliver(one: Contact, message: Message): void {
    const failed = message.body.includes("bounce");
    const steps = failed ? (["sending", "failed"] as const) : (["sending", "sent", "delivered"] as const);
    steps.forEach((state, index) =>
      setTimeout(() => {
        message.delivery = state;
        const reason = state === "failed" ? "550 mailbox does not exist" : "";
        message.delivery_reason = reason;
        this.push({ t: "delivery", item: one.item.id, message: message.id, state, reason });
      }, 500 * (index + 1)).unref(),
    );
  }

  private customerAnswers(one: Contact): void {
    if (one.case.kind !== "webchat") return;
    const who = one.case.customer?.name ?? "";
    setTimeout(() => this.post({ t: "typing", item: one.item.id, who, on: true }), 1500).unref();
    setTimeout(() => this.said(one, say(one, { direction: "in", body: "Perfect, thank you!" })), 4000).unref();
  }

  private obey(command: Exclude<Command, Watch | Unwatch>): Answer {
    switch (command.t) {
      case "state":
        this.setState(command.state, command.reason ?? "");
        return { ok: {} };
      case "accept": {
        const offer = this.offers.get(command.offer);
        if (!offer) return { code: "offer_gone", detail: "the offer has passed its deadline" };
        this.offers.delete(command.offer);
        const one = this.find(offer.item.id)!;
        this.push({ t: "offer_gone", offer: command.offer, reason: "accepted" });
        this.change(one, { state: "assigned", agent: "anna", assigned_at: ago(0) });
        return { ok: { item: one.item.id } };
      }
      case "decline":
        this.offers.delete(command.offer);
        this.push({ t: "offer_gone", offer: command.offer, reason: "declined" });
        return { ok: {} };
      case "compose": {
        const made = contact({ who: null, kind: "email", subject: command.subject ?? "", body: "", age: 0, address: command.to ?? "" });
        this.contacts.push(made);
        const message = say(made, { body: command.body, client_id: command.id });
        this.change(made, { state: "assigned", agent: "anna", assigned_at: ago(0) });
        this.said(made, message);
        this.deliver(made, message);
        return { ok: { item: made.item.id, number: made.item.number } };
      }
      case "reopen": {
        const one = this.find(command.case);
        if (!one) return { code: "not_found", detail: "no such case" };
        one.case = { ...one.case, status: "open" };
        this.change(one, { state: "assigned", agent: "anna", assigned_at: ago(0) });
        return { ok: { item: one.item.id, number: one.item.number } };
      }
      case "tag": {
        const one = this.find(command.case)!;
        const tags = [...new Set([...one.case.tags, ...(command.add ?? [])])];
        one.case = { ...one.case, tags: tags.filter((name) => !command.remove?.includes(name)) };
        this.change(one, {});
        return { ok: {} };
      }
      case "typing":
      case "read":
      case "callback":
      case "peer":
      case "peer_read":
        return { ok: {} };
      default:
        return this.onItem(command);
    }
  }

  private onItem(command: Extract<Command, { item: string }>): Answer {
    const one = this.find(command.item);
    if (!one) return { code: "not_yours", detail: "this item is not in your hands" };
    switch (command.t) {
      case "send": {
        const message = say(one, { body: command.body, client_id: command.id, ...(command.to && { to: command.to }) });
        this.said(one, message);
        this.deliver(one, message);
        if (command.then === "close") this.change(one, { state: "wrapping", wrapping_at: ago(0) });
        else if (command.then === "wait") this.park(one);
        else this.customerAnswers(one);
        return { ok: { message: message.id } };
      }
      case "promise":
        return { ok: {} };
      case "note":
        this.said(one, say(one, { direction: "note", body: command.body, client_id: command.id, delivery: null }));
        return { ok: {} };
      case "park":
        this.park(one);
        return { ok: {} };
      case "take":
      case "resume":
        one.case = { ...one.case, status: "open" };
        this.change(one, { state: "assigned", agent: "anna", assigned_at: ago(0) });
        return { ok: {} };
      case "transfer":
        this.change(one, { state: "queued", agent: null, queue: command.queue ?? one.item.queue }, true);
        return { ok: {} };
      case "wrapup":
        one.case = { ...one.case, status: "solved" };
        this.change(one, { state: "completed", code: command.code ?? "", ended_at: ago(0) }, true);
        return { ok: {} };
      default:
        return { code: "bad_frame", detail: "no such command" };
    }
  }

  private park(one: Contact): void {
    one.case = { ...one.case, status: "waiting" };
    this.change(one, { state: "held" }, true);
  }
}
