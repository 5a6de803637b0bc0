/** By which channels a customer can be written to, besides the one that an item came by. */

import type { ChannelInfo, Identity } from "../api/resources";

export interface Way {
  channel: string;
  kind: string;
  shown: string;
}

const IDENTITY: Record<string, string> = { email: "email", sms: "phone", whatsapp: "phone", telegram: "telegram" };

export function waysTo(own: string, identities: readonly Identity[], channels: readonly ChannelInfo[]): Way[] {
  return channels.flatMap(({ name, kind }) => {
    const wanted = IDENTITY[kind];
    // the node takes the same one: what is confirmed before what is only said
    const found = identities
      .filter((identity) => identity.kind === wanted)
      .sort((a, b) => Number(b.verified) - Number(a.verified))[0];
    if (name === own || !found || found.undeliverable || (found.stopped && kind in found.stopped)) return [];
    return [{ channel: name, kind, shown: found.shown ?? found.value }];
  });
}
