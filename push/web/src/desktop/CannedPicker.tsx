import { useEffect, useRef, useState } from "preact/hooks";
import { canned } from "../api/wordings";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import type { ItemView } from "../protocol";
import { found, slashAt, usable, type Slash } from "./canned";
import { filled } from "./macros";
import "./canned.css";

interface Picker {
  open: boolean;
  /** Look again where the caret is. */
  look(area: HTMLTextAreaElement): void;
  /** Whether the key was for the list. */
  key(event: KeyboardEvent): boolean;
  close(): void;
  /** What the text field says of the list, for those who do not see it. */
  aria: Record<string, string | undefined>;
  view: preact.ComponentChildren;
}

const LIST = "canned-list";

/** A list of canned replies at the slash that is being typed; what is chosen replaces it. */
export function useCanned(item: ItemView, me: string, queueName: string, put: (from: number, to: number, text: string) => void): Picker {
  const [slash, setSlash] = useState<(Slash & { to: number }) | null>(null);
  const [left, setLeft] = useState(-1); // the slash that was escaped from is left alone
  const [at, setAt] = useState(0);
  const open = slash !== null && slash.from !== left;
  const known = useResource(open ? "canned" : null, canned);
  const list = useRef<HTMLUListElement>(null);
  const all = usable(known.data?.items ?? [], item);
  const shown = slash ? found(all, slash.query) : [];
  const chosen = Math.min(at, shown.length - 1);
  const text = (index: number) => filled(shown[index]!.text, item, me, queueName);

  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [chosen, slash?.query]);

  const choose = (index: number) => {
    if (!slash || !shown[index]) return;
    put(slash.from, slash.to, text(index));
    setSlash(null);
    setAt(0);
  };

  return {
    open,
    look(area) {
      const here = area.selectionStart === area.selectionEnd ? slashAt(area.value, area.selectionStart) : null;
      if (here?.query !== slash?.query) setAt(0);
      if (!here) setLeft(-1);
      setSlash(here && { ...here, to: area.selectionStart });
    },
    key(event) {
      if (!open || event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return false;
      const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      if (event.key === "Escape") setLeft(slash.from);
      else if (shown.length === 0) return false;
      else if (by) setAt((chosen + by + shown.length) % shown.length);
      else if ((event.key === "Enter" && !event.shiftKey) || (event.key === "Tab" && !event.shiftKey)) choose(chosen);
      else return false;
      event.preventDefault();
      return true;
    },
    close: () => setSlash(null),
    aria: open
      ? {
          "aria-expanded": "true",
          "aria-controls": LIST,
          "aria-haspopup": "listbox",
          "aria-autocomplete": "list",
          "aria-activedescendant": shown.length > 0 ? `canned-${chosen}` : undefined,
        }
      : {},
    view: open && (
      <div class="canned" role="group" aria-label={t("canned.title")}>
        <ul id={LIST} ref={list} role="listbox" class="canned-list scroll" aria-label={t("canned.title")}>
          {shown.map(({ canned: { name, label, shortcut } }, index) => (
            <li
              key={name}
              id={`canned-${index}`}
              role="option"
              aria-selected={index === chosen}
              // the text field keeps the focus
              onMouseDown={(event) => event.preventDefault()}
              onMouseMove={() => index !== chosen && setAt(index)}
              onClick={() => choose(index)}
            >
              <span class="cut">{label || name}</span>
              {shortcut && <kbd>/{shortcut}</kbd>}
            </li>
          ))}
        </ul>
        <div class="canned-preview scroll" aria-live="polite">
          {known.error && !known.data ? (
            <>
              <p class="wrong" role="alert">
                {t("canned.failed")}: {known.error.message}
              </p>
              <button type="button" class="btn small" onClick={known.reload}>
                {t("retry")}
              </button>
            </>
          ) : !known.data ? (
            <p class="muted" role="status">
              {t("canned.loading")}
            </p>
          ) : shown.length > 0 ? (
            <p dir="auto">{text(chosen)}</p>
          ) : (
            <p class="muted">{all.length > 0 ? t("canned.no_match") : t("canned.none")}</p>
          )}
        </div>
      </div>
    ),
  };
}
