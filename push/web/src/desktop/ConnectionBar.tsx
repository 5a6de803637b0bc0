import { RefreshCw } from "lucide";
import type { Status } from "../agent/connection";
import { t, wordOr } from "../i18n";
import { Icon } from "../ui/Icon";
import { duration, now, skew } from "../ui/time";
import { network, nudge, pending, status } from "./store";

/** Most reconnects are over before one looks. */
const CALM_MS = 1200;

/** The short word in the header. */
export function ConnectionState() {
  const { kind } = status.value;
  const [tone, text] =
    kind === "online"
      ? (["good", t("connection.online")] as const)
      : kind === "outdated"
        ? (["bad", t("connection.outdated")] as const)
        : kind === "connecting"
          ? (["warn", t("connection.connecting")] as const)
          : (["warn", t("connection.reconnecting")] as const);
  return (
    <span class={`connection ${kind}`} title={text}>
      <span class={`dot ${tone}`} />
      <span class="connection-text">{text}</span>
    </span>
  );
}

/** A calm line while the connection heals; nothing to click away, nothing is lost. */
export function ConnectionBar() {
  const current = status.value;
  if (current.kind === "outdated") {
    return (
      <div class="healing" role="alert">
        {t("connection.outdated_long")}
        <button class="btn small" onClick={() => location.reload()}>
          {t("reload")}
        </button>
      </div>
    );
  }
  if (current.kind !== "reconnecting" && current.kind !== "waiting") return null;
  const lasting = now.value - skew.value - current.since;
  const unsent = pending.value.filter((command) => command.t !== "typing" && command.t !== "read").length;
  if (lasting < CALM_MS && unsent === 0) return null;
  return (
    <div class="healing" role="status">
      <span class="spin">
        <Icon of={RefreshCw} size={15} />
      </span>
      <span>
        <strong>{t("connection.reconnecting")}</strong> {healingText(current)}
        {lasting > 15_000 && (
          // it changes each second: not to be read out each time
          <span aria-hidden="true"> {t("connection.since", { time: duration(lasting) })}</span>
        )}
        {unsent > 0 && ` ${t("connection.unsent", { n: unsent })}`}
      </span>
      {current.kind === "reconnecting" && (
        <button class="btn quiet small" onClick={nudge}>
          {t("connection.now")}
        </button>
      )}
    </div>
  );
}

function healingText(current: Extract<Status, { since: number }>): string {
  if (!network.value) return t("connection.offline");
  if (current.reason) return t("connection.waiting", { reason: wordOr("waits_for", current.code, current.reason) });
  const moving = current.kind === "reconnecting" && current.why === "moved";
  return t(moving ? "connection.moving" : "connection.healing");
}
