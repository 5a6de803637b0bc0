import { Languages, X } from "lucide";
import { useId, useRef } from "preact/hooks";
import { locale, t } from "../i18n";
import { languageName } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { EXAMPLES, exampled, faultsOf, newRow, PLACEHOLDERS, putIn, type Row, strangersIn } from "./texts";

interface Props {
  label: string;
  rows: Row[];
  onChange(rows: Row[]): void;
  /** What the node says is wrong. */
  wrong?: string | undefined;
  hint?: string;
  lines?: number;
  /** Names that are known here besides those of every text. */
  also?: readonly string[];
  /** Shown below each text with examples for the names in it. */
  preview?: boolean;
}

const COMMON = ["en", "es", "de", "fr", "pt", "it", "nl", "pl", "zh", "ja", "ar", "hi"];

/** A text in several languages, with the names in braces that may stand in it. */
export function TextsField({ label, rows, onChange, wrong, hint, lines = 5, also = [], preview }: Props) {
  const id = useId();
  const box = useRef<HTMLFieldSetElement>(null);
  const last = useRef<number | null>(null);
  const faults = faultsOf(rows);
  const change = (row: Row, part: Partial<Row>) => onChange(rows.map((one) => (one.id === row.id ? { ...one, ...part } : one)));
  const area = (row: number) => box.current?.querySelector<HTMLTextAreaElement>(`[data-row="${row}"]`);

  /** Where the caret was last, else at the end of the first text. */
  const put = (name: string) => {
    const row = rows.find((one) => one.id === last.current) ?? rows[0];
    const field = row && area(row.id);
    if (!row || !field) return;
    const next = putIn(row.text, field.selectionStart, field.selectionEnd, `{${name}}`);
    change(row, { text: next.text });
    requestAnimationFrame(() => {
      field.focus();
      field.setSelectionRange(next.caret, next.caret);
    });
  };
  const add = () => {
    const used = new Set(rows.map(({ tag }) => tag.toLowerCase()));
    const tag = rows.length === 0 ? "" : (COMMON.find((one) => !used.has(one)) ?? "");
    const row = newRow(tag);
    onChange([...rows, row]);
    requestAnimationFrame(() => area(row.id)?.focus());
  };

  return (
    <fieldset ref={box} class="texts" aria-describedby={`${id}-says`}>
      <legend class="label">{label}</legend>
      {rows.map((row) => {
        const fault = faults.get(row.id);
        const strange = strangersIn(row.text, also);
        const shown = row.tag ? languageName(row.tag, locale.value) : t("wording.any_language");
        return (
          <div key={row.id} class="texts-row">
            <div class="texts-head">
              <input
                class="input texts-tag"
                list={`${id}-tags`}
                value={row.tag}
                placeholder="*"
                aria-label={t("wording.tag_of", { name: label })}
                aria-invalid={fault ? true : undefined}
                spellcheck={false}
                autocomplete="off"
                onInput={({ currentTarget }) => change(row, { tag: currentTarget.value.trim() })}
              />
              <span class={fault ? "small wrong" : "muted small"}>{fault ? t(`wording.${fault}`) : shown}</span>
              <button
                type="button"
                class="btn quiet icon small texts-away"
                aria-label={t("wording.remove_language", { name: shown })}
                onClick={() => onChange(rows.filter((one) => one.id !== row.id))}
              >
                <Icon of={X} size={14} />
              </button>
            </div>
            <textarea
              class="input"
              dir="auto"
              rows={lines}
              data-row={row.id}
              value={row.text}
              lang={row.tag || undefined}
              aria-label={`${label}: ${shown}`}
              aria-invalid={wrong || strange.length > 0 ? true : undefined}
              onFocus={() => (last.current = row.id)}
              onInput={({ currentTarget }) => change(row, { text: currentTarget.value })}
            />
            {strange.length > 0 && (
              <small class="wrong" role="status">
                {t("wording.strangers", { names: strange.map((name) => `{${name}}`).join(", ") })}
              </small>
            )}
            {preview && row.text.trim() !== "" && (
              <div class="texts-preview">
                <span class="label">{t("wording.preview")}</span>
                <p dir="auto">{exampled(row.text)}</p>
              </div>
            )}
          </div>
        );
      })}
      <datalist id={`${id}-tags`}>
        {COMMON.map((tag) => (
          <option key={tag} value={tag}>
            {languageName(tag, locale.value)}
          </option>
        ))}
      </datalist>
      <div class="texts-tools">
        <button type="button" class="btn small" onClick={add}>
          <Icon of={Languages} size={14} />
          {rows.length === 0 ? t("wording.write") : t("wording.add_language")}
        </button>
        {rows.length > 0 && (
          <div class="chips" role="group" aria-label={t("wording.placeholders")}>
            {[...also, ...PLACEHOLDERS].map((name) => (
              <button key={name} type="button" class="chip texts-name" title={EXAMPLES[name]} onClick={() => put(name)}>
                {`{${name}}`}
              </button>
            ))}
          </div>
        )}
      </div>
      <small id={`${id}-says`} class={wrong ? "wrong" : "hint"} role={wrong ? "alert" : undefined}>
        {wrong ?? hint ?? t("wording.texts_hint")}
      </small>
    </fieldset>
  );
}
