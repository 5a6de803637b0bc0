import { MailOpen } from "lucide";
import { useEffect, useState } from "preact/hooks";
import { EditDialog, TextField } from "../admin/EditDialog";
import { Problem } from "../api/http";
import { useResource } from "../api/resource";
import { letters, tryLetter, type Letter } from "../api/wordings";
import { locale, t, type Key } from "../i18n";
import { useQueues } from "../setup/useNames";
import { languageName } from "../ui/bits";
import { Chosen } from "./Chosen";
import { TextsField } from "./TextsField";
import { type EditorProps, Names, Tags, Words } from "./Words";
import { EXAMPLES, faultsOf, languagesOf, type Row, rowsOf, textsFrom } from "./texts";
import { useWords } from "./useWords";

const PARTS = ["opening", "closing", "signature", "html"] as const;
type Part = (typeof PARTS)[number];

export function LettersPart() {
  const list = useResource("letters", letters);
  return (
    <Words<Letter>
      kind="letters"
      icon={MailOpen}
      list={list}
      columns={[
        { title: t("name"), order: ({ name }) => name, cell: ({ name }) => <b>{name}</b> },
        { title: t("admin.queues"), cell: ({ queues }) => <Names names={queues} /> },
        {
          title: t("wording.parts"),
          cell: (letter) => (
            <span class="chips">
              {PARTS.filter((part) => letter[part] !== null).map((part) => (
                <span key={part} class="chip">
                  {t(`wording.${part}`)}
                </span>
              ))}
              {letter.quote && <span class="chip">{t("wording.quotes")}</span>}
            </span>
          ),
        },
        { title: t("wording.languages"), cell: ({ opening, closing, signature, html }) => <Tags tags={languagesOf(opening, closing, signature, html)} /> },
      ]}
      Editor={LetterDialog}
    />
  );
}

interface Form extends Record<Part, Row[]> {
  name: string;
  queues: string[];
  quote: boolean;
}

const partsOf = (form: Form) => Object.fromEntries(PARTS.map((part) => [part, textsFrom(form[part])])) as Pick<Letter, Part>;

function LetterDialog({ one, known, onClose, onDone }: EditorProps<Letter>) {
  const [form, setForm] = useState<Form>({
    name: one?.name ?? "",
    queues: one?.queues ?? [],
    opening: rowsOf(one?.opening ?? null),
    closing: rowsOf(one?.closing ?? null),
    signature: rowsOf(one?.signature ?? null),
    html: rowsOf(one?.html ?? null),
    quote: one?.quote ?? false,
  });
  const change = (part: Partial<Form>) => setForm({ ...form, ...part });
  const { list: queues } = useQueues();
  const words = useWords("letters", form, known, onDone, onClose);
  const { name, wrong } = words;
  const faulty = PARTS.some((part) => faultsOf(form[part]).size > 0);
  return (
    <EditDialog
      wide
      title={one ? t("edit.of", { name: one.name }) : t("wording.letters_add")}
      busy={words.busy}
      problem={words.general}
      ready={name !== "" && !words.taken && !faulty}
      onClose={words.close}
      onRemove={one ? () => void words.remove() : undefined}
      onSave={() => void words.save(name, { name, queues: form.queues, quote: form.quote, ...partsOf(form) })}
    >
      <p class="muted">{t("wording.letter_says")}</p>
      <TextField label={t("name")} value={form.name} locked={one !== null} wrong={words.taken ?? wrong("name")} hint={t("wording.name_hint")} onChange={(text) => change({ name: text })} />
      <Chosen
        label={t("admin.queues")}
        known={(queues.data?.items ?? []).map(({ name, display_name }) => ({ name, shown: display_name || name }))}
        chosen={form.queues}
        hint={t("wording.letter_queues_hint")}
        wrong={wrong("queues")}
        onChange={(names) => change({ queues: names })}
      />
      {PARTS.map((part) => (
        <div key={part} class="letter-edit">
          <TextsField
            label={t(`wording.${part}`)}
            rows={form[part]}
            lines={part === "html" ? 6 : part === "signature" ? 3 : 2}
            also={part === "html" ? ["answer", "signature"] : []}
            wrong={wrong(part)}
            hint={t(form[part].length > 0 ? `wording.${part}_hint` : `wording.${part}_default`)}
            onChange={(rows) => change({ [part]: rows })}
          />
          {form[part].length > 0 && (
            <button type="button" class="btn quiet small" onClick={() => change({ [part]: [] })}>
              {t("wording.restore", { name: t(`wording.${part}`) })}
            </button>
          )}
        </div>
      ))}
      <label class="check">
        <input type="checkbox" checked={form.quote} onChange={({ currentTarget }) => change({ quote: currentTarget.checked })} />
        {t("wording.quote_long")}
      </label>
      <Preview name={name || "new"} form={form} />
    </EditDialog>
  );
}

/** The whole mail as the node would send it, with examples for the names in braces. */
function Preview({ name, form }: { name: string; form: Form }) {
  const tags = languagesOf(...PARTS.map((part) => textsFrom(form[part])));
  const [chosen, setChosen] = useState("");
  const language = tags.includes(chosen) ? chosen : (tags[0] ?? "");
  const wish = JSON.stringify({ letter: partsOf(form), said: t("wording.preview_said"), language, values: EXAMPLES });
  const settled = useSettled(wish, 400);
  const mail = useResource(`letter ${name} ${settled}`, () => tryLetter(name, JSON.parse(settled)));
  const [kept, setKept] = useState(mail.data);
  useEffect(() => {
    if (mail.data) setKept(mail.data);
  }, [mail.data]);
  const problem = mail.error instanceof Problem ? (mail.error.errors[0]?.message ?? mail.error.message) : mail.error?.message;
  return (
    <section class="letter-preview" aria-label={t("wording.preview")}>
      <div class="letter-preview-head">
        <h3 class="label">{t("wording.preview")}</h3>
        {tags.length > 1 && (
          <select class="input" aria-label={t("language")} value={language} onChange={({ currentTarget }) => setChosen(currentTarget.value)}>
            {tags.map((tag) => (
              <option key={tag} value={tag}>
                {tag ? languageName(tag, locale.value) : t("wording.any_language")}
              </option>
            ))}
          </select>
        )}
      </div>
      {problem && (
        <p class="wrong small" role="status">
          {problem}
        </p>
      )}
      {kept && <pre class="raw" dir="auto">{kept.body}</pre>}
      {kept?.html && <iframe class="letter-frame" title={t("wording.preview_html" as Key)} sandbox="" srcdoc={kept.html} referrerpolicy="no-referrer" />}
      {form.quote && <p class="muted small">{t("wording.quote_below")}</p>}
    </section>
  );
}

/** A value that has stayed the same for `ms`: not every letter is a question to the node. */
function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
