/** Who is signed in on this tab. The token lives in sessionStorage and nowhere else. */

import { signal } from "@preact/signals";
import type { AgentCard } from "../protocol";
import { readStored, writeStored } from "../ui/storage";
import { forgetNodes } from "./nodes";

interface Stored {
  token: string;
  agent: AgentCard | null;
}

const KEY = "switchroom.session";
const tab = () => sessionStorage;

export const session = signal<Stored | null>(null);

/** Whether the node ended the last session: the sign-in page says so until somebody signs in. */
export const expired = signal(false);

/** Takes the token of a one-click link out of the address before anyone can copy it. */
export function openSession(): void {
  const match = /^#token=([^&]+)/.exec(location.hash);
  if (match) {
    signIn(decodeURIComponent(match[1]!), null);
    history.replaceState(null, "", location.pathname + location.search);
    return;
  }
  session.value = readStored<Stored | null>(KEY, null, tab);
}

export function signIn(token: string, agent: AgentCard | null): void {
  expired.value = false;
  session.value = { token, agent };
  writeStored(KEY, session.value, tab);
}

export function noteAgent(agent: AgentCard): void {
  const current = session.peek();
  if (!current || current.agent?.name === agent.name) return;
  signIn(current.token, agent);
}

export function signOut(): void {
  expired.value = false;
  session.value = null;
  writeStored(KEY, null, tab);
  forgetNodes();
}

/** The node knows this token no more; whichever connection hears of it first says so. */
export function endSession(token: string): void {
  if (session.peek()?.token !== token) return; // a late answer to one who has signed in anew
  signOut();
  expired.value = true;
}
