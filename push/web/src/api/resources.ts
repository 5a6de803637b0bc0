/** The node's resources, one function each. */

import type {
  AgentCard,
  AgentProfile,
  Attachment,
  Case,
  ChannelKind,
  ItemView,
  MergePlan,
  Message,
  Outgoing,
  Presence,
  PromiseCard,
  Queue,
  Role,
} from "../protocol";
import { newId } from "../ui/ids";
import { http, type Page } from "./http";
import { noteOthers } from "./nodes";
import type { Then } from "./setup";

const api = "/api/v1";
const at = encodeURIComponent;

export interface Bootstrap {
  agent_ws: string[];
  chat_ws: string[];
  locales: string[];
  sign_in: string[];
  node: string;
  version: string;
}

export interface Identity {
  kind: string;
  value: string;
  verified: boolean;
  /** What is sent there comes back: why, and since when. */
  /** A number as people write it. */
  shown?: string;
  /** On which kinds of channels nothing more is wanted there, and since when. */
  stopped?: Record<string, string | null>;
  undeliverable?: string;
  undeliverable_since?: string | null;
}

export interface Customer {
  id: string;
  name: string;
  language: string;
  value: number;
  verified: boolean;
  identities: Identity[];
}

export interface TimelineEntry {
  case: Case;
  last_at: string;
  messages: number;
  items: { id: string; kind: string; state: string; agent: string | null; code: string }[];
}

export type Use = "wrapup" | "misrouted";

export interface Code {
  name: string;
  label: string;
  /** Left out: for wrap-up. */
  uses?: Use[];
}

export interface Skill {
  name: string;
  label?: string;
}

export interface AgentAtWork extends AgentProfile {
  presence: Presence;
  reason: string;
  connected: boolean;
  /** Why nothing is offered to the agent although ready; empty: nothing is in the way. */
  closed: string;
}

export interface ChannelInfo {
  name: string;
  kind: string;
  queue: string;
  health: "starting" | "up" | "down" | "parked" | "paused" | "standby";
  /** A sentence, and the kind of fault behind it. */
  reason: string;
  code: string;
  /** What the outside holds and what is stored here, where the channel can tell. */
  counts: Record<string, number>;
  declared_in: string;
  /** The only node that runs it, if it is for one at a time. */
  node: string;
  since: string | null;
  next_try: string | null;
  last_success: string | null;
}

export interface ItemEvent {
  at: string;
  kind: string;
  text: string;
  data: Record<string, unknown>;
}

export interface Quarantined {
  id: string;
  channel: string;
  at: string;
  reason: string;
  subject: string;
  /** Of its raw bytes. */
  size: number;
}

export type Unsent = Pick<
  Outgoing,
  "id" | "channel" | "kind" | "purpose" | "state" | "attempts" | "next_at" | "created_at" | "reason" | "number" | "address"
>;

export interface SiteNow {
  name: string;
  open_percent: number;
  reason: string;
  in_hand: "keep" | "return";
  by: string;
  since: string | null;
  agents: number;
  closed: number;
  connected: number;
  ready: number;
}

export interface SiteWish {
  open_percent: number;
  reason?: string;
  in_hand?: "keep" | "return";
}

export interface Token {
  id: string;
  agent?: string;
  role?: string;
  label?: string;
  created_at?: string | null;
  expires_at?: string | null;
}

export const signInWith = (name: string, password: string) =>
  http.post<{ token: string; agent: AgentCard }>(`${api}/login`, { name, password });
export const signOutThere = () => http.post(`${api}/logout`);
export const bootstrap = () => http.get<Bootstrap>(`${api}/bootstrap`);
/** Asked once, without patience. */
export const glance = () => http.look<Bootstrap>(`${api}/bootstrap`);

export const caseByNumber = (number: number) => http.get<Case>(`${api}/cases/${number}`);

/** For pages without a connection of their own: whom to ask should their node be gone. */
export const learnNodes = () => bootstrap().then(({ agent_ws }) => noteOthers(agent_ws), () => undefined);

/** What merging one case into another would do. */
export const mergePlan = (number: number, into: number) =>
  http.get<MergePlan>(`${api}/cases/${number}/merge`, { into });
