import { beforeEach, describe, expect, test } from "vitest";
import type { CommandStore } from "../src/agent/commands";
import { Connection, type Environment, type Status, type WireEvents } from "../src/agent/connection";
import type { Desk } from "../src/agent/state";
import type { Command, ServerFrame } from "../src/protocol";

/** A world with one clock, whose sockets do only what a test says. */
class World implements Environment {
  time = 1_000_000;
  chance = 0.5;
  sockets: FakeSocket[] = [];
  kept: Command[] = [];
  private timers: { at: number; act: () => void }[] = [];
  private beats = new Set<() => void>();
  private ids = 0;

  store: CommandStore = {
    load: () => structuredClone(this.kept),
    save: (commands) => void (this.kept = structuredClone(commands)),
  };

  now = () => this.time;
  random = () => this.chance;
  newId = () => `id-${++this.ids}`;

  open(url: string, events: WireEvents) {
    const socket = new FakeSocket(url, events);
    this.sockets.push(socket);
    return socket;
  }

  after(ms: number, act: () => void) {
    const timer = { at: this.time + ms, act };
    this.timers.push(timer);
    return () => void (this.timers = this.timers.filter((t) => t !== timer));
  }

  everySecond(act: () => void) {
    this.beats.add(act);
    return () => this.beats.delete(act);
  }

  /** Lets `seconds` pass, second by second. */
  pass(seconds: number) {
    for (let i = 0; i < seconds; i += 1) {
      this.time += 1000;
      const due = this.timers.filter((t) => t.at <= this.time);
      this.timers = this.timers.filter((t) => t.at > this.time);
      for (const timer of due) timer.act();
      for (const beat of [...this.beats]) beat();
    }
  }

  get socket() {
    return this.sockets.at(-1)!;
  }
}

class FakeSocket {
  said: Record<string, unknown>[] = [];
  closed = false;
  constructor(
    readonly url: string,
    private readonly events: WireEvents,
  ) {}
  send(text: string) {
    this.said.push(JSON.parse(text) as Record<string, unknown>);
  }
  close() {
    this.closed = true;
  }
  opens() {
    this.events.onOpen();
    return this;
  }
  says(...frames: object[]) {
    for (const frame of frames) this.events.onText(JSON.stringify(frame));
    return this;
  }
  hangsUp(code: number) {
    this.events.onClose(code);
  }
  last(t: string) {
    return this.said.filter((frame) => frame.t === t).at(-1);
  }
}

const HERE = "wss://eu-1.example/agent/v1";
const PEER = "wss://eu-2.example/agent/v1";
const agent = { name: "anna", display_name: "Anna", role: "agent" };
const welcome = (epoch = 4, extra: object = {}) => ({
  t: "welcome", version: 1, session: "s", epoch, seq: 0, node: "eu-1", region: "eu", peers: [PEER],
  heartbeat: 10, server_time: "2026-03-02T09:00:00Z", agent, ice_servers: [], ...extra,
});
const snapshot = (seq = 10, epoch = 4) => ({
  t: "snapshot", epoch, seq, state: { state: "ready", reason: "", since: "2026-03-02T09:00:00Z" },
  capacity: { used: 0, total: 100 }, offers: [], items: [],
});
const state = (seq: number, epoch = 4) => ({
  t: "state", epoch, seq, state: "not_ready", reason: "break", since: "2026-03-02T09:00:00Z",
});
const tick = { t: "tick", server_time: "2026-03-02T09:00:00Z" };

let world: World;
let statuses: Status[];
let desks: Desk[];
let frames: ServerFrame[];
let nodes: string[][];
let connection: Connection;

function connect(): Connection {
  return new Connection(
    world,
    {
      onDesk: (desk, frame) => void (desks.push(desk), frames.push(frame)),
      onStatus: (status) => void statuses.push(status),
      onPending: () => {},
      onNode: (_, known) => void nodes.push(known),
    },
    "secret",
    [HERE],
    "test",
  );
}

function online() {
  world.socket.opens().says(welcome(), snapshot());
  expect(statuses.at(-1)?.kind).toBe("online");
}

