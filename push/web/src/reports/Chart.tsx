import type uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Row } from "../api/reports";
import { region, t } from "../i18n";
import { theme } from "../ui/theme";
import { isCount, shown } from "./figures";

interface Props {
  title: string;
  /** When each step begins, in ms, and what happened in it, if anything did. */
  at: number[];
  rows: (Row | undefined)[];
  /** The same steps of the period before. */
  compared?: (Row | undefined)[];
  measures: readonly string[];
  /** Whole days: no hours beside the axis. */
  days: boolean;
  name(measure: string): string;
}

const COLOURS = ["--info", "--accent", "--bad"];
const HEIGHT = 220;

/** Lines over time. The same numbers stand in the table below, for who cannot see them. */
export function Chart({ title, at, rows, compared, measures, days, name }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState(false);
  const look = theme.value;
  const language = region.value;
  useEffect(() => {
    const place = box.current!;
    let plot: uPlot | undefined;
    let gone = false;
    const fit = new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height: HEIGHT }));
    import("uplot").then(
      ({ default: Plot }) => {
        if (gone) return;
        plot = new Plot(options(place, measures, compared !== undefined, days, name), data(at, rows, compared, measures), place);
        fit.observe(place);
      },
      () => setFailed(true),
    );
    return () => {
      gone = true;
      fit.disconnect();
      plot?.destroy();
    };
  }, [at, rows, compared, measures, days, look, language]);
  return (
    <figure class="card report-chart">
      <figcaption>{title}</figcaption>
      {failed ? <p class="muted">{t("report.no_chart")}</p> : <div ref={box} role="img" aria-label={title} />}
    </figure>
  );
}

type Values = (number | null)[];

/** Where nothing happened nothing was counted; a mean of nothing is none. */
function valueOf(row: Row | undefined, measure: string): number | null {
  const value = row?.[measure];
  if (typeof value === "number") return value;
  return row === undefined && isCount(measure) ? 0 : null;
}

function data(at: number[], rows: Props["rows"], compared: Props["compared"], measures: readonly string[]): uPlot.AlignedData {
  const lines: Values[] = measures.map((measure) => rows.map((row) => valueOf(row, measure)));
  if (compared) lines.push(at.map((_, n) => valueOf(compared[n], measures[0]!)));
  return [at.map((ms) => ms / 1000), ...lines] as uPlot.AlignedData;
}

function options(
  place: HTMLElement,
  measures: readonly string[],
  compares: boolean,
  days: boolean,
  name: (measure: string) => string,
): uPlot.Options {
  const colour = (token: string) => getComputedStyle(place).getPropertyValue(token).trim();
  const grid = { stroke: colour("--line"), width: 1 };
  const axis = { stroke: colour("--text-2"), grid, ticks: grid };
  const when = new Intl.DateTimeFormat(region.value, days ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" });
  const label = (seconds: number) => when.format(seconds * 1000);
  const lines: uPlot.Series[] = measures.map((measure, n) => ({
    label: name(measure),
    stroke: colour(COLOURS[n]!),
    width: 2,
    spanGaps: true,
    points: { size: 5 },
    value: (_, value) => shown(measure, value),
  }));
  if (compares) {
    const was = t("report.before", { name: name(measures[0]!) });
    lines.push({ label: was, stroke: colour("--text-3"), width: 1.5, dash: [5, 5], points: { show: false }, value: (_, value) => shown(measures[0]!, value) });
  }
  return {
    width: place.clientWidth || 320,
    height: HEIGHT,
    cursor: { y: false },
    series: [{ label: t("report.time"), value: (_, value) => (value === null ? "–" : label(value)) }, ...lines],
    axes: [
      { ...axis, values: (_, values) => values.map(label) },
      { ...axis, size: 64, values: (_, values) => values.map((value) => shown(measures[0]!, value)) },
    ],
    scales: { y: { range: (_, _low, high) => [0, Math.max(high * 1.1, 1)] } },
  };
}
