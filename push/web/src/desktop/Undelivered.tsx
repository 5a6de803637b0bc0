import { CircleAlert, Clock, RotateCw } from "lucide";
import { useState } from "preact/hooks";
import { retryMessage } from "../api/resources";
import { t } from "../i18n";
import type { Message } from "../protocol";
import { Icon } from "../ui/Icon";
import { say, sayError } from "../ui/toast";
import { retriable, standing } from "./delivery";

/** What is in the way of a message, and a button that has it tried again. */
export function Undelivered({ message }: { message: Message }) {
  const [busy, setBusy] = useState(false);
  const state = standing(message);
  if (message.direction !== "out" || (state !== "failed" && state !== "delayed" && state !== "unknown" && state !== "partly")) return null;
  const reason = message.delivery_reason || t("delivery.no_reason");
  const retry = async () => {
    setBusy(true);
    try {
      await retryMessage(message.id);
      say(t("settle.retried"));
    } catch (error) {
      sayError(error);
    }
    setBusy(false);
  };
  return (
    <div class={state === "failed" ? "failure" : "failure late"} role={state === "failed" ? "alert" : "status"}>
      <Icon of={state === "failed" || state === "partly" ? CircleAlert : Clock} size={15} />
      <span class="failure-why">{t(`delivery.${state}_because`, { reason })}</span>
      {retriable(state) && (
        <button class="btn small" disabled={busy} onClick={() => void retry()}>
          <Icon of={RotateCw} size={14} />
          {t("retry")}
        </button>
      )}
    </div>
  );
}
