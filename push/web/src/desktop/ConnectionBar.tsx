import { RefreshCw } from "lucide";
import { t } from "../i18n";
import { Icon } from "../ui/Icon";
import { duration, now } from "../ui/time";
import { nudge, pending, status } from "./store";

/** The short word in the header. */
export function ConnectionState() {
  const { kind } = status.value;
  const [tone, text] =
    kind === "online"
      ? (["good", t("connection.online")] as const)
      : kind === "outdated"
        ? (["bad", t("connection.outdated")] as const)
        : kind === "connecting" || kind === "waiting"
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
  if (current.kind === "waiting") {
    return (
      <div class="healing" role="status">
        <Icon of={RefreshCw} size={15} />
        {t("connection.waiting", { reason: current.reason })}
      </div>
    );
  }
  if (current.kind !== "reconnecting") return null;
  const lasting = now.value - current.since;
  const unsent = pending.value.filter((command) => command.t !== "typing" && command.t !== "read").length;
  if (lasting < 1200 && unsent === 0) return null; // most reconnects are over before one looks
  return (
    <div class="healing" role="status">
      <span class="spin">
        <Icon of={RefreshCw} size={15} />
      </span>
      <span>
        {t("connection.healing")}
        {lasting > 15_000 && (
          // it changes each second: not to be read out each time
          <span aria-hidden="true"> {t("connection.since", { time: duration(lasting) })}</span>
        )}
        {unsent > 0 && ` ${t("connection.unsent", { n: unsent })}`}
      </span>
      <button class="btn quiet small" onClick={nudge}>
        {t("connection.now")}
      </button>
    </div>
  );
}
