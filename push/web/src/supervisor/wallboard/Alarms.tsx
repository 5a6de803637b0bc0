import { TriangleAlert } from "lucide";
import { t } from "../../i18n";
import { Icon } from "../../ui/Icon";
import { duration, since } from "../../ui/time";
import type { AlarmBoard, Board } from "./board";

/** What is crossed just now; gone as soon as it is over. */
export function Alarms({ board }: { board: Board }) {
  const alarms = Object.values(board.alarms);
  const withheld = board.withheld ?? 0;
  return (
    <div class="wall-alarms" role="status">
      {alarms.length + withheld > 0 && (
        <ul class="alarms" aria-label={t("alarm.title")}>
          {alarms.map((alarm) => (
            <li key={`${alarm.queue}/${alarm.threshold}`} class="card alarm">
              <Icon of={TriangleAlert} size={16} />
              <b>{board.queues[alarm.queue]?.name ?? alarm.queue}</b>
              <span class="chip warn">{alarm.threshold}</span>
              <span>{t(`alarm.${alarm.when}`, { value: valueOf(alarm) })}</span>
              {alarm.since && <span class="muted num">{t("alarm.since", { time: since(alarm.since) })}</span>}
            </li>
          ))}
          {withheld > 0 && (
            <li class="card alarm">
              <Icon of={TriangleAlert} size={16} />
              <a href="#/withheld">{t("live.withheld")}</a>
              <b class="num">{withheld}</b>
            </li>
          )}
        </ul>
      )}
    </div>
  );
}

function valueOf({ when, value }: AlarmBoard): string {
  return when.endsWith("_wait") ? duration(value * 1000) : `${value}`;
}
