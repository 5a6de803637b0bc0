import { Maximize2, Minimize2, WifiOff } from "lucide";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { session } from "../../api/session";
import { t } from "../../i18n";
import { Skeleton } from "../../ui/bits";
import { Icon } from "../../ui/Icon";
import { clock, duration, serverNow, now } from "../../ui/time";
import { Alarms } from "./Alarms";
import { type Board, type Mood, moodOfLevel } from "./board";
import { Meter, Spark } from "./Charts";
import { CoverageBoard } from "./CoverageBoard";
import { DrillPanel } from "./Drill";
import { type Drill, drill, OPEN, WAITING, WORKED } from "./drill";
import { freshness, refused, shown, watch } from "./live";
import { NodeList } from "./NodeList";
import { People } from "./People";
import { QueueTable } from "./QueueTable";
import { percent } from "./words";
import "./wallboard.css";

/** How it is just now in the whole installation; each number leads to what is behind it. */
export function Wallboard() {
  const token = session.value?.token;
  const [big, setBig] = useState(false);
  useEffect(() => (token ? watch(token) : undefined), [token]);
  useEffect(() => {
    const left = () => document.fullscreenElement === null && setBig(false);
    document.addEventListener("fullscreenchange", left);
    return () => document.removeEventListener("fullscreenchange", left);
  }, []);
  const enlarge = () => {
    setBig(!big);
    drill.value = null;
    const asked = big ? (document.fullscreenElement ? document.exitFullscreen() : null) : document.documentElement.requestFullscreen?.();
    asked?.catch(() => undefined); // it is big in the window then
  };
  const current = shown.value;
  return (
    <div class={big ? "wallboard big" : "wallboard"} data-fresh={freshness.value}>
      <div class="wall-head">
        <Freshness />
        <button class="btn small" aria-pressed={big} onClick={enlarge}>
          <Icon of={big ? Minimize2 : Maximize2} size={14} />
          {t(big ? "wallboard.small" : "wallboard.big")}
        </button>
      </div>
      {current ? <Figures board={current.board} /> : refused.value ? null : <Skeleton lines={8} />}
    </div>
  );
}

/** Beside the page, as tall as it: see `App`. */
export function WallboardAside() {
  return drill.value && <DrillPanel wanted={drill.value} />;
}

/** Honest about the connection: how fresh what stands here is. */
function Freshness() {
  const current = shown.value;
  if (refused.value && !current) {
    return (
      <p class="wall-fresh stale" role="alert">
        <Icon of={WifiOff} size={15} /> {refused.value}
      </p>
    );
  }
  const state = freshness.value;
  return (
    <p class={`wall-fresh ${state}`} role="status">
      {state === "stale" ? <Icon of={WifiOff} size={15} /> : <span class="pulse" aria-hidden="true" />}
      {state === "waiting" && t("wallboard.connecting")}
      {state === "live" && t(current!.every > 1 ? "wallboard.live_slow" : "wallboard.live", { n: current!.every })}
      {state === "stale" && t("wallboard.stale", { time: clock(current!.at), ago: duration(serverNow() - Date.parse(current!.at)) })}
    </p>
  );
}

