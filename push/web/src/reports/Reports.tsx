import { CloudOff, Download, LineChart } from "lucide";
import { useMemo, useState } from "preact/hooks";
import { agentName } from "../api/names";
import { behind, type Behind, DIMENSIONS, type Dimension, intervals, reportFile, type Report, type Row, type Span } from "../api/reports";
import { type Resource, useResource } from "../api/resource";
import { type Key, t, word } from "../i18n";
import { useQueues } from "../setup/useNames";
import { addressOf } from "../supervisor/address";
import { Empty, Skeleton } from "../ui/bits";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { type Column, Table } from "../ui/Table";
import { clock } from "../ui/time";
import { sayError } from "../ui/toast";
import { Chart } from "./Chart";
import { change, COUNTED, FIGURES, LEVELS, SHOWN, shown, TABLE } from "./figures";
import { before, type Period, PERIODS, spanOf, stepOf, stepsOf } from "./periods";
import "./reports.css";

const LINES = ["offered", "answered", "abandoned"] as const;
const WAITS = ["asa", "wait_p90"] as const;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const name = (measure: string) => t(`measure.${measure}` as Key);

interface Found {
  span: Span;
  past: Span;
  step: "1h" | "1d";
  total: Row | undefined;
  was: Row | undefined;
  series: Report;
  earlier: Report | undefined;
  as_of: string | null;
}

