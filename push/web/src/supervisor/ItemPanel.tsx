import { ArrowLeftRight, CircleCheckBig, Flag, type IconNode, UserCheck, X } from "lucide";
import { useState } from "preact/hooks";
import { Problem } from "../api/http";
import { actOnItem, agents, endings, itemEvents, queues } from "../api/resources";
import { agentName } from "../api/names";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import type { ItemView } from "../protocol";
import { Kind, Skeleton } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { clock } from "../ui/time";
import { say } from "../ui/toast";
import { Why } from "../ui/Why";

type Act = "assign" | "requeue" | "priority" | "close";
const ACTS: { act: Act; icon: IconNode }[] = [
  { act: "assign", icon: UserCheck },
  { act: "requeue", icon: ArrowLeftRight },
  { act: "priority", icon: Flag },
  { act: "close", icon: CircleCheckBig },
];

interface Props {
  item: ItemView;
  onClose(): void;
  onActed(): void;
}

/** One item: its whole trace, and what a supervisor can do about it. */
export function ItemPanel({ item, onClose, onActed }: Props) {
  const [act, setAct] = useState<Act | null>(null);
  const events = useResource(`events ${item.id} ${item.version}`, () => itemEvents(item.id));
  return (
    <aside class="panel" aria-label={`#${item.number}`}>
      <header class="panel-head">
        <Kind kind={item.kind} />
        <div>
          <h2 dir="auto">{item.subject || t("item.no_subject")}</h2>
          <p class="muted">
            #{item.number} · {word("state", item.state)}
            {item.agent && ` · ${agentName(item.agent)}`} · {item.queue}
          </p>
        </div>
        <button class="btn quiet icon small" aria-label={t("close")} onClick={onClose}>
          <Icon of={X} />
        </button>
      </header>
      <div class="panel-acts">
        {ACTS.map(({ act: name, icon }) => (
          <button key={name} class="btn small" aria-pressed={act === name} onClick={() => setAct(act === name ? null : name)}>
            <Icon of={icon} size={14} />
            {t(`act.${name}`)}
          </button>
        ))}
      </div>
      {act && (
        <ActForm
          key={act}
          act={act}
          item={item}
          onDone={() => {
            setAct(null);
            onActed();
          }}
        />
      )}
      <section class="trace-why" tabIndex={0} aria-label={t("why.title")}>
        <h3>{t("why.title")}</h3>
        <Why item={item.id} version={item.version} />
      </section>
      <section class="trace scroll">
        <h3>{t("trace")}</h3>
        {!events.data && events.loading && <Skeleton lines={5} />}
        {events.error && !events.data && <p class="wrong">{events.error.message}</p>}
        <ol>
          {events.data?.items.map((event, index) => (
            <li key={index}>
              <time class="num muted" dateTime={event.at}>
                {clock(event.at)}
              </time>
              <span>{event.text || event.kind.replaceAll("_", " ")}</span>
            </li>
          ))}
        </ol>
      </section>
    </aside>
  );
}

/** What each act asks for besides the reason: the field's name in the request. */
const FIELD = { assign: "agent", requeue: "queue", priority: "priority", close: "code" } as const;

function ActForm({ act, item, onDone }: { act: Act; item: ItemView; onDone(): void }) {
  const field = FIELD[act];
  const [value, setValue] = useState(act === "priority" ? String(item.priority) : act === "requeue" ? item.queue : "");
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const choices = useChoices(act);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await actOnItem(item.id, act, { [field]: act === "priority" ? Number(value) : value, reason: reason.trim() });
      say(t("act.done", { number: item.number }));
      onDone();
    } catch (problem) {
      setError(problem as Error);
      setBusy(false);
    }
  };
  const wrong = error instanceof Problem ? error.of(field) : undefined;
  return (
    <form class="act-form" onSubmit={submit}>
      <label class="field">
        <span>{t(field === "code" ? "wrapup.code" : field)}</span>
        {act === "priority" ? (
          <input
            class="input"
            type="number"
            min={-100}
            max={100}
            list={undefined}
            value={value}
            onInput={(event) => setValue(event.currentTarget.value)}
          />
        ) : (
          <select class="input" required value={value} onChange={(event) => setValue(event.currentTarget.value)}>
            <option value="">{t("choose")}</option>
            {choices.map(({ name, label }) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        )}
        {wrong && <small class="wrong">{wrong}</small>}
      </label>
      <label class="field">
        <span>{t("reason")}</span>
        <input
          class="input"
          required
          list={undefined}
          maxLength={500}
          value={reason}
          placeholder={t("act.reason_hint")}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </label>
      {error && !wrong && (
        <p class="wrong" role="alert">
          {error.message}
        </p>
      )}
      <button class={act === "close" ? "btn danger" : "btn primary"} disabled={busy || !reason.trim() || value === ""}>
        {t(`act.${act}`)}
      </button>
    </form>
  );
}

function useChoices(act: Act): { name: string; label: string }[] {
  const people = useResource(act === "assign" ? "agents" : null, agents);
  const places = useResource(act === "requeue" ? "queues" : null, queues);
  const ends = useResource(act === "close" ? "endings" : null, endings);
  if (act === "assign") {
    return (people.data?.items ?? [])
      .filter(({ active }) => active)
      .map(({ name, display_name, connected, presence, reason }) => {
        const how = !connected ? t("presence.away") : presence === "ready" ? t("presence.ready") : word("reason", reason);
        return { name, label: `${display_name || name} (${how})` };
      });
  }
  if (act === "requeue") return (places.data?.items ?? []).map((q) => ({ name: q.name, label: q.display_name || q.name }));
  return (ends.data ?? []).map(({ name, label }) => ({ name, label: label || name }));
}
