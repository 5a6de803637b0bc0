/** The pretend node's REST, enough for every page. */

import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connect } from "vite";
import { AGENTS, ago, PEOPLE } from "./data.ts";
import * as house from "./house.ts";
import * as installation from "./installation.ts";
import type { MockNode } from "./node.ts";
import * as wordings from "./wordings.ts";

interface Ask {
  method: string;
  path: string;
  query: URLSearchParams;
  body: Record<string, unknown>;
  part(index: number): string;
}
type Reply = { status?: number; body?: unknown; text?: string };
type Handler = (ask: Ask) => Reply;

const page = (items: unknown[]): Reply => ({ body: { items, next: null } });
const problem = (status: number, title: string, errors: object[] = []): Reply => ({ status, body: { title, status, detail: title, errors } });

export function rest(node: MockNode, slow: number): Connect.NextHandleFunction {
  const routes = table(node);
  return (request, response, next) => {
    const url = new URL(request.url ?? "/", "http://mock");
    const method = request.method ?? "GET";
    const found = routes.find(([verb, pattern]) => verb === method && pattern.test(url.pathname));
    const mine = found || url.pathname.startsWith("/api/");
    if (!mine) return next();
    void read(request).then((body) => {
      const ask: Ask = {
        method,
        path: url.pathname,
        query: url.searchParams,
        body,
        part: (index) => decodeURIComponent(url.pathname.split("/")[index] ?? ""),
      };
      const survives = /^\/(demo|mock)\//.test(url.pathname);
      const reply = node.down && !survives
        ? problem(502, "The node is restarting")
        : found
          ? found[2](ask)
          : problem(404, "There is no such resource");
      setTimeout(() => answer(response, reply), slow);
    });
  };
}

async function read(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
  } catch {
    return { size: Buffer.concat(chunks).length };
  }
}

/** What an agent has promised in a case that is in hand. */
function promised(one: MockNode["contacts"][number]): object[] {
  const { id: item, agent } = one.item;
  const due_at = new Date(Date.now() + 7_200_000).toISOString();
  return [{ item, text: "A new part by courier", agent, made_at: ago(60), due_at, state: "open", ended_at: null }];
}

function answer(response: ServerResponse, { status = 200, body, text }: Reply): void {
  response.statusCode = status;
  response.setHeader("Content-Type", text !== undefined ? "text/plain" : status >= 400 ? "application/problem+json" : "application/json");
  response.end(text ?? (body === undefined ? "" : JSON.stringify(body)));
}

