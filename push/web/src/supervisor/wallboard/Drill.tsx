import { X } from "lucide";
import { useEffect, useRef, useState } from "preact/hooks";
import { setAgentState } from "../../api/resources";
import { useResource } from "../../api/resource";
import { t, word } from "../../i18n";
import type { ItemView } from "../../protocol";
import { Avatar, Kind, Skeleton, whoIs } from "../../ui/bits";
import { Icon } from "../../ui/Icon";
import { serverNow, since } from "../../ui/time";
import { say } from "../../ui/toast";
import { ItemPanel } from "../ItemPanel";
import { type Drill, drill, itemsOf, peopleOf, type Person } from "./drill";

const EVERY = 2000;

/** Beside the wallboard: the items or people behind a number, and one of the items itself. */
export function DrillPanel({ wanted }: { wanted: Drill }) {
  const [open, setOpen] = useState<ItemView | null>(null);
  const panel = useRef<HTMLElement>(null);
  const key = JSON.stringify(wanted);
  useEffect(() => {
    setOpen(null);
    panel.current?.focus();
  }, [key]);
  if (open) return <ItemPanel key={open.id} item={open} onClose={() => setOpen(null)} onActed={() => setOpen(null)} />;
  const close = () => (drill.value = null);
  return (
    <aside
      ref={panel}
      class="panel drill"
      tabIndex={-1}
      aria-label={wanted.title}
      onKeyDown={(event) => event.key === "Escape" && close()}
    >
      <header class="panel-head">
        <div>
          <h2 dir="auto">{wanted.title}</h2>
        </div>
        <button class="btn quiet icon small" aria-label={t("close")} onClick={close}>
          <Icon of={X} />
        </button>
      </header>
      {wanted.what === "items" ? <Items key={key} wanted={wanted} onOpen={setOpen} /> : <People key={key} wanted={wanted} />}
    </aside>
  );
}

function Items({ wanted, onOpen }: { wanted: Extract<Drill, { what: "items" }>; onOpen(item: ItemView): void }) {
  const found = useResource(`drill ${JSON.stringify(wanted)}`, () => itemsOf(wanted, serverNow()), EVERY);
  if (!found.data) return found.error ? <p class="wrong">{found.error.message}</p> : <Skeleton lines={5} />;
  if (found.data.length === 0) return <p class="muted">{t("wallboard.none")}</p>;
  return (
    <ol class="drill-list scroll" tabIndex={0} aria-label={wanted.title}>
      {found.data.map((item) => (
        <li key={item.id}>
          <button class="drill-row" onClick={() => onOpen(item)}>
            <Kind kind={item.kind} small />
            <span class="drill-words">
              <b class="cut" dir="auto">
                {item.subject || t("item.no_subject")}
              </b>
              <span class="muted cut">
                #{item.number} · {whoIs(item, item.customer)} · {item.queue}
                {item.agent && ` · ${item.agent}`}
              </span>
            </span>
            <span class="num">{since(item.queued_at ?? item.created_at)}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}

function People({ wanted }: { wanted: Extract<Drill, { what: "agents" }> }) {
  const found = useResource(`drill ${JSON.stringify(wanted)}`, () => peopleOf(wanted), EVERY);
  if (!found.data) return found.error ? <p class="wrong">{found.error.message}</p> : <Skeleton lines={5} />;
  if (found.data.length === 0) return <p class="muted">{t("wallboard.nobody")}</p>;
  return (
    <ol class="drill-list scroll" tabIndex={0} aria-label={wanted.title}>
      {found.data.map((person) => (
        <PersonRow key={person.agent.name} person={person} onActed={found.reload} />
      ))}
    </ol>
  );
}

function PersonRow({ person: { agent, held }, onActed }: { person: Person; onActed(): void }) {
  const [asking, setAsking] = useState(false);
  const name = agent.display_name || agent.name;
  return (
    <li class="drill-person">
      <Avatar name={name} small />
      <span class="drill-words">
        <b class="cut">{name}</b>
        <span class="muted cut">
          {agent.connected && (agent.presence === "ready" ? t("presence.ready") : word("reason", agent.reason))}
          {agent.site && ` · ${agent.site}`}
        </span>
        {held.map((item) => (
          <a key={item.id} class="cut" dir="auto" href={`#/work/${item.id}`}>
            #{item.number} {item.subject}
          </a>
        ))}
      </span>
      {agent.connected && (
        <button class="btn small" aria-expanded={asking} onClick={() => setAsking(!asking)}>
          {agent.presence === "ready" ? t("wallboard.pause") : t("wallboard.ready_again")}
        </button>
      )}
      {asking && (
        <StateForm
          agent={agent.name}
          state={agent.presence === "ready" ? "not_ready" : "ready"}
          onDone={() => {
            setAsking(false);
            onActed();
          }}
        />
      )}
    </li>
  );
}

function StateForm({ agent, state, onDone }: { agent: string; state: "ready" | "not_ready"; onDone(): void }) {
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      await setAgentState(agent, { state, reason: reason.trim() });
      say(t("wallboard.state_set", { agent }));
      onDone();
    } catch (problem) {
      setError((problem as Error).message);
      setBusy(false);
    }
  };
  return (
    <form class="act-form drill-form" onSubmit={submit}>
      <label class="field">
        <span>{t("reason")}</span>
        <input class="input" required={state === "not_ready"} maxLength={200} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
      {error && (
        <p class="wrong" role="alert">
          {error}
        </p>
      )}
      <button class="btn primary small" disabled={busy || (state === "not_ready" && !reason.trim())}>
        {t(state === "ready" ? "wallboard.ready_again" : "wallboard.pause")}
      </button>
    </form>
  );
}
