import { useEffect, useState } from "preact/hooks";
import { type Key, t } from "../../i18n";
import { type Column, Table } from "../../ui/Table";
import { duration, now } from "../../ui/time";
import { type Board, moodOfLevel, moodOfWait, type QueueBoard } from "./board";
import { Meter } from "./Charts";
import { drill, WAITING, WORKED } from "./drill";
import { percent } from "./words";

interface Row extends QueueBoard {
  queue: string;
}

const HERE = { loading: false, error: undefined, reload: () => undefined };

export function QueueTable({ board }: { board: Board }) {
  const rows = Object.entries(board.queues).map(([queue, one]): Row => ({ ...one, queue }));
  return (
    <section class="card board-table" aria-label={t("admin.queues")}>
      <Table caption={t("admin.queues")} rows={rows} from={HERE} id={({ queue }) => queue} empty={t("queue.none")} columns={columns(useNarrow())} />
    </section>
  );
}

const NARROW = matchMedia("(max-width: 1180px)");

/** Where there is little room, a row has what matters most. */
function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(NARROW.matches);
  useEffect(() => {
    const look = () => setNarrow(NARROW.matches);
    NARROW.addEventListener("change", look);
    return () => NARROW.removeEventListener("change", look);
  }, []);
  return narrow;
}

function columns(narrow: boolean): Column<Row>[] {
  const most = whole();
  return narrow ? most.filter(({ title }) => ESSENTIAL.some((key) => t(key) === title)) : most;
}

const ESSENTIAL: Key[] = ["queue", "wallboard.waiting", "wallboard.oldest", "wallboard.level_15", "wallboard.level_today", "wallboard.in_hand", "wallboard.ready", "wallboard.abandoned"];

function whole(): Column<Row>[] {
  return [
    { title: t("queue"), cell: ({ name }) => <b dir="auto">{name}</b>, order: ({ name }) => name },
    { title: t("wallboard.waiting"), cell: (row) => <Waiting row={row} />, order: ({ waiting }) => -waiting },
    { title: t("wallboard.oldest"), cell: (row) => <Oldest row={row} />, order: ({ oldest_at }) => oldest_at ?? null },
    {
      title: t("wallboard.expected"),
      cell: ({ expected }) => <span class="num">{expected === undefined ? "–" : duration(expected * 1000)}</span>,
      order: ({ expected }) => -(expected ?? 0),
    },
    { title: t("wallboard.level_15"), cell: ({ last_15 }) => <LevelCell level={last_15.service_level} />, order: ({ last_15 }) => last_15.service_level ?? null },
    { title: t("wallboard.level_today"), cell: ({ today }) => <LevelCell level={today.service_level} />, order: ({ today }) => today.service_level ?? null },
    { title: t("wallboard.in_hand"), cell: (row) => <InHand row={row} />, order: ({ in_hand }) => -in_hand },
    { title: t("wallboard.ready"), cell: ({ ready, waiting }) => <span class={ready === 0 && waiting > 0 ? "num mood bad" : "num"}>{ready}</span>, order: ({ ready }) => ready },
    { title: t("wallboard.offered"), cell: ({ today }) => <span class="num">{today.offered}</span>, order: ({ today }) => -today.offered },
    { title: t("wallboard.answered"), cell: ({ today }) => <span class="num">{today.answered}</span>, order: ({ today }) => -today.answered },
    { title: t("wallboard.abandoned"), cell: ({ today }) => <span class="num">{today.abandoned}</span>, order: ({ today }) => -today.abandoned },
  ];
}

function Waiting({ row: { queue, name, waiting } }: { row: Row }) {
  return (
    <button
      class="link num count-link"
      aria-label={t("wallboard.waiting_in", { n: waiting, queue: name })}
      onClick={() => (drill.value = { what: "items", states: WAITING, queue, title: t("wallboard.waiting_here", { queue: name }) })}
    >
      {waiting}
    </button>
  );
}

function InHand({ row: { queue, name, in_hand } }: { row: Row }) {
  return (
    <button
      class="link num count-link"
      aria-label={t("wallboard.held_in", { n: in_hand, queue: name })}
      onClick={() => (drill.value = { what: "items", states: WORKED, queue, title: t("wallboard.held_here", { queue: name }) })}
    >
      {in_hand}
    </button>
  );
}

function Oldest({ row: { oldest_at, target } }: { row: Row }) {
  if (!oldest_at) return <span class="num muted">–</span>;
  const waited = Math.max(0, now.value - Date.parse(oldest_at));
  return <span class={`num mood ${moodOfWait(waited / 1000, target)}`}>{duration(waited)}</span>;
}

function LevelCell({ level }: { level: number | undefined }) {
  if (level === undefined) return <span class="muted">–</span>;
  const mood = moodOfLevel(level);
  return (
    <span class="level">
      <span class={`num mood ${mood}`}>{percent(level)}</span>
      <Meter share={level} mood={mood} />
    </span>
  );
}
