import type { ChannelInfo } from "../api/resources";
import type { Key } from "../i18n";

export interface Verdict {
  key: Key;
  values: Record<string, string | number>;
  /** `good`: nothing is missing. `warn`: look again soon. `bad`: a person must act. */
  tone: "good" | "warn" | "bad" | "";
}

/** Whether a channel has a source that is compared with what is stored. */
export const compared = ({ kind, counts }: ChannelInfo) => kind === "email" && "stored" in counts;

/** What the figures of a mailbox say, the gravest first; `when` puts a time into words. */
export function verdict(channel: ChannelInfo, when: (time: string) => string): Verdict {
  const { counts, health, node, last_success } = channel;
  const n = (what: string) => counts[what] ?? 0;
  if (health === "standby") return { key: node ? "mailbox.elsewhere" : "mailbox.nobody", values: { node }, tone: "" };
  const unread = n("quarantined");
  if (!("server" in counts)) {
    if (health !== "up") return { key: "mailbox.closed", values: {}, tone: "bad" };
    if (n("put_off")) return { key: "mailbox.put_off", values: { n: n("put_off") }, tone: "warn" };
    return unread
      ? { key: "mailbox.brought_but", values: { n: n("stored"), unread }, tone: "warn" }
      : { key: "mailbox.brought", values: { n: n("stored") }, tone: "good" };
  }
  if (health !== "up") {
    return last_success
      ? { key: "mailbox.stale", values: { when: when(last_success) }, tone: "bad" }
      : { key: "mailbox.never", values: {}, tone: health === "starting" ? "" : "bad" };
  }
  if (n("waiting")) return { key: "mailbox.reading", values: { n: n("waiting") }, tone: "warn" };
  if (n("withheld")) return { key: "mailbox.kept_back", values: { n: n("withheld") }, tone: "bad" };
  if (!last_success) return { key: "mailbox.never", values: {}, tone: "" };
  return unread
    ? { key: "mailbox.agree_but", values: { n: unread }, tone: "warn" }
    : { key: "mailbox.agree", values: {}, tone: "good" };
}
