import { Trash2 } from "lucide";
import type { ComponentChildren } from "preact";
import { t } from "../i18n";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";

interface Props {
  title: string;
  busy: boolean;
  problem: string;
  ready: boolean;
  wide?: boolean;
  /** Takes it away for good; asks first. */
  onRemove?: (() => void) | undefined;
  onSave(): void;
  onClose(): void;
  children: ComponentChildren;
}

export function EditDialog({ title, busy, problem, ready, wide, onRemove, onSave, onClose, children }: Props) {
  return (
    <Dialog
      title={title}
      wide={wide}
      onClose={onClose}
      onSubmit={() => ready && !busy && onSave()}
      footer={
        <>
          {onRemove && (
            <button type="button" class="btn quiet dialog-remove" disabled={busy} onClick={onRemove}>
              <Icon of={Trash2} size={14} />
              {t("remove")}
            </button>
          )}
          <button type="button" class="btn" onClick={onClose}>
            {t("cancel")}
          </button>
          <button class="btn primary" disabled={!ready || busy}>
            {t("save")}
          </button>
        </>
      }
    >
      {children}
      {problem && (
        <p class="wrong" role="alert">
          {problem}
        </p>
      )}
    </Dialog>
  );
}

interface FieldProps {
  label: string;
  value: string;
  onChange(value: string): void;
  hint?: string;
  wrong?: string | undefined;
  locked?: boolean;
  number?: boolean;
  secret?: boolean;
}

export function TextField({ label, value, onChange, hint, wrong, locked, number, secret }: FieldProps) {
  const common = {
    class: "input",
    value,
    readOnly: locked,
    "aria-invalid": wrong ? (true as const) : undefined,
    onInput: (event: { currentTarget: HTMLInputElement }) => onChange(event.currentTarget.value),
  };
  return (
    <label class="field">
      <span>{label}</span>
      {secret ? (
        <input type="password" autocomplete="new-password" {...common} />
      ) : (
        <input type="text" autocomplete="off" inputMode={number ? "decimal" : undefined} {...common} />
      )}
      {wrong ? <small class="wrong">{wrong}</small> : hint && <small>{hint}</small>}
    </label>
  );
}
