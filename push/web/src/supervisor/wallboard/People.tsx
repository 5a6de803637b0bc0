import { t, word } from "../../i18n";
import type { ChannelKind } from "../../protocol";
import { Kind } from "../../ui/bits";
import type { Board } from "./board";
import { drill, type StaffState, WAITING } from "./drill";

const STATES: StaffState[] = ["ready", "busy", "wrap_up", "not_ready", "closed", "offline"];
/** Of these there always is a line; the others when somebody is in that state. */
const ALWAYS: ReadonlySet<StaffState> = new Set(["ready", "busy", "wrap_up", "not_ready"]);

/** Agents by state, and what kinds of contact there are. */
export function People({ board: { agents, kinds } }: { board: Board }) {
  const here = STATES.filter((state) => state !== "offline").reduce((sum, state) => sum + agents[state], 0);
  const show = (state: StaffState, title: string, reason?: string) =>
    (drill.value = { what: "agents", state, title, ...(reason === undefined ? {} : { reason }) });
  return (
    <section class="card wall-part" aria-label={t("wallboard.people")}>
      <h2>{t("wallboard.people")}</h2>
      <div class="stack" aria-hidden="true">
        {STATES.filter((state) => state !== "offline").map((state) => (
          <span key={state} class={`stack-${state}`} style={{ flexGrow: here ? agents[state] : 0 }} />
        ))}
      </div>
      <ul class="wall-lines">
        {STATES.filter((state) => ALWAYS.has(state) || agents[state] > 0).map((state) => (
          <li key={state}>
            <button class="wall-line" onClick={() => show(state, t(`wallboard.${state}`))}>
              <span class={`dot stack-${state}`} aria-hidden="true" />
              <span>{t(`wallboard.${state}`)}</span>
              <b class="num">{agents[state]}</b>
            </button>
            {state === "not_ready" && (
              <ul class="wall-reasons">
                {Object.entries(agents.reasons).map(([reason, count]) => (
                  <li key={reason}>
                    <button class="chip" onClick={() => show("not_ready", `${t("wallboard.not_ready")}: ${word("reason", reason)}`, reason)}>
                      {word("reason", reason) || t("wallboard.no_reason")} <b class="num">{count}</b>
                    </button>
                  </li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ul>
      <h2>{t("wallboard.mix")}</h2>
      <Kinds kinds={kinds} />
    </section>
  );
}

function Kinds({ kinds }: { kinds: Board["kinds"] }) {
  const rows = Object.entries(kinds) as [ChannelKind, NonNullable<Board["kinds"][ChannelKind]>][];
  const most = Math.max(1, ...rows.map(([, { waiting, in_hand }]) => waiting + in_hand));
  if (rows.length === 0) return <p class="muted">{t("wallboard.none")}</p>;
  return (
    <ul class="wall-lines">
      {rows.map(([kind, { waiting, in_hand, today }]) => (
        <li key={kind}>
          <button class="wall-line mix" onClick={() => (drill.value = { what: "items", states: WAITING, kind, title: t("wallboard.waiting_kind", { kind: t(`kind.${kind}`) }) })}>
            <Kind kind={kind} small />
            <span class="mix-bar" aria-hidden="true">
              <span style={{ inlineSize: `${(waiting / most) * 100}%`, background: `var(--${kind})` }} />
              <span style={{ inlineSize: `${(in_hand / most) * 100}%`, background: `var(--${kind})`, opacity: 0.4 }} />
            </span>
            <span class="num mix-words">{t("wallboard.mix_words", { waiting, in_hand, today })}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
