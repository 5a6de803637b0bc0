import { signal } from "@preact/signals";
import { CircleAlert, CircleCheck, X } from "lucide";
import { t } from "../i18n";
import { Icon } from "./Icon";
import { newId } from "./ids";

interface Toast {
  id: string;
  text: string;
  bad: boolean;
}

const toasts = signal<Toast[]>([]);

function dismiss(id: string): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Says something in passing; what went wrong stays longer. */
export function say(text: string, bad = false): void {
  const toast = { id: newId(), text, bad };
  toasts.value = [...toasts.value.filter((other) => other.text !== text), toast].slice(-3);
  setTimeout(() => dismiss(toast.id), bad ? 9000 : 3500);
}

export function sayError(error: unknown): void {
  say(error instanceof Error && error.message ? error.message : t("error.unknown"), true);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div key={toast.id} class={toast.bad ? "toast bad" : "toast"}>
          <Icon of={toast.bad ? CircleAlert : CircleCheck} />
          <span>{toast.text}</span>
          <button class="btn quiet icon small" aria-label={t("close")} onClick={() => dismiss(toast.id)}>
            <Icon of={X} size={14} />
          </button>
        </div>
      ))}
    </div>
  );
}
