import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";

/**
 * What is written here is not lost unasked: neither by closing the dialog, nor by going to another
 * part of the page or leaving it. Returns what closes it.
 */
export function useUnsaved<T>(form: T, onClose: () => void): () => void {
  const first = useRef(JSON.stringify(form));
  const changed = JSON.stringify(form) !== first.current;
  useEffect(() => {
    if (!changed) return;
    const here = location.hash;
    const stay = (event: BeforeUnloadEvent) => event.preventDefault();
    // before the page hears of it
    const turn = (event: HashChangeEvent) => {
      if (location.hash === here || confirm(t("wording.leave_sure"))) return;
      event.stopImmediatePropagation();
      location.hash = here;
    };
    addEventListener("beforeunload", stay);
    addEventListener("hashchange", turn, { capture: true });
    return () => {
      removeEventListener("beforeunload", stay);
      removeEventListener("hashchange", turn, { capture: true });
    };
  }, [changed]);
  return () => {
    if (!changed || confirm(t("wording.leave_sure"))) onClose();
  };
}
