/** The pretend sites, as supervisors see them. */

import type { SiteNow, SiteWish } from "../../src/api/resources.ts";
import { ago } from "./data.ts";

const site = (name: string, agents: number, connected: number): SiteNow => ({
  name, open_percent: 100, reason: "", in_hand: "keep", by: "", since: null, agents, closed: 0, connected, ready: Math.ceil(connected / 2),
});
const asBuilt = () => [site("berlin", 40, 12), site("lisbon", 25, 9)];
export let SITES = asBuilt();

export function change(name: string, wish: SiteWish): SiteNow | undefined {
  const found = SITES.find((one) => one.name === name);
  if (!found) return undefined;
  return Object.assign(found, {
    open_percent: wish.open_percent,
    reason: wish.open_percent < 100 ? (wish.reason ?? "") : "",
    in_hand: wish.in_hand ?? "keep",
    by: "sam",
    since: ago(0),
    closed: Math.ceil((found.agents * (100 - wish.open_percent)) / 100),
  });
}

export function reset(): void {
  SITES = asBuilt();
}
