import { X } from "lucide";
import { type ComponentChildren, createContext } from "preact";
import { useContext, useEffect, useId, useRef } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "./Icon";

/** What must stay usable while a dialog is open: all that is outside of one is inert. */
export const Beside = createContext<ComponentChildren>(null);

interface Props {
  title: string;
  onClose(): void;
  /** With it, the dialog is a form and Enter in a field submits. */
  onSubmit?(): void;
  footer?: ComponentChildren;
  wide?: boolean;
  children: ComponentChildren;
}

/** A modal dialog: the browser keeps the focus inside and gives it back afterwards. */
export function Dialog({ title, onClose, onSubmit, footer, wide, children }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const label = useId();
  const beside = useContext(Beside);
  useEffect(() => {
    const before = document.activeElement;
    const dialog = ref.current!;
    dialog.showModal();
    return () => {
      if (dialog.open) dialog.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const inside = (
    <>
      <header>
        <h2 id={label}>{title}</h2>
        <button type="button" class="btn quiet icon small" aria-label={t("close")} onClick={onClose}>
          <Icon of={X} />
        </button>
      </header>
      <div class="dialog-body scroll">{children}</div>
      {footer && <footer>{footer}</footer>}
    </>
  );
  return (
    <dialog
      ref={ref}
      class={wide ? "dialog wide" : "dialog"}
      aria-labelledby={label}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === ref.current && onClose()}
    >
      {onSubmit ? (
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            onSubmit();
          }}
        >
          {inside}
        </form>
      ) : (
        <div class="dialog-form">{inside}</div>
      )}
      {beside}
    </dialog>
  );
}
