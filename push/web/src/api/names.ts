/** Agents' names as people know them: rows of the node carry the name for signing in only. */

import { signal } from "@preact/signals";
import { namesOf } from "./resources";

const MOST = 50; // names in one address

const known = signal<Readonly<Record<string, string>>>({});
const asked = new Set<string>();
let next: string[] = [];

/** The name as shown; until the node has told it, or where it knows nobody, the sign-in name. */
export function agentName(login: string | null): string {
  if (!login) return "";
  const shown = known.value[login];
  if (shown === undefined && !asked.has(login)) {
    asked.add(login);
    // all that one drawing of the page needs goes into one question
    if (next.push(login) === 1) queueMicrotask(ask);
  }
  return shown || login;
}

function ask(): void {
  const all = next;
  next = [];
  for (let start = 0; start < all.length; start += MOST) {
    const part = all.slice(start, start + MOST);
    namesOf(part).then(
      (names) => (known.value = { ...known.peek(), ...names }),
      () => part.forEach((login) => asked.delete(login)), // whoever draws it next asks again
    );
  }
}
