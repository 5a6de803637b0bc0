import { CircleCheckBig, CircleDashed, CircleMinus, CirclePower, CircleSlash, FlaskConical, type IconNode, Play } from "lucide";
import { useState } from "preact/hooks";
import { Problem } from "../api/http";
import { type RoutedQueue, type Rule, type Tried, type TryOut, tryRules } from "../api/setup";
import { locale, t, word } from "../i18n";
import type { ChannelKind } from "../protocol";
import { languageName } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { Facts } from "./Facts";
import { type Fact, thenFacts, type Trace, traceOf } from "./words";

const KINDS: ChannelKind[] = ["email", "webchat", "task", "sms", "whatsapp", "telegram", "voice"];

/** What was said, by whom; what happens to an item later cannot be tried with words alone. */
const SAID = ["contact", "message", "reply", "note", "colleague"] as const;

interface Form {
  on: (typeof SAID)[number];
  kind: ChannelKind;
  subject: string;
  body: string;
  language: string;
  sender: string;
  queue: string;
  value: string;
  verified: boolean;
}

const EMPTY: Form = { on: "contact", kind: "email", subject: "", body: "", language: "", sender: "", queue: "", value: "0", verified: false };

type Answer = Tried & Pick<Form, "on">;

interface Props {
  rules: Rule[];
  queues: RoutedQueue[];
  shownAs(name: string): string;
}

/** A contact as it might come, and what the rules would make of it: nothing is filed or sent. */
export function TryOutBox({ rules, queues, shownAs }: Props) {
  const [form, setForm] = useState(EMPTY);
  const [tried, setTried] = useState<Answer | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const change = (part: Partial<Form>) => setForm({ ...form, ...part });

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const asked = contact(form);
      setTried({ ...(await tryRules(asked)), on: form.on });
    } catch (problem) {
      setTried(null);
      setError(problem as Error);
    }
    setBusy(false);
  };

  return (
    <section class="card setup-try" aria-labelledby="try-title">
      <form class="setup-form" onSubmit={(event) => void submit(event)}>
        <h2 id="try-title">
          <Icon of={FlaskConical} size={18} /> {t("try.title")}
        </h2>
        <p class="muted">{t("try.lead")}</p>
        <div class="setup-three">
          <label class="field">
            <span>{t("try.on")}</span>
            <select class="input" value={form.on} onChange={(event) => change({ on: event.currentTarget.value as Form["on"] })}>
              {SAID.map((one) => (
                <option key={one} value={one}>
                  {word("on", one)}
                </option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>{t("try.kind")}</span>
            <select class="input" value={form.kind} onChange={(event) => change({ kind: event.currentTarget.value as ChannelKind })}>
              {KINDS.map((kind) => (
                <option key={kind} value={kind}>
                  {word("kind", kind)}
                </option>
              ))}
            </select>
          </label>
          <Line label={t("try.language")} value={form.language} hint={t("try.language_hint")} wrong={wrong(error, "language")} onChange={(language) => change({ language })} />
        </div>
        <Line label={t("mail.subject")} value={form.subject} wrong={wrong(error, "subject")} onChange={(subject) => change({ subject })} />
        <label class="field">
          <span>{t("try.body")}</span>
          <textarea
            class="input"
            rows={4}
            dir="auto"
            value={form.body}
            placeholder={t("try.body_hint")}
            onInput={(event) => change({ body: event.currentTarget.value })}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void submit(event);
            }}
          />
        </label>
        <details>
          <summary>{t("try.more")}</summary>
          <div class="setup-more">
            <Line label={t("try.sender")} value={form.sender} wrong={wrong(error, "sender")} onChange={(sender) => change({ sender })} />
            <div class="setup-two">
              <label class="field">
                <span>{t("try.queue")}</span>
                <select class="input" value={form.queue} onChange={(event) => change({ queue: event.currentTarget.value })}>
                  <option value="">{t("try.queue_first")}</option>
                  {queues.map(({ name }) => (
                    <option key={name} value={name}>
                      {shownAs(name)}
                    </option>
                  ))}
                </select>
              </label>
              <Line number label={t("try.value")} value={form.value} wrong={wrong(error, "value")} onChange={(value) => change({ value })} />
            </div>
            <label class="check">
              <input type="checkbox" checked={form.verified} onChange={(event) => change({ verified: event.currentTarget.checked })} />
              {t("try.verified")}
            </label>
          </div>
        </details>
        <button class="btn primary" disabled={busy}>
          <Icon of={Play} size={15} />
          {t("try.go")} <kbd>Ctrl ⏎</kbd>
        </button>
      </form>
      <div class="setup-result" aria-live="polite">
        {error && (
          <p class="wrong" role="alert">
            {told(error)}
          </p>
        )}
        {!error && !tried && <p class="muted setup-hint">{t("try.none_yet")}</p>}
        {tried && <Result tried={tried} rules={rules} shownAs={shownAs} />}
      </div>
    </section>
  );
}

