/** How sure it is that somebody is who they seem to be, told apart for the eye and for words. */

import type { Identity } from "../api/resources";
import type { Key } from "../i18n";

/** `known`: some identity is proven to be this person's · `browser`: only a browser is known · `claimed`: nothing is proven. */
export type Standing = "known" | "browser" | "claimed";

/** The node proves a chat's visitor id itself, but that tells of a browser, not of a person. */
export function standingOf(identities: readonly Identity[]): Standing {
  const personal = identities.filter(({ kind }) => kind !== "visitor");
  if (personal.some(({ verified }) => verified)) return "known";
  return personal.length === 0 && identities.length > 0 ? "browser" : "claimed";
}

/** What the proof of one identity is worth, as the key of a text. */
export function proofOf({ kind, verified }: Identity): Key {
  if (kind === "visitor") return "proof.browser";
  if (!verified) return "proof.claimed";
  return kind === "account" ? "proof.vouched" : "proof.confirmed";
}
