import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

interface Props {
  /** What the button shows. */
  button: ComponentChildren;
  label: string;
  buttonClass?: string;
  align?: "left" | "right";
  up?: boolean;
  children: ComponentChildren;
}

/**
 * A button with a menu (WAI-ARIA menu button pattern): arrows move, Escape closes and gives the
 * focus back, a choice closes.
 */
export function Menu({ button, label, buttonClass = "btn", align = "left", up, children }: Props) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const trigger = useRef<HTMLButtonElement>(null);
  const id = useId();

  const entries = () =>
    [...(box.current?.querySelectorAll<HTMLElement>("[role^=menuitem]:not(:disabled)") ?? [])];

  useEffect(() => {
    if (!open) return;
    entries()[0]?.focus();
    const outside = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, [open]);

  const close = () => {
    setOpen(false);
    trigger.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (!open) return;
    const all = entries();
    const here = all.indexOf(document.activeElement as HTMLElement);
    const go = (index: number) => {
      event.preventDefault();
      all[(index + all.length) % all.length]?.focus();
    };
    if (event.key === "ArrowDown") go(here + 1);
    else if (event.key === "ArrowUp") go(here - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(-1);
    else if (event.key === "Tab") setOpen(false);
    else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  };

  return (
    <div class="menu-box" ref={box} onKeyDown={onKeyDown}>
      <button
        ref={trigger}
        type="button"
        class={buttonClass}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={label}
        title={label}
        onClick={() => setOpen(!open)}
      >
        {button}
      </button>
      {open && (
        <div
          id={id}
          role="menu"
          aria-label={label}
          class={["menu", align === "right" && "right", up && "up"].filter(Boolean).join(" ")}
          onClick={(event) => {
            if ((event.target as HTMLElement).closest("[role^=menuitem]")) close();
          }}
        >
          {children}
        </div>
      )}
    </div>
  );
}

export function MenuItem(props: {
  onChoose(): void;
  checked?: boolean;
  disabled?: boolean;
  children: ComponentChildren;
}) {
  return (
    <button
      type="button"
      role={props.checked === undefined ? "menuitem" : "menuitemradio"}
      aria-checked={props.checked}
      disabled={props.disabled}
      tabIndex={-1}
      onClick={props.onChoose}
    >
      {props.children}
    </button>
  );
}
