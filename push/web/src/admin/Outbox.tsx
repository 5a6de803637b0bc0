import { RotateCw, Send, Trash2 } from "lucide";
import { useState } from "preact/hooks";
import { outbox, settle, type Unsent } from "../api/resources";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import { Kind } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { Table } from "../ui/Table";
import { clock } from "../ui/time";
import { say, sayError } from "../ui/toast";
import { Section } from "./Section";
import { useSettle } from "./useSettle";
import "./outbox.css";

const TONE: Record<string, string> = { failed: "bad", attempting: "info", pending: "warn", sent: "good" };
const STATES = ["", "failed", "pending", "attempting", "sent", "dropped"];
/** Where a person can still do something. */
const OPEN = new Set(["failed", "pending", "attempting"]);

export function Outbox() {
  return (
    <Section title={t("admin.outbox")} lead={t("admin.outbox_lead")}>
      <Unsents />
    </Section>
  );
}

/** What is on its way or failed: looked through by state, one or several tried again or given up. */
export function Unsents() {
  const [state, setState] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [busy, setBusy] = useState(false);
  const list = useResource(`outbox ${state}`, () => outbox(state), 5000);
  const act = useSettle("outbox", list.reload);
  const rows = list.data?.items;
  const there = (rows ?? []).filter(({ id, state }) => chosen.has(id) && OPEN.has(state));
  const choose = (id: string, on: boolean) => {
    const now = new Set(chosen);
    if (on) now.add(id);
    else now.delete(id);
    setChosen(now);
  };
  /** One after the other: what fails is told, the rest goes on. */
  const all = async (what: "retry" | "drop") => {
    if (what === "drop" && !confirm(t("outbox.drop_all_sure", { n: there.length }))) return;
    setBusy(true);
    let done = 0;
    for (const { id } of there) {
      await settle("outbox", id, what).then(() => (done += 1), sayError);
    }
    say(t(what === "retry" ? "outbox.retried_all" : "outbox.dropped_all", { n: done }));
    setChosen(new Set());
    setBusy(false);
    list.reload();
  };
  return (
    <>
      <div class="outbox-bar">
        <label>
          <span>{t("state")}</span>
          <select class="input" value={state} onChange={(event) => setState(event.currentTarget.value)}>
            {STATES.map((one) => (
              <option key={one} value={one}>
                {one ? word("outgoing", one) : t("outbox.open")}
              </option>
            ))}
          </select>
        </label>
        <button class="btn small" disabled={busy || there.length === 0} onClick={() => void all("retry")}>
          <Icon of={RotateCw} size={14} />
          {t("outbox.retry_all", { n: there.length })}
        </button>
        <button class="btn small" disabled={busy || there.length === 0} onClick={() => void all("drop")}>
          <Icon of={Trash2} size={14} />
          {t("outbox.drop_all", { n: there.length })}
        </button>
        <button
          class="btn small quiet"
          disabled={busy || !rows?.some((row) => OPEN.has(row.state))}
          onClick={() => setChosen(new Set(rows?.filter((row) => OPEN.has(row.state)).map(({ id }) => id)))}
        >
          {t("outbox.choose_all")}
        </button>
      </div>
      <Table<Unsent>
        caption={t("admin.outbox")}
        rows={rows}
        from={list}
        id={({ id }) => id}
        empty={t("outbox.none")}
        emptyText={t("outbox.none_text")}
        emptyIcon={Send}
        columns={[
          {
            title: t("outbox.choose"),
            acts: true,
            cell: ({ id, state, address }) =>
              OPEN.has(state) && (
                <input
                  type="checkbox"
                  aria-label={t("outbox.choose_one", { address })}
                  checked={chosen.has(id)}
                  onChange={(event) => choose(id, event.currentTarget.checked)}
                />
              ),
          },
          {
            title: t("to"),
            cell: (row) => (
              <span class="named">
                <Kind kind={row.kind} small />
                <span class="outbox-to">
                  {row.address}
                  {row.number !== null && <span class="muted num"> · #{row.number}</span>}
                </span>
              </span>
            ),
          },
          {
            title: t("state"),
            cell: ({ state, attempts }) => (
              <span class={`chip ${TONE[state] ?? ""}`}>
                {word("outgoing", state)}
                {attempts > 1 && <span class="num"> · {t("outbox.attempts", { n: attempts })}</span>}
              </span>
            ),
          },
          { title: t("reason"), cell: ({ reason }) => reason && <span class="reason">{reason}</span> },
          { title: t("outbox.next"), cell: ({ state, next_at }) => (state === "pending" ? <span class="num">{clock(next_at)}</span> : "") },
          {
            title: t("acts"),
            acts: true,
            cell: ({ id, state }) =>
              OPEN.has(state) && (
                <>
                  <button class="btn small" onClick={() => void act(id, "retry")}>
                    <Icon of={RotateCw} size={14} />
                    {t("retry")}
                  </button>
                  <button class="btn small" onClick={() => void act(id, "drop")}>
                    <Icon of={Trash2} size={14} />
                    {t("drop")}
                  </button>
                </>
              ),
          },
        ]}
      />
    </>
  );
}