function Figures({ board }: { board: Board }) {
  const { total, agents } = board;
  const waited = total.oldest_at ? Math.max(0, now.value - Date.parse(total.oldest_at)) : 0;
  const owed = total.callbacks + total.promises;
  const late = total.callbacks_late + total.promises_late;
  return (
    <>
      <Alarms board={board} />
      <section class="tiles" aria-label={t("wallboard.now")}>
        <Tile
          name={t("wallboard.waiting")}
          value={total.waiting}
          wide
          leads={{ what: "items", states: WAITING, title: t("wallboard.waiting") }}
          note={total.expected !== undefined && total.waiting > 0 ? t("wallboard.expected_note", { time: duration(total.expected * 1000) }) : undefined}
        >
          <Spark values={[...board.trend, total.waiting]} />
        </Tile>
        <Tile
          name={t("wallboard.oldest")}
          value={total.oldest_at ? duration(waited) : "–"}
          leads={{ what: "items", states: WAITING, title: t("wallboard.oldest") }}
        />
        <LevelTile name={t("wallboard.level_15")} level={total.last_15.service_level} />
        <LevelTile name={t("wallboard.level_30")} level={total.last_30.service_level} />
        <LevelTile name={t("wallboard.level_today")} level={total.today.service_level} note={t("wallboard.formula")} />
        <Tile name={t("wallboard.ready")} value={agents.ready} mood={agents.ready === 0 && total.waiting > 0 ? "bad" : "calm"} leads={{ what: "agents", state: "ready", title: t("wallboard.ready") }} />
        <Tile name={t("wallboard.in_hand")} value={total.in_hand} leads={{ what: "items", states: WORKED, title: t("wallboard.in_hand") }} note={t("wallboard.wrapping_note", { n: total.wrapping })} />
        <Tile name={t("wallboard.answered")} value={total.today.answered} note={t("wallboard.of_offered", { n: total.today.offered })} />
        <Tile name={t("wallboard.abandoned")} value={total.today.abandoned} note={percent(total.today.offered ? total.today.abandoned / total.today.offered : 0)} />
        <Tile
          name={t("wallboard.due_soon")}
          value={total.due_soon}
          leads={{ what: "items", states: OPEN, by: "due", title: t("wallboard.due_soon") }}
        />
        <Tile name={t("wallboard.overdue")} value={total.overdue} mood={total.overdue > 0 ? "bad" : "calm"} leads={{ what: "items", states: OPEN, by: "overdue", title: t("wallboard.overdue") }} />
        <Tile
          name={t("wallboard.callbacks")}
          value={total.callbacks}
          mood={total.callbacks_late > 0 ? "warn" : "calm"}
          leads={{ what: "items", states: OPEN, by: "callback", title: t("wallboard.callbacks") }}
          note={total.callbacks_late > 0 ? t("wallboard.late_note", { n: total.callbacks_late }) : undefined}
        />
        <Tile
          name={t("wallboard.promises")}
          value={total.promises}
          mood={total.promises_late > 0 ? "warn" : "calm"}
          leads={{ what: "items", states: OPEN, by: "promise", title: t("wallboard.promises") }}
          note={owed + late + total.kept + total.broken > 0 ? t("wallboard.kept_note", { kept: total.kept, broken: total.broken }) : undefined}
        />
      </section>
      <QueueTable board={board} />
      <div class="wall-columns">
        <People board={board} />
        <CoverageBoard board={board} />
      </div>
      {Object.keys(board.nodes).length > 1 && <NodeList board={board} />}
    </>
  );
}

interface TileProps {
  name: string;
  value: number | string;
  mood?: Mood;
  wide?: boolean;
  /** What the number leads to, if it leads anywhere. */
  leads?: Drill;
  note?: string | undefined;
  children?: ComponentChildren;
}

function Tile({ name, value, mood = "calm", wide, leads, note, children }: TileProps) {
  const look = `card tile ${mood}${wide ? " wide" : ""}`;
  const inner = (
    <>
      <span class="tile-name">{name}</span>
      <span class="tile-value num">{value}</span>
      {note && <span class="tile-note muted">{note}</span>}
      {children}
    </>
  );
  if (!leads) return <div class={look}>{inner}</div>;
  return (
    <button class={look} aria-expanded={drill.value?.title === leads.title} onClick={() => (drill.value = leads)}>
      {inner}
    </button>
  );
}

function LevelTile({ name, level, note }: { name: string; level: number | undefined; note?: string }) {
  const mood = moodOfLevel(level);
  return (
    <Tile name={name} value={level === undefined ? "–" : percent(level)} mood={mood} note={note}>
      {level !== undefined && <Meter share={level} mood={mood} />}
    </Tile>
  );
}