function table(node: MockNode): [string, RegExp, Handler][] {
  const items = () => node.contacts.map((one) => one.item);
  return [
    ["GET", /^\/api\/v1\/bootstrap$/, () => ({ body: { agent_ws: ["/agent/v1"], chat_ws: ["/chat/v1"], locales: ["en"], sign_in: ["password"], node: "demo-1", version: "0.1.0" } })],
    ["POST", /^\/api\/v1\/login$/, ({ body }) => {
      const agent = AGENTS[String(body.name)];
      if (!agent || body.password !== body.name) return problem(401, "Name or password is wrong");
      return { body: { token: agent.name, agent } };
    }],
    ["POST", /^\/api\/v1\/logout$/, () => ({ status: 204 })],
    ["GET", /^\/api\/v1\/cases\/\d+$/, ({ part }) => {
      const one = node.contacts.find(({ case: c }) => c.number === Number(part(4)));
      return one ? { body: one.case } : problem(404, "There is no such ticket");
    }],
    ["GET", /^\/api\/v1\/cases\/\d+\/messages$/, ({ part }) => {
      const one = node.contacts.find(({ case: c }) => c.number === Number(part(4)));
      return one ? page(one.messages) : problem(404, "There is no such ticket");
    }],
    ["GET", /^\/api\/v1\/cases\/\d+\/promises$/, ({ part }) => {
      const one = node.contacts.find(({ case: c }) => c.number === Number(part(4)));
      return page(one && one.item.agent ? promised(one) : []);
    }],
    ["GET", /^\/api\/v1\/customers\/[^/]+$/, ({ part }) => {
      const who = Object.values(PEOPLE).find(({ id }) => id === part(4));
      return who ? { body: who } : problem(404, "There is no such customer");
    }],
    ["GET", /^\/api\/v1\/customers\/[^/]+\/timeline$/, ({ part }) =>
      page(node.contacts.filter((one) => one.case.customer?.id === part(4) && one.case.customer.verified).map((one) => ({
        case: one.case, last_at: one.messages.at(-1)?.at ?? one.case.opened_at, messages: one.messages.length,
        items: [{ id: one.item.id, kind: one.item.kind, state: one.item.state, agent: one.item.agent, code: one.item.code }],
      })).reverse())],
    ["POST", /^\/api\/v1\/attachments$/, ({ body }) => ({ status: 201, body: { id: randomUUID(), name: "upload.bin", type: "application/octet-stream", size: Number(body.size ?? 0), sha256: createHash("sha256").update(randomUUID()).digest("hex"), inline_id: "" } })],
    ["GET", /^\/api\/v1\/attachments\//, () => ({ text: "pretend bytes" })],
    ["GET", /^\/api\/v1\/items$/, ({ query }) => {
      const want = (name: string) => query.get(name);
      return page(items().filter((item) =>
        (!want("state") || want("state")!.split(",").includes(item.state)) &&
        (!want("queue") || item.queue === want("queue")) &&
        (!want("agent") || item.agent === want("agent")) &&
        (!want("q") || `${item.number} ${item.subject} ${item.customer?.name}`.toLowerCase().includes(want("q")!.toLowerCase()))));
    }],
    ["GET", /^\/api\/v1\/takeable$/, () => ({
      body: { queues: ["backoffice"], items: items().filter((item) => item.state === "queued").slice(0, 2) },
    })],
    ["GET", /^\/api\/v1\/items\/[^/]+\/explain$/, ({ part }) => {
      const one = node.find(part(4))?.item;
      if (!one) return problem(404, "There is no such item");
      const waiting = one.state === "queued";
      const text = `#${one.number} '${one.subject}': ${waiting ? `it waits in queue '${one.queue}'` : `${one.agent} works on it (had the case before and is free)`}.`;
      return { body: { text, waits: waiting ? house.WAITS : null } };
    }],
    ["GET", /^\/api\/v1\/items\/[^/]+\/events$/, () => page(house.EVENTS)],
    ["POST", /^\/api\/v1\/items\/[^/]+\/(assign|requeue|close|priority)$/, ({ part, body }) => {
      const one = node.find(part(4));
      if (!one) return problem(404, "There is no such item");
      const act = part(5);
      if (act === "assign" && !body.agent) return problem(422, "An agent must be named", [{ field: "agent", message: "is missing" }]);
      if (act === "assign") node.change(one, { state: "assigned", agent: String(body.agent), assigned_at: ago(0) }, body.agent !== "anna");
      if (act === "requeue") node.change(one, { state: "queued", agent: null, queue: String(body.queue || one.item.queue) }, true);
      if (act === "close") node.change(one, { state: "completed", code: String(body.code), ended_at: ago(0) }, true);
      if (act === "priority") node.change(one, { priority: Number(body.priority) });
      return { body: one.item };
    }],
    ["GET", /^\/api\/v1\/sites$/, () => page(installation.SITES)],
    ["PUT", /^\/api\/v1\/sites\/[^/]+$/, ({ part, body }) => {
      const percent = Number(body.open_percent);
      if (!(percent >= 0 && percent <= 100)) return problem(422, "The share is not valid", [{ field: "open_percent", message: "must be 0 to 100" }]);
      const site = installation.change(part(4), { ...body, open_percent: percent });
      return site ? { body: site } : problem(404, "There is no such site");
    }],
    ["GET", /^\/api\/v1\/codes$/, () => page(house.CODES)],
    ["GET", /^\/api\/v1\/queues$/, () => page(house.QUEUES)],
    ["GET", /^\/api\/v1\/agents$/, ({ query }) => {
      const names = query.get("names")?.split(",");
      return page(house.AGENTS_AT_WORK.filter(({ name }) => names?.includes(name) ?? true));
    }],
    ["GET", /^\/api\/v1\/skills$/, () => page(house.SKILLS)],
    ["GET", /^\/api\/v1\/tokens$/, () => page(house.TOKENS)],
    ["DELETE", /^\/api\/v1\/(tokens|agents|queues|codes|skills|canned|letters)\//, () => ({ status: 204 })],
    ["PUT", /^\/api\/v1\/(agents|queues|codes|skills|canned|letters)\//, ({ part, body }) => house.put(part(3), part(4), body) ? { body } : problem(422, "The name is not valid", [{ field: "name", message: "may hold letters, digits and - only" }])],
    ["GET", /^\/api\/v1\/canned$/, () => page(wordings.CANNED)],
    ["GET", /^\/api\/v1\/letters$/, () => page(wordings.LETTERS)],
    ["POST", /^\/api\/v1\/letters\/[^/]+\/preview$/, ({ body }) => ({ body: { body: `Dear Ana García,\n\n${String(body.said)}`, html: null } })],
    ["GET", /^\/api\/v1\/reports\/withheld$/, () => ({ body: { from: ago(604_800), to: ago(0), withheld: 0, lines: [] } })],
    ["GET", /^\/api\/v1\/channels$/, () => page(house.CHANNELS)],
    ["GET", /^\/api\/v1\/channels\/[^/]+$/, ({ part }) => ({ body: wordings.shown(part(4)) })],
    ["POST", /^\/api\/v1\/channels\/[^/]+\/check$/, () => ({ body: { steps: [{ what: "IMAP mail.example.com:993 (tls)", fix: null }, { what: "SMTP mail.example.com:587 (starttls)", fix: "mail.example.com:587 does not answer" }] } })],
    ["POST", /^\/api\/v1\/channels\/[^/]+\/(pause|resume)$/, ({ part }) => {
      const channel = house.CHANNELS.find(({ name }) => name === part(4));
      if (channel) Object.assign(channel, { health: part(5) === "pause" ? "paused" : "up", reason: "", code: "" });
      return { body: channel };
    }],
    ["GET", /^\/api\/v1\/quarantine$/, () => page(house.QUARANTINE)],
    ["GET", /^\/api\/v1\/quarantine\/[^/]+\/raw$/, () => ({ text: house.RAW })],
    ["POST", /^\/api\/v1\/(quarantine|outbox)\/[^/]+\/(retry|drop)$/, ({ part }) => {
      house.settle(part(3), part(4));
      return { status: 204 };
    }],
    ["GET", /^\/api\/v1\/outbox$/, () => page(house.OUTBOX)],
    ["POST", /^\/mock\/reset$/, () => (node.reset(), house.reset(), installation.reset(), { status: 204 })],
    ["POST", /^\/mock\/offer$/, () => (node.offer(), { status: 204 })],
    ["POST", /^\/mock\/kill$/, ({ query }) => (node.kill(Number(query.get("seconds") ?? 4)), { status: 204 })],
    ["GET", /^\/demo\/state$/, () => ({ body: {
      customer: { name: "Alex Visitor", email: "alex@demo.example" }, tasks: items().filter(({ kind }) => kind === "task").slice(0, 2),
      links: { agent: "/desktop/#token=anna", supervisor: "/supervisor/#token=sam", admin: "/admin/#token=ada" },
      node: node.down ? null : { name: "demo-1", pid: node.pid, started_at: node.startedAt } } })],
    ["POST", /^\/demo\/mail$/, ({ body }) => (house.receive(String(body.subject)), node.offer(), { status: 202 })],
    ["GET", /^\/demo\/inbox$/, () => page(house.INBOX)],
    ["POST", /^\/demo\/task$/, () => (node.offer(), { status: 201, body: items()[2] })],
    ["POST", /^\/demo\/kill$/, () => (node.kill(), { status: 202 })],
  ];
}
