import { Check, X } from "lucide";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { endings } from "../api/resources";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import type { ItemView, NotForMe, Wrapup } from "../protocol";
import { Skeleton } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { say } from "../ui/toast";
import { closing } from "./acts";
import { NotForMeFields } from "./NotForMe";
import { closeConversation, route } from "./route";
import { items, order } from "./store";
import "./wrapup.css";

/** How an attempt to call back went; not reached, it is tried again. */
const OUTCOMES = ["reached", "not_reached", "wrong_number"].map((name) => ({ name, label: "" }));

/** How it ended: a code, categories, a note. Completes the item. */
export function WrapUp({ item }: { item: ItemView }) {
  const known = useResource("endings", endings);
  const [code, setCode] = useState(item.code);
  const [categories, setCategories] = useState<string[]>(item.categories);
  const [typed, setTyped] = useState("");
  const [note, setNote] = useState("");
  const [wrong, setWrong] = useState<NotForMe | null>(null);
  const [busy, setBusy] = useState(false);
  const list = item.callback ? OUTCOMES : (known.data ?? []);
  const form = useRef<HTMLFormElement>(null);

  // whoever finished by a key chooses by the arrows; words meant for the composer do nothing here
  useLayoutEffect(() => {
    const at = document.activeElement;
    if (!at || at === document.body) form.current?.querySelector<HTMLElement>("input[type=radio]")?.focus();
  }, [list.length]);

  useEffect(() => {
    if (!code && list.length === 1) setCode(list[0]!.name);
  }, [list.length]);

  const addCategory = () => {
    const name = typed.trim();
    if (name && !categories.includes(name)) setCategories([...categories, name]);
    setTyped("");
  };

  const complete = async () => {
    if (busy) return;
    setBusy(true);
    try {
      const all = typed.trim() ? [...categories, typed.trim()] : categories;
      await order<Wrapup>({ t: "wrapup", item: item.id, code, categories: all, note: note.trim(), misrouted: wrong });
      closing.value = null;
      say(t("item.completed", { number: item.number }));
      const here = route.value;
      if (here.kind === "item" && here.id === item.id) closeConversation();
    } catch {
      setBusy(false);
    }
  };

  const suggestions = [...new Set(items.value.flatMap((other) => other.categories))];
  return (
    <form
      ref={form}
      class="wrapup"
      aria-label={t("wrapup")}
      onSubmit={(event) => {
        event.preventDefault();
        void complete();
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          void complete();
        }
        if (event.key === "Escape" && item.state !== "wrapping") closing.value = null;
      }}
    >
      <div class="wrapup-head">
        <div>
          <h2>{t("wrapup")}</h2>
          <p class="muted">{t("wrapup.lead")}</p>
        </div>
        {item.state !== "wrapping" && (
          <button type="button" class="btn quiet icon small" aria-label={t("cancel")} onClick={() => (closing.value = null)}>
            <Icon of={X} />
          </button>
        )}
      </div>
      {known.loading && !known.data && !item.callback ? (
        <Skeleton lines={2} />
      ) : (
        list.length > 0 && (
          <fieldset class="codes">
            <legend class="label">{t("wrapup.code")}</legend>
            {list.map(({ name, label }) => (
              <label key={name} class="code">
                <input type="radio" name="code" value={name} checked={code === name} onChange={() => setCode(name)} />
                <span>{item.callback ? word("outcome", name) : label || name}</span>
              </label>
            ))}
          </fieldset>
        )
      )}
      <div class="wrapup-more">
        <label class="field">
          <span>{t("wrapup.categories")}</span>
          <span class="category-box">
            {categories.map((name) => (
              <span key={name} class="chip">
                {name}
                <button
                  type="button"
                  aria-label={t("tag.remove", { name })}
                  onClick={() => setCategories(categories.filter((other) => other !== name))}
                >
                  <Icon of={X} size={11} />
                </button>
              </span>
            ))}
            <input
              class="input"
              list="known-categories"
              maxLength={60}
              value={typed}
              placeholder={t("wrapup.category_add")}
              onInput={(event) => setTyped(event.currentTarget.value)}
              onKeyDown={(event) => {
                if ((event.key === "Enter" && !event.ctrlKey && typed.trim()) || event.key === ",") {
                  event.preventDefault();
                  addCategory();
                }
              }}
              onBlur={addCategory}
            />
            <datalist id="known-categories">
              {suggestions.map((name) => (
                <option key={name} value={name} />
              ))}
            </datalist>
          </span>
        </label>
        <label class="field">
          <span>{t("wrapup.note")}</span>
          <input
            class="input"
            maxLength={500}
            dir="auto"
            value={note}
            placeholder={t("wrapup.note_hint")}
            onInput={(event) => setNote(event.currentTarget.value)}
          />
        </label>
      </div>
      <NotForMeFields value={wrong} onChange={setWrong} />
      <div class="wrapup-foot">
        <button class="btn primary" disabled={busy || (list.length > 0 && !code)}>
          <Icon of={Check} />
          {busy ? t("wrapup.busy") : t("wrapup.complete")}
          <kbd>Ctrl ⏎</kbd>
        </button>
      </div>
    </form>
  );
}
