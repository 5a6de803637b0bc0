import { Users } from "lucide";
import type { Colleague } from "../api/colleagues";
import { t, word } from "../i18n";
import { Avatar } from "../ui/bits";
import { Icon } from "../ui/Icon";
import type { Whom } from "./chats";
import { nameOf, people } from "./peers";

/** Who it is, and by a dot with a word for those who do not see it, whether somebody is there. */
export function Face({ whom }: { whom: Whom }) {
  if (whom.agent === undefined) {
    return (
      <span class="peers-face">
        <span class="kind small">
          <Icon of={Users} size={14} />
        </span>
      </span>
    );
  }
  const one = people.value[whom.agent];
  return (
    <span class="peers-face">
      <Avatar name={nameOf(whom.agent)} small />
      {one && <span class={`dot ${toneOf(one)}`} role="img" aria-label={presenceOf(one)} title={presenceOf(one)} />}
    </span>
  );
}

const toneOf = (one: Colleague) => (!one.connected ? "away" : one.presence === "ready" ? "good" : "warn");

/** Ready, not ready and why, or away. */
export function presenceOf(one: Colleague): string {
  if (!one.connected) return t("presence.away");
  return one.presence === "ready" ? t("presence.ready") : word("reason", one.reason || "not_ready");
}
