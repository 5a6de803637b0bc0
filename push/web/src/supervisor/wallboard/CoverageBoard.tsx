import { t } from "../../i18n";
import { Kind } from "../../ui/bits";
import { since } from "../../ui/time";
import { type Board, byGravity, type Cover, coverageOf } from "./board";
import { drill, WAITING } from "./drill";

const MOST = 40;

/** Who waits, by what is asked for, beside who may take it; what nobody can take comes first. */
export function CoverageBoard({ board }: { board: Board }) {
  const rows = Object.entries(board.coverage).sort(([, a], [, b]) => byGravity(a, b));
  const bare = rows.filter(([, row]) => coverageOf(row) === "nobody").reduce((sum, [, row]) => sum + row.waiting, 0);
  return (
    <section class="card wall-part" aria-label={t("wallboard.coverage")}>
      <h2>{t("wallboard.coverage")}</h2>
      <p class={bare ? "cover-sum mood bad" : "cover-sum muted"} role="status">
        {rows.length === 0 ? t("wallboard.nobody_waits") : bare ? t("wallboard.uncovered", { n: bare }) : t("wallboard.all_covered")}
      </p>
      <ul class="covers">
        {rows.slice(0, MOST).map(([key, row]) => (
          <li key={key}>
            <CoverRow row={row} name={board.queues[row.queue]?.name ?? row.queue} />
          </li>
        ))}
      </ul>
      {rows.length > MOST && <p class="muted">{t("wallboard.more_needs", { n: rows.length - MOST })}</p>}
    </section>
  );
}

function CoverRow({ row, name }: { row: Cover; name: string }) {
  const state = coverageOf(row);
  const asked = Object.entries(row.skills).map(([skill, level]) => (level > 1 ? `${skill} ${level}` : skill));
  return (
    <button
      class={`cover ${state}`}
      onClick={() => (drill.value = { what: "items", states: WAITING, queue: row.queue, kind: row.kind, title: t("wallboard.waiting_here", { queue: name }) })}
    >
      <Kind kind={row.kind} small />
      <span class="cover-what">
        <span class="cut" dir="auto">
          {name}
        </span>
        <span class="cover-skills">
          {asked.map((skill) => (
            <span key={skill} class="chip">
              {skill}
            </span>
          ))}
          {row.languages.length > 0 && <span class="chip info">{row.languages.join(" / ")}</span>}
          {asked.length + row.languages.length === 0 && <span class="muted">{t("wallboard.no_skill")}</span>}
        </span>
      </span>
      <span class="cover-wait">
        <b class="num">{t("wallboard.wait_n", { n: row.waiting })}</b>
        <span class="muted num">{since(row.oldest_at)}</span>
      </span>
      <span class="cover-who">
        {state === "nobody" ? t("wallboard.cover_nobody") : t(state === "busy" ? "wallboard.cover_busy" : "wallboard.cover_ready", { ready: row.ready, all: row.signed_in })}
      </span>
    </button>
  );
}