/** What happened in a period, against the one before, down to the items behind a number. */
export function Reports() {
  const [period, setPeriod] = useState<Period>("d7");
  const [compares, setCompares] = useState(true);
  const [by, setBy] = useState<Dimension>("queue");
  const found = useResource(`report ${period} ${compares}`, () => load(period, compares));
  const lines = useResource(`report ${period} by ${by}`, () =>
    intervals({ ...spanOf(period, Date.now()), step: "all", zone, measures: TABLE, by }),
  );
  const [drilled, setDrilled] = useState<{ measure: string; value: string; span: Span } | null>(null);
  const { shownAs } = useQueues();
  const called = (value: string) => {
    if (!value) return t("report.none_of");
    if (by === "queue") return shownAs(value);
    return by === "agent" ? agentName(value) : value;
  };
  const save = async () => {
    try {
      const file = await reportFile({ ...spanOf(period, Date.now()), step: stepOf(period), zone, measures: SHOWN, by });
      const url = URL.createObjectURL(file);
      Object.assign(document.createElement("a"), { href: url, download: "switchroom-report.csv" }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <>
      <div class="board-tools report-tools">
        <div class="seg" role="group" aria-label={t("report.period")}>
          {PERIODS.map((one) => (
            <button key={one} aria-pressed={period === one} onClick={() => setPeriod(one)}>
              {t(`report.${one}`)}
            </button>
          ))}
        </div>
        <label class="report-check">
          <input type="checkbox" checked={compares} onChange={(event) => setCompares(event.currentTarget.checked)} />
          {t("report.compare")}
        </label>
        <button class="btn" onClick={() => void save()}>
          <Icon of={Download} size={15} />
          CSV
        </button>
        {found.data?.as_of && <span class="muted report-sum">{t("report.as_of", { time: clock(found.data.as_of) })}</span>}
      </div>
      <Overview found={found} />
      <section class="card board-table" aria-label={t("report.lines")}>
        <div class="report-by">
          <h2>{t("report.lines")}</h2>
          <select class="input" aria-label={t("report.by")} value={by} onChange={(event) => setBy(event.currentTarget.value as Dimension)}>
            {DIMENSIONS.map((one) => (
              <option key={one} value={one}>
                {t(`report.by_${one}`)}
              </option>
            ))}
          </select>
        </div>
        <Table
          caption={t("report.lines")}
          rows={lines.data?.items.filter((row) => TABLE.some((measure) => row[measure]))}
          from={lines}
          id={(row) => String(row[by])}
          columns={columns(by, called, (measure, value) => setDrilled({ measure, value, span: spanOf(period, Date.now()) }))}
          empty={t("report.nothing")}
          emptyText={t("report.nothing_text")}
          emptyIcon={LineChart}
        />
      </section>
      {drilled && <Items {...drilled} by={by} queueName={shownAs} title={`${name(drilled.measure)}: ${called(drilled.value)}`} onClose={() => setDrilled(null)} />}
    </>
  );
}

async function load(period: Period, compares: boolean): Promise<Found> {
  const span = spanOf(period, Date.now());
  const past = before(period, span);
  const wish = { zone, measures: SHOWN };
  const [total, series, was, earlier] = await Promise.all([
    intervals({ ...span, ...wish, step: "all" }),
    intervals({ ...span, ...wish, step: stepOf(period) }),
    compares ? intervals({ ...past, ...wish, step: "all" }) : undefined,
    compares ? intervals({ ...past, ...wish, step: stepOf(period) }) : undefined,
  ]);
  return { span, past, step: stepOf(period), total: total.items[0], was: was?.items[0], series, earlier, as_of: total.as_of };
}

function Overview({ found }: { found: Resource<Found> }) {
  const data = found.data;
  const lines = useMemo(() => data && linesOf(data), [data]);
  if (!data || !lines) {
    if (!found.error) return <Skeleton lines={5} />;
    return (
      <Empty icon={CloudOff} title={t("list.failed")} text={found.error.message}>
        <button class="btn" onClick={found.reload}>
          {t("retry")}
        </button>
      </Empty>
    );
  }
  const { total, was } = data;
  if (!total) return null;
  const days = data.step === "1d";
  return (
    <>
      <dl class="figures report-figures">
        {FIGURES.map((figure) => (
          <Figure key={figure.name} measure={figure.name} beside={figure.beside} total={total} was={was} />
        ))}
        <div class="card figure">
          <dt>{t("report.levels")}</dt>
          {LEVELS.map((level) => (
            <dd key={level} class="report-level">
              <span>{name(level)}</span> <b class="num">{shown(level, total[level])}</b>
            </dd>
          ))}
          {total[LEVELS[0]] === null && <dd class="report-level">{t("report.no_target")}</dd>}
        </div>
      </dl>
      <div class="report-charts">
        <Chart title={t("report.chart_work")} {...lines} measures={LINES} days={days} name={name} />
        <Chart title={t("report.chart_wait")} at={lines.at} rows={lines.rows} measures={WAITS} days={days} name={name} />
      </div>
    </>
  );
}

function linesOf({ span, past, step, series, earlier }: Found) {
  const at = stepsOf(span, step);
  const compared = earlier && placed(earlier.items, stepsOf(past, step));
  return { at, rows: placed(series.items, at), compared };
}

/** What happened in each step; nothing, where there is no row. */
function placed(rows: Row[], at: number[]): (Row | undefined)[] {
  const known = new Map(rows.map((row) => [Date.parse(row.from), row]));
  return at.map((ms) => known.get(ms));
}

function Figure({ measure, beside, total, was }: { measure: string; beside: readonly string[]; total: Row; was: Row | undefined }) {
  const moved = change(measure, total[measure], was?.[measure]);
  return (
    <div class="card figure">
      <dt>{name(measure)}</dt>
      <dd class="num">
        {shown(measure, total[measure])}{" "}
        {moved && (
          <span class={moved.good === null ? "chip" : moved.good ? "chip good" : "chip bad"} title={t("report.was", { value: shown(measure, was?.[measure]) })}>
            {moved.text}
          </span>
        )}
      </dd>
      {beside.map((other) => (
        <dd key={other} class="report-level">
          <span>{name(other)}</span> <b class="num">{shown(other, total[other])}</b>
        </dd>
      ))}
    </div>
  );
}

function columns(by: Dimension, called: (value: string) => string, drill: (measure: string, value: string) => void): Column<Row>[] {
  return [
    { title: t(`report.by_${by}`), cell: (row) => <b>{called(String(row[by]))}</b>, order: (row) => called(String(row[by])) },
    ...TABLE.map((measure): Column<Row> => ({
      title: name(measure),
      order: (row) => row[measure] as number | null,
      cell: (row) =>
        COUNTED.has(measure) && row[measure] && row[by] ? (
          <button class="report-drill num" onClick={() => drill(measure, String(row[by]))} aria-label={t("report.drill", { name: name(measure), value: shown(measure, row[measure]) })}>
            {shown(measure, row[measure])}
          </button>
        ) : (
          <span class="num">{shown(measure, row[measure])}</span>
        ),
    })),
  ];
}

function Items({ measure, value, span, by, title, queueName, onClose }: { queueName(name: string): string; measure: string; value: string; span: Span; by: Dimension; title: string; onClose(): void }) {
  const found = useResource(`behind ${measure} ${by} ${value} ${span.to}`, () => behind(span, measure, by, value));
  return (
    <Dialog title={title} onClose={onClose} wide>
      <Table
        caption={title}
        rows={found.data?.items}
        from={found}
        id={(one: Behind) => one.item}
        empty={t("report.nothing")}
        columns={[
          { title: t("report.number"), cell: (one) => <a href={addressOf(one.item)} onClick={onClose}>#{one.number}</a>, order: (one) => one.number },
          { title: t("report.came"), cell: (one) => clock(one.created_at), order: (one) => one.created_at },
          { title: t("queue"), cell: (one) => queueName(one.queue) },
          { title: t("agent"), cell: (one) => (one.agent ? agentName(one.agent) : "–") },
          { title: t("state"), cell: (one) => (one.outcome ? word("state", one.outcome) : t("report.open")) },
        ]}
      />
    </Dialog>
  );
}