export const mergeCase = (
  number: number,
  wish: { into: number; reason: string; other_customer: boolean },
  key: string,
) => http.post<Case>(`${api}/cases/${number}/merge`, wish, key);
export const separateCase = (number: number, wish: { reason: string }, key: string) =>
  http.post<Case>(`${api}/cases/${number}/separate`, wish, key);
export const splitCase = (
  number: number,
  wish: { messages: string[]; reason: string; queue: string },
  key: string,
) => http.post<{ case: Case; item: string }>(`${api}/cases/${number}/split`, wish, key);

/** Every message of a case, oldest first. */
export const promisesOf = (number: number) =>
  http.get<Page<PromiseCard>>(`${api}/cases/${number}/promises`);

export async function messagesOf(number: number): Promise<Message[]> {
  const found = new Map<string, Message>();
  let cursor: string | null = null;
  for (let page = 0; page < 25; page += 1) {
    const answer: Page<Message> | Message[] = await http.get(`${api}/cases/${number}/messages`, {
      cursor,
      limit: 200,
    });
    const items = Array.isArray(answer) ? answer : answer.items;
    for (const message of items) found.set(message.id, message);
    cursor = Array.isArray(answer) ? null : answer.next;
    if (!cursor) break;
  }
  return [...found.values()].sort((a, b) => a.seq - b.seq);
}

export const deliverable = (id: string, address: string) =>
  http.post<Customer>(`${api}/customers/${at(id)}/deliverable`, { address });
export const customerById = (id: string) => http.get<Customer>(`${api}/customers/${at(id)}`);
export const timelineOf = (id: string, cursor?: string | null) =>
  http.get<Page<TimelineEntry>>(`${api}/customers/${at(id)}/timeline`, { cursor, limit: 50 });

/** What a message on a channel may hold. */
export interface Carried {
  max_text: number;
  html: boolean;
  subject: boolean;
  attachments: boolean;
  max_file_bytes: number;
  max_attachment_bytes: number;
}
export const limitsOf = (channel: string) => http.get<Carried>(`${api}/channels/${at(channel)}/limits`);

/** With `inText` an image gets an `inline_id`, by which HTML can show it. */
export const upload = (file: File, inText = false) => {
  const form = new FormData();
  form.append("file", file, file.name);
  return http.form<Attachment>(`${api}/attachments${inText ? "?inline=true" : ""}`, form);
};
export const attachmentBlob = (id: string) => http.blob(`${api}/attachments/${at(id)}`);

export interface ItemQuery {
  state?: string;
  queue?: string;
  agent?: string;
  q?: string;
  cursor?: string | null;
  limit?: number;
}
export const items = (query: ItemQuery) => http.get<Page<ItemView>>(`${api}/items`, { ...query });
export const itemEvents = (id: string) =>
  http.get<Page<ItemEvent>>(`${api}/items/${at(id)}/events`, { limit: 200 });
/** So many agents for one reason, some of them by name. */
export interface Excluded {
  why: string;
  count: number;
  agents: string[];
}

/** A ring that has not opened yet: when, what it lets go, how many fit then. */
export interface Opening {
  ring: number;
  lets: string;
  agents: number;
  at: string | null;
  expected_wait: number | null;
}

export interface Waits {
  needs: string;
  ring: number;
  fitting: number;
  groups: Excluded[];
  rings: Opening[];
  not_asked: string;
}

export interface Explanation {
  text: string;
  /** While it waits. */
  waits: Waits | null;
}

export const explainItem = (id: string) => http.get<Explanation>(`${api}/items/${at(id)}/explain`);

/** The queues that let you take what waits there, and what does, by urgency. */
export interface Takeable {
  queues: string[];
  items: ItemView[];
}

export const takeable = () => http.get<Takeable>(`${api}/takeable`);
export const actOnItem = (
  id: string,
  act: "assign" | "requeue" | "close" | "priority",
  body: Record<string, unknown>,
) => http.post(`${api}/items/${at(id)}/${act}`, body, newId());

export const codes = () => http.get<Page<Code>>(`${api}/codes`);
export const endings = async () =>
  (await codes()).items.filter(({ uses }) => uses?.includes("wrapup") ?? true);
export const misroutedReasons = () => http.get<Page<Code>>(`${api}/misrouted/reasons`);
export const queues = () => http.get<Page<Queue>>(`${api}/queues`);
/** A named list of acts, such as who asks may run. */
export interface Macro {
  name: string;
  label: string;
  /** None: for any kind of contact. */
  kinds: ChannelKind[];
  then: Then;
}
export const macros = () => http.get<Page<Macro>>(`${api}/macros`);

