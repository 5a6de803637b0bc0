/** The demo's own paths: a parent process serves them, so they answer while the node restarts. */

import { http, type Page } from "../api/http";
import type { ItemView } from "../protocol";

export interface DemoTask extends Pick<ItemView, "id" | "number" | "subject" | "state"> {
  /** What the agent answered. */
  answer?: string;
}

/** Without a `pid` it does not serve. */
export interface DemoNode {
  name: string;
  url: string;
  pid: number | null;
  started_at: string | null;
}

export interface DemoState {
  customer: { name: string; email: string };
  tasks: DemoTask[];
  links: { agent: string; supervisor: string; admin: string };
  /** The first one, while it serves. */
  node: { name: string; pid: number; started_at: string } | null;
  nodes: DemoNode[];
}

export interface InboxMail {
  from: string;
  subject: string;
  body: string;
  at: string;
  in_reply_to: string | null;
}

export const demoState = () => http.look<DemoState>("/demo/state");
export const demoInbox = () => http.get<Page<InboxMail>>("/demo/inbox");
export const demoMail = (subject: string, body: string) => http.post("/demo/mail", { subject, body });
export const demoTask = (title: string, body: string) => http.post("/demo/task", { title, body });
export const demoKill = (name?: string) => http.post("/demo/kill", name === undefined ? undefined : { name });