beforeEach(() => {
  world = new World();
  statuses = [];
  desks = [];
  frames = [];
  nodes = [];
  connection = connect();
  connection.start();
});

describe("hello", () => {
  test("the token stands in the first frame and never in the address", () => {
    world.socket.opens();
    expect(world.socket.url).toBe(HERE);
    expect(world.socket.said[0]).toEqual({
      t: "hello", token: "secret", versions: [1], client: "test", pending: [],
    });
  });

  test("after a lost connection it resumes where it was", () => {
    online();
    world.socket.says(state(11));
    world.socket.hangsUp(1006);
    world.pass(1);
    expect(world.socket.opens().said[0]).toMatchObject({ resume: { epoch: 4, seq: 11 } });
    world.socket.says(welcome());
    expect(statuses.at(-1)?.kind).toBe("online");
  });

  test("before the first snapshot there is nothing to resume", () => {
    world.socket.opens().says(welcome());
    world.socket.hangsUp(1006);
    world.pass(1);
    expect(world.socket.opens().said[0]).not.toHaveProperty("resume");
  });
});

describe("reconnecting", () => {
  test("after a blip it comes back to the node it was at", () => {
    online();
    world.socket.hangsUp(1006);
    world.pass(1);
    expect(world.socket.url).toBe(HERE);
    expect(world.socket.opens().said[0]).not.toHaveProperty("unreachable");
  });

  test("from a node that is gone it goes to the next peer, and names it there", () => {
    online();
    world.socket.hangsUp(1006);
    world.pass(1);
    world.socket.hangsUp(1006);
    world.pass(1);
    expect(world.socket.url).toBe(PEER);
    expect(world.socket.opens().said[0]).toMatchObject({ unreachable: [HERE] });
    world.socket.says(welcome(5, { peers: [HERE] }));
    world.socket.hangsUp(1006);
    world.pass(1);
    expect(world.socket.opens().said[0]).not.toHaveProperty("unreachable");
  });

  test("a node that has fallen silent is left for a peer and named there", () => {
    online();
    world.pass(26);
    world.pass(1);
    expect(world.socket.url).toBe(PEER);
    expect(world.socket.opens().said[0]).toMatchObject({ unreachable: [HERE] });
  });

  test("moved to a node that cannot be reached, it comes back and says so", () => {
    world.socket.opens().says({ t: "moved", url: PEER, reason: "your work is there" });
    world.pass(1);
    expect(world.socket.url).toBe(PEER);
    world.socket.hangsUp(1006);
    world.pass(1);
    expect(world.socket.url).toBe(HERE);
    expect(world.socket.opens().said[0]).toMatchObject({ unreachable: [PEER] });
    world.socket.says({ t: "waiting", reason: "a takeover" });
    expect(statuses.at(-1)).toMatchObject({ kind: "waiting", reason: "a takeover" });
  });

  test("what is waited for is said until it is over, whoever is asked meanwhile", () => {
    online();
    const since = world.time;
    world.socket.hangsUp(1006);
    world.pass(1);
    world.socket.hangsUp(1006);
    world.pass(1);
    world.socket.opens().says({ t: "waiting", reason: "a takeover", code: "taken_over" });
    expect(statuses.at(-1)).toEqual({ kind: "waiting", since, reason: "a takeover", code: "taken_over" });
    world.socket.hangsUp(1012); // it gave up: somebody else's turn
    expect(statuses.at(-1)).toMatchObject({ kind: "reconnecting", since, reason: "a takeover", code: "taken_over" });
    world.pass(3);
    expect(world.socket.url).toBe(HERE);
    online();
    world.socket.hangsUp(1006);
    expect(statuses.at(-1)).toMatchObject({ since: world.time, reason: "" });
  });

  test("a node that says come again soon is asked again within a moment, and not named", () => {
    world.chance = 1;
    online();
    for (let n = 0; n < 4; n += 1) {
      const { length } = world.sockets;
      world.socket.hangsUp(1012);
      world.pass(1);
      expect(world.sockets).toHaveLength(length + 1);
      expect(world.socket.url).toBe(HERE);
      expect(world.socket.opens().said[0]).not.toHaveProperty("unreachable");
    }
  });

  test("who lets us in and who else there is, is known for later", () => {
    online();
    expect(nodes).toEqual([[HERE, PEER]]);
    world.socket.says({ t: "moved", url: PEER, reason: "drain" });
    world.pass(1);
    world.socket.opens().says(welcome(5, { peers: [HERE] }), snapshot(0, 5));
    expect(nodes.at(-1)).toEqual([PEER, HERE]);
  });

  test("a node that does not even open is given up after five seconds", () => {
    online();
    world.socket.hangsUp(1006);
    world.pass(1);
    world.pass(6);
    world.pass(1);
    expect(world.socket.url).toBe(PEER);
    expect(world.socket.opens().said[0]).toMatchObject({ unreachable: [HERE] });
  });

  test("the delay doubles up to five seconds and is a chance of that", () => {
    world.chance = 1;
    const waits: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      const before = world.sockets.length;
      world.socket.hangsUp(1006);
      let seconds = 0;
      while (world.sockets.length === before) {
        world.pass(1);
        seconds += 1;
      }
      waits.push(seconds);
    }
    expect(waits).toEqual([1, 1, 2, 4, 5, 5, 5, 5]);
  });

  test("silence of two and a half heartbeats ends the socket, ticks keep it", () => {
    online();
    const first = world.socket;
    for (let i = 0; i < 4; i += 1) {
      world.pass(20);
      first.says(tick);
    }
    expect(world.sockets).toHaveLength(1);
    world.pass(25);
    expect(first.closed).toBe(false);
    world.pass(1);
    expect(first.closed).toBe(true);
    expect(statuses.at(-1)).toMatchObject({ kind: "reconnecting", why: "silent" });
  });

  test("a socket that never answers hello is given up after ten seconds", () => {
    world.socket.opens();
    world.pass(11);
    expect(world.sockets[0]!.closed).toBe(true);
  });

  test("a nudge does not wait out the delay", () => {
    online();
    world.socket.hangsUp(1006);
    connection.nudge();
    expect(world.sockets).toHaveLength(2);
    world.pass(30);
    expect(world.sockets.filter((s) => !s.closed)).toHaveLength(1);
  });

  test("moved leads to the node that is named, with resume", () => {
    online();
    world.socket.says({ t: "moved", url: PEER, reason: "drain" });
    expect(world.sockets[0]!.closed).toBe(true);
    world.pass(1);
    expect(world.socket.url).toBe(PEER);
    expect(world.socket.opens().said[0]).toMatchObject({ resume: { epoch: 4, seq: 10 } });
  });

  test("what a left socket still says is not heard", () => {
    online();
    const old = world.socket;
    old.hangsUp(1006);
    const before = desks.length;
    old.says(state(11));
    expect(desks).toHaveLength(before);
  });

  test("a gap leads to a resume, two gaps in a row to a snapshot", () => {
    online();
    world.socket.says(state(13));
    expect(statuses.at(-1)).toMatchObject({ kind: "reconnecting", why: "gap" });
    world.pass(1);
    expect(world.socket.opens().said[0]).toMatchObject({ resume: { epoch: 4, seq: 10 } });
    world.socket.says(welcome(), state(14));
    world.pass(1);
    expect(world.socket.opens().said[0]).not.toHaveProperty("resume");
    world.socket.says(welcome(), snapshot(14));
    expect(desks.at(-1)?.seq).toBe(14);
  });

  test("a node of a lower epoch is left", () => {
    online();
    world.socket.hangsUp(1006);
    world.pass(1);
    world.socket.opens().says(welcome(3));
    expect(world.socket.closed).toBe(true);
    expect(statuses.at(-1)).toMatchObject({ kind: "reconnecting", why: "fenced" });
  });

  test.each([
    [4401, "signed_out"],
    [4406, "outdated"],
  ])("close code %i ends it: %s", (code, kind) => {
    online();
    world.socket.hangsUp(code);
    expect(statuses.at(-1)?.kind).toBe(kind);
    world.pass(60);
    expect(world.sockets).toHaveLength(1);
  });

  test.each([1012, 1013, 4408])("close code %i is healed", (code) => {
    online();
    world.socket.hangsUp(code);
    world.pass(2);
    expect(world.sockets).toHaveLength(2);
  });

  test("waiting is shown as waiting, and its ticks keep the socket", () => {
    world.socket.opens().says({ t: "waiting", reason: "taking over" });
    expect(statuses.at(-1)).toMatchObject({ kind: "waiting", reason: "taking over" });
    world.pass(20);
    world.socket.says(tick);
    world.pass(20);
    expect(world.sockets).toHaveLength(1);
  });
});

