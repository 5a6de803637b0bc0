import { SendHorizontal } from "lucide";
import { useState } from "preact/hooks";
import { Problem } from "../api/http";
import { t, word } from "../i18n";
import { Icon } from "../ui/Icon";
import { readStored, writeStored } from "../ui/storage";
import { say } from "../ui/toast";
import { demoMail, demoTask } from "./api";
import { state } from "./life";

interface Words {
  line: string;
  text: string;
}

/** Two fields that survive a reload until what stands in them has been taken. */
function useForm(name: string, send: (line: string, text: string) => Promise<unknown>) {
  const key = `switchroom.demo.${name}`;
  const [words, setWords] = useState<Words>(() => ({ line: "", text: "", ...readStored(key, {}) }));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const change = (part: Partial<Words>) => {
    const next = { ...words, ...part };
    setWords(next);
    writeStored(key, next);
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await send(words.line.trim(), words.text.trim());
      change({ line: "", text: "" });
      say(t("demo.mail_sent"));
    } catch (problem) {
      setError(problem as Error);
    }
    setBusy(false);
  };
  return { words, change, submit, busy, error };
}

/** Mails that show what the house has settled: a rule, a language, a place that is closed. */
const EXAMPLES = ["refund", "spanish", "showroom"] as const;

function Examples({ form }: { form: ReturnType<typeof useForm> }) {
  const [chosen, setChosen] = useState<(typeof EXAMPLES)[number] | null>(null);
  return (
    <div class="demo-examples">
      <span class="label" id="demo-examples">
        {t("demo.try")}
      </span>
      <span class="chips" role="group" aria-labelledby="demo-examples">
        {EXAMPLES.map((name) => (
          <button
            key={name}
            type="button"
            class="btn small"
            onClick={() => {
              setChosen(name);
              form.change({ line: t(`demo.try_${name}_subject`), text: t(`demo.try_${name}_body`) });
            }}
          >
            {t(`demo.try_${name}`)}
          </button>
        ))}
      </span>
      <p class="hint" role="status">
        {chosen && t(`demo.try_${chosen}_then`)}
      </p>
    </div>
  );
}

interface Props {
  examples?: boolean;
  form: ReturnType<typeof useForm>;
  field: string;
  lead: string;
  label: string;
  lineHint: string;
  textHint: string;
  button: string;
}

function Form({ examples, form, field, lead, label, lineHint, textHint, button }: Props) {
  const { words, change, submit, busy, error } = form;
  const wrong = (name: string) => (error instanceof Problem ? error.of(name) : undefined);
  return (
    <form class="demo-form" onSubmit={(event) => void submit(event)}>
      <p class="muted">{lead}</p>
      {examples && <Examples form={form} />}
      <label class="field">
        <span>{label}</span>
        <input class="input" list={undefined} required dir="auto" placeholder={lineHint} value={words.line} onInput={(event) => change({ line: event.currentTarget.value })} />
        {wrong(field) && <small class="wrong">{wrong(field)}</small>}
      </label>
      <label class="field">
        <span>{t("demo.body")}</span>
        <textarea class="input" rows={8} required dir="auto" placeholder={textHint} value={words.text} onInput={(event) => change({ text: event.currentTarget.value })} />
        {wrong("body") && <small class="wrong">{wrong("body")}</small>}
      </label>
      {error && !wrong(field) && !wrong("body") && (
        <p class="wrong" role="alert">
          {error.message}
        </p>
      )}
      <button class="btn primary large" disabled={busy || !words.line.trim() || !words.text.trim()}>
        <Icon of={SendHorizontal} size={18} />
        {button}
      </button>
    </form>
  );
}

export function MailForm() {
  const form = useForm("mail", demoMail);
  return (
    <Form
      examples
      form={form}
      field="subject"
      lead={t("demo.mail_lead")}
      label={t("mail.subject")}
      lineHint={t("demo.mail_subject_hint")}
      textHint={t("demo.mail_body_hint")}
      button={t("demo.mail_send")}
    />
  );
}

export function TaskForm() {
  const form = useForm("task", demoTask);
  const tasks = state.value?.tasks ?? [];
  return (
    <>
      <Form
        form={form}
        field="title"
        lead={t("demo.task_lead")}
        label={t("demo.task_title")}
        lineHint={t("demo.task_title_hint")}
        textHint={t("demo.task_body_hint")}
        button={t("demo.task_send")}
      />
      {tasks.length > 0 && (
        <section class="demo-tasks">
          <h2>{t("demo.tasks")}</h2>
          <ul>
            {tasks.map((task) => (
              <li key={task.id}>
                <span class="num">#{task.number}</span>
                <span class="demo-task">
                  <span class="cut">{task.subject}</span>
                  {task.answer && <span class="muted">{task.answer}</span>}
                </span>
                <span class={task.state === "completed" ? "chip good" : task.state === "assigned" ? "chip info" : "chip"}>
                  {word("state", task.state)}
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