/** What a rule wants a supervisor to look at; `held`: a reply that leaves when it is released. */
export interface Review {
  review: string;
  item: string;
  number: number;
  queue: string;
  subject: string;
  rule: string;
  reason: string;
  at: string;
  held: boolean;
  agent: string | null;
  message: string | null;
  preview: string;
}
export type Verdict = "released" | "refused" | "seen";
export const reviews = () => http.get<Page<Review>>(`${api}/reviews`, { limit: 200 });
export const conclude = (item: string, body: { review: string; verdict: Verdict; reason: string }) =>
  http.post(`${api}/items/${at(item)}/review`, body, newId());

export type MisroutedBy = "rule" | "queue" | "reason" | "right_queue" | "right_skill";
export type Misrouting = Record<MisroutedBy, string> & {
  told: number;
  latest: { item: string; number: number; at: string; agent: string; how: string; decision: string }[];
};
export const routingReport = (from: string, by: readonly MisroutedBy[]) =>
  http.get<{ from: string; to: string; told: number; lines: Misrouting[] }>(`${api}/reports/routing`, {
    from,
    by: by.join(),
  });
/** What a budget kept machines of ours from writing: of `what`, by whose budget. */
export interface WithheldLine {
  channel: string;
  of: string;
  what: string;
  withheld: number;
  latest: { item: string; number: number; at: string }[];
}
export const withheldReport = (from: string) =>
  http.get<{ from: string; to: string; withheld: number; lines: WithheldLine[] }>(`${api}/reports/withheld`, { from });
export const itemById = (id: string) => http.get<ItemView>(`${api}/items/${at(id)}`);
export const agents = () => http.get<Page<AgentAtWork>>(`${api}/agents`, { limit: 200 });
/** Names as shown, by sign-in name; whom the node does not know is left out. */
export async function namesOf(logins: readonly string[]): Promise<Record<string, string>> {
  const { items } = await http.get<Page<AgentAtWork>>(`${api}/agents`, { names: logins.join(), limit: 200 });
  return Object.fromEntries(items.map(({ name, display_name }) => [name, display_name]));
}
export const skills = () => http.get<Page<Skill>>(`${api}/skills`);
export const channels = () => http.get<Page<ChannelInfo>>(`${api}/channels`);
export const setAgentState = (name: string, wish: { state: Presence; reason: string }) =>
  http.post<AgentAtWork>(`${api}/agents/${at(name)}/state`, wish, newId());
export const tokens = () => http.get<Page<Token>>(`${api}/tokens`);
export const quarantine = () => http.get<Page<Quarantined>>(`${api}/quarantine`, { limit: 200 });
/** No state: all that is on its way or failed. */
export const outbox = (state = "") => http.get<Page<Unsent>>(`${api}/outbox`, { state, limit: 200 });

export const retryMessage = (id: string) => http.post(`${api}/messages/${at(id)}/retry`, {}, newId());

export const sites = () => http.get<Page<SiteNow>>(`${api}/sites`);
export const putSite = (name: string, wish: SiteWish) => http.put<SiteNow>(`${api}/sites/${at(name)}`, wish);

export const makeToken = (wish: { agent: string; role: Role; label: string; hours: number | null }) =>
  http.post<Token & { token: string }>(`${api}/tokens`, wish);
export type DirectoryKind = "agents" | "queues" | "codes" | "skills" | "canned" | "letters";
export const putDirectory = (
  kind: DirectoryKind,
  name: string,
  body: unknown,
) => http.put(`${api}/${kind}/${at(name)}`, body);
export const revokeToken = (id: string) =>
  http.delete(`${api}/tokens/${at(id)}`);
export const switchChannel = (name: string, act: "pause" | "resume") =>
  http.post(`${api}/channels/${at(name)}/${act}`);
export const rawOf = (id: string) => http.text(`${api}/quarantine/${at(id)}/raw`);
export const rawBlob = (id: string) => http.blob(`${api}/quarantine/${at(id)}/raw`);
export const settle = (list: "quarantine" | "outbox", id: string, act: "retry" | "drop") =>
  http.post(`${api}/${list}/${at(id)}/${act}`);
