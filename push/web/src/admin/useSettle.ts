import { settle } from "../api/resources";
import { t } from "../i18n";
import { say, sayError } from "../ui/toast";

/** Try again or drop one row of a list; dropping asks first, for it cannot be undone. */
export function useSettle(list: "quarantine" | "outbox", reload: () => void) {
  return async (id: string, act: "retry" | "drop") => {
    if (act === "drop" && !confirm(t(`${list}.drop_sure`))) return;
    try {
      await settle(list, id, act);
      say(t(act === "retry" ? "settle.retried" : "settle.dropped"));
      reload();
    } catch (error) {
      sayError(error);
    }
  };
}
