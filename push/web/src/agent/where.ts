/** Where to connect to: the nodes that there are, the one that served this tab before first. */

import { keptNodes } from "../api/nodes";
import { bootstrap, glance } from "../api/resources";

/** How long the page's own node may take to say who the nodes are, where we knew some before. */
const GLANCE_MS = 2000;

/** The nodes to connect to, in this order: where we were, if it is one of those that there are. */
export async function nodes(): Promise<string[]> {
  const kept = keptNodes();
  if (kept.length === 0) return (await bootstrap()).agent_ws.map(absolute);
  const late = new Promise<null>((resolve) => setTimeout(resolve, GLANCE_MS, null));
  const told = await Promise.race([glance(), late]).catch(() => null);
  if (told === null) return kept;
  const known = told.agent_ws.map(absolute);
  return [...kept.slice(0, 1).filter((home) => known.includes(home)), ...known];
}

/** Bootstrap may name a path only: then it is this page's own host. */
function absolute(url: string): string {
  const full = new URL(url, location.href);
  if (full.protocol === "http:") full.protocol = "ws:";
  if (full.protocol === "https:") full.protocol = "wss:";
  return full.href;
}