describe("commands", () => {
  test("an answer settles the command that asked", async () => {
    online();
    const answer = connection.command({ t: "accept", offer: "o" });
    const { id } = world.socket.last("accept")!;
    world.socket.says({ t: "ok", re: id, seq: 10, body: { item: "i" } });
    await expect(answer).resolves.toMatchObject({ body: { item: "i" } });
    expect(world.kept).toEqual([]);
  });

  test("a refusal rejects with its code and field", async () => {
    online();
    const answer = connection.command({ t: "accept", offer: "o" });
    const { id } = world.socket.last("accept")!;
    world.socket.says({ t: "error", re: id, code: "offer_gone", detail: "too late", field: "offer" });
    await expect(answer).rejects.toMatchObject({ code: "offer_gone", field: "offer" });
  });

  test("an unanswered command is repeated with its id, to whatever node", async () => {
    online();
    const answer = connection.command({ t: "note", item: "i", body: "call back" });
    const { id } = world.socket.last("note")!;
    world.socket.hangsUp(1006);
    world.pass(1);
    expect(world.socket.opens().said[0]).toMatchObject({ pending: [id] });
    expect(world.socket.last("note")).toBeUndefined();
    world.socket.says(welcome());
    expect(world.socket.last("note")).toEqual({ t: "note", id, item: "i", body: "call back" });
    world.socket.says({ t: "ok", re: id, seq: 10, body: {} });
    await expect(answer).resolves.toMatchObject({ re: id });
  });

  test("no answer for ten seconds leaves the socket though ticks come", () => {
    online();
    void connection.command({ t: "note", item: "i", body: "x" });
    for (let i = 0; i < 11; i += 1) {
      world.socket.says(tick);
      world.pass(1);
    }
    world.pass(1);
    expect(world.sockets).toHaveLength(2);
    expect(statuses).toContainEqual(expect.objectContaining({ why: "unanswered" }));
  });

  test("what is given while offline is sent once welcomed, in order", () => {
    void connection.command({ t: "note", item: "i", body: "first" });
    void connection.command({ t: "note", item: "i", body: "second" });
    world.socket.opens();
    expect(world.socket.said).toHaveLength(1);
    world.socket.says(welcome());
    expect(world.socket.said.slice(1).map((f) => f.body)).toEqual(["first", "second"]);
  });

  test("typing is dropped when there is nobody to tell, and never repeated", () => {
    void connection.command({ t: "typing", item: "i", on: true });
    online();
    expect(world.socket.last("typing")).toBeUndefined();
    void connection.command({ t: "typing", item: "i", on: true });
    world.socket.hangsUp(1006);
    world.pass(1);
    world.socket.opens().says(welcome());
    expect(world.socket.last("typing")).toBeUndefined();
    expect(world.kept).toEqual([]);
  });

  test.each(["unavailable", "too_many"])("%s is not the last word: the same id is sent again", (code) => {
    online();
    void connection.command({ t: "note", item: "i", body: "x" });
    const { id } = world.socket.last("note")!;
    world.socket.says({ t: "error", re: id, code, detail: "not now" });
    expect(world.socket.said.filter((f) => f.t === "note")).toHaveLength(1);
    world.pass(3);
    expect(world.socket.said.filter((f) => f.t === "note").map((f) => f.id)).toEqual([id, id]);
  });

  test("a reload in the middle keeps unanswered commands", () => {
    online();
    void connection.command({ t: "note", item: "i", body: "kept" });
    const { id } = world.socket.last("note")!;
    connection.stop();
    connection = connect();
    connection.start();
    world.socket.opens().says(welcome());
    expect(world.socket.last("note")).toMatchObject({ id, body: "kept" });
  });
});