function contact(form: Form): TryOut {
  const { on, kind, subject, body, language, sender, queue, value, verified } = form;
  return { on, kind, subject, body, language: language.trim(), sender: sender.trim(), queue, value: Number(value) || 0, verified };
}

function wrong(error: Error | null, field: string): string | undefined {
  return error instanceof Problem ? error.of(field) : undefined;
}

function told(error: Error): string {
  const fields = error instanceof Problem ? error.errors.map(({ field, message }) => `${field}: ${message}`) : [];
  return fields.length > 0 ? fields.join("; ") : error.message;
}

interface LineProps {
  label: string;
  value: string;
  onChange(value: string): void;
  hint?: string;
  wrong?: string | undefined;
  number?: boolean;
}

function Line({ label, value, onChange, hint, wrong: said, number }: LineProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        class="input"
        autocomplete="off"
        dir={number ? undefined : "auto"}
        inputMode={number ? "numeric" : undefined}
        placeholder={hint}
        value={value}
        aria-invalid={said ? true : undefined}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      {said && <small class="wrong">{said}</small>}
    </label>
  );
}

// -- what came of it -------------------------------------------------------------------------

function Result({ tried, rules, shownAs }: { tried: Answer } & Omit<Props, "queues">) {
  const rows = traceOf(rules, tried.looked, tried.on);
  const { queue: _, ...others } = tried.then;
  return (
    <>
      {tried.then.hold ? (
        <h3>{t("try.held", { reason: tried.then.hold })}</h3>
      ) : (
        <h3>{tried.on === "contact" || tried.then.queue ? t("try.goes_to", { queue: shownAs(tried.queue) }) : t("try.stays")}</h3>
      )}
      <Facts of={[...thenFacts(others, shownAs), ...spoken(tried)]} />
      <h4>{t("try.trace")}</h4>
      {rows.length === 0 && <p class="muted">{t("try.no_rules")}</p>}
      <ol class="setup-trace">
        {rows.map((row) => (
          <Row key={row.rule} row={row} />
        ))}
      </ol>
    </>
  );
}

function spoken({ language, then }: Tried): Fact[] {
  return language && !then.language ? [[t("then.language"), languageName(language, locale.value)]] : [];
}

const FATES: Record<Trace["fate"], { icon: IconNode; tone: string }> = {
  decided: { icon: CircleCheckBig, tone: "good" },
  held: { icon: CircleMinus, tone: "held" },
  not: { icon: CircleDashed, tone: "" },
  skipped: { icon: CircleSlash, tone: "" },
  off: { icon: CirclePower, tone: "" },
};

function Row({ row: { rule, fate, because, decided } }: { row: Trace }) {
  const { icon, tone } = FATES[fate];
  return (
    <li class={tone} data-fate={fate}>
      <Icon of={icon} size={16} />
      <span>
        <b>{rule}</b> <span class="setup-fate">{t(`try.fate_${fate}`, { list: decided.map((name) => word("then", name)).join(", ") })}</span>
        {because && <span class="muted small">{because}</span>}
      </span>
    </li>
  );
}
