import { Route } from "lucide";
import { useMemo, useState } from "preact/hooks";
import { agentName } from "../api/names";
import { misroutedReasons, type MisroutedBy, type Misrouting, routingReport, skills } from "../api/resources";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import { useQueues } from "../setup/useNames";
import { type Column, Table } from "../ui/Table";
import { clock } from "../ui/time";
import { addressOf } from "./address";

const EVERY = 30_000;
const DAY = 86_400_000;
const PERIODS = [1, 7, 30, 90] as const;
/** What the lines can be about; all of it at once says most. */
const VIEWS: Record<"all" | "rule" | "queue" | "reason" | "right", readonly MisroutedBy[]> = {
  all: ["queue", "rule", "reason", "right_queue", "right_skill"],
  queue: ["queue"],
  rule: ["rule"],
  reason: ["reason"],
  right: ["right_queue", "right_skill"],
};
type View = keyof typeof VIEWS;

/** What agents said was not for them, and what had led it there. */
export function Misrouted() {
  const [days, setDays] = useState<number>(7);
  const [view, setView] = useState<View>("all");
  const by = VIEWS[view];
  const report = useResource(
    `misrouted ${days} ${view}`,
    () => routingReport(new Date(Date.now() - days * DAY).toISOString(), by),
    EVERY,
  );
  const names = useWords();
  const columns = useMemo(() => columnsOf(by, names), [by, names]);
  return (
    <>
      <div class="board-tools report-tools">
        <div class="seg" role="tablist" aria-label={t("misrouted.by")}>
          {(Object.keys(VIEWS) as View[]).map((name) => (
            <button key={name} role="tab" aria-selected={view === name} onClick={() => setView(name)}>
              {t(`misrouted.by_${name}`)}
            </button>
          ))}
        </div>
        <select
          class="input"
          aria-label={t("misrouted.period")}
          value={days}
          onChange={(event) => setDays(Number(event.currentTarget.value))}
        >
          {PERIODS.map((n) => (
            <option key={n} value={n}>
              {t(n === 1 ? "misrouted.day" : "misrouted.days", { n })}
            </option>
          ))}
        </select>
        {report.data && report.data.told > 0 && (
          <span class="muted num report-sum" role="status">
            {t("misrouted.sum", { n: report.data.told })}
          </span>
        )}
      </div>
      <div class="card board-table">
        <Table
          caption={t("misrouted.title")}
          rows={report.data?.lines}
          from={report}
          id={(line) => by.map((name) => line[name]).join("\n")}
          columns={columns}
          empty={t("misrouted.none")}
          emptyText={t("misrouted.none_text")}
          emptyIcon={Route}
        />
      </div>
    </>
  );
}

interface Words {
  queue(name: string): string;
  reason(name: string): string;
  skill(name: string): string;
}

function useWords(): Words {
  const { shownAs: queue } = useQueues();
  const said = useResource("misrouted reasons", misroutedReasons);
  const known = useResource("skills", skills);
  return {
    queue,
    reason: (name) => said.data?.items.find((one) => one.name === name)?.label || word("misrouted_reason", name),
    skill: (name) => known.data?.items.find((one) => one.name === name)?.label || name,
  };
}

function columnsOf(by: readonly MisroutedBy[], words: Words): Column<Misrouting>[] {
  const dash = <span class="muted">–</span>;
  const cells: Record<MisroutedBy, Column<Misrouting>> = {
    queue: { title: t("misrouted.queue"), cell: ({ queue }) => words.queue(queue), order: ({ queue }) => words.queue(queue) },
    rule: {
      title: t("misrouted.rule"),
      cell: ({ rule }) => (rule ? <a href="#/rules">{rule}</a> : <span class="muted">{t("misrouted.no_rule")}</span>),
      order: ({ rule }) => rule,
    },
    reason: { title: t("reason"), cell: ({ reason }) => words.reason(reason), order: ({ reason }) => words.reason(reason) },
    right_queue: {
      title: t("misrouted.right_queue"),
      cell: ({ right_queue }) => (right_queue ? words.queue(right_queue) : dash),
      order: ({ right_queue }) => right_queue,
    },
    right_skill: {
      title: t("misrouted.right_skill"),
      cell: ({ right_skill }) => (right_skill ? words.skill(right_skill) : dash),
      order: ({ right_skill }) => right_skill,
    },
  };
  return [
    ...by.map((name) => cells[name]),
    {
      title: t("misrouted.told"),
      cell: ({ told }) => <b class="num">{told}</b>,
      order: ({ told }) => -told,
    },
    {
      title: t("misrouted.latest"),
      cell: ({ latest }) => (
        <span class="report-items">
          {latest.map((one) => (
            <a
              key={`${one.item} ${one.at}`}
              class="chip"
              href={addressOf(one.item)}
              title={`${agentName(one.agent)} · ${clock(one.at)} · ${word("misrouted_how", one.how)} · ${one.decision}`}
            >
              #{one.number}
            </a>
          ))}
        </span>
      ),
    },
  ];
}
