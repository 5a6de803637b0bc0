/** Shows when an item is due: in a conversation's head, and small in a list. */

import { AlarmClock, CalendarClock, type IconNode, TriangleAlert } from "lucide";
import { t, word } from "../i18n";
import type { ItemView } from "../protocol";
import { type DueTime, dueOf } from "./duetime";
import { Icon } from "./Icon";
import { clock, duration, now } from "./time";

/** Not by its colour alone. */
const ICON: Record<DueTime["tone"], IconNode> = { "": CalendarClock, warn: AlarmClock, bad: TriangleAlert };

function inWords(due: DueTime): string {
  const what = due.clock ? word("clock", due.clock) : t("item.due_date");
  return t("item.due", { what, time: clock(due.at) });
}

function late(due: DueTime): string {
  return t("item.late", { time: duration(-due.left) });
}

export function DueChip({ item }: { item: ItemView }) {
  const due = dueOf(item, now.value);
  if (!due) return null;
  return (
    <span class={`chip ${due.tone}`} data-testid="due">
      <Icon of={ICON[due.tone]} size={12} />
      {inWords(due)}
      {due.left <= 0 && ` · ${late(due)}`}
    </span>
  );
}

/** How long there is still, or for how long it has been late. */
export function DueLeft({ item }: { item: ItemView }) {
  const due = dueOf(item, now.value);
  if (!due) return null;
  const words = inWords(due);
  return (
    <span class={`due-left num ${due.tone}`} title={words} data-testid="due-left">
      <Icon of={ICON[due.tone]} size={12} label={words} />
      {due.left > 0 ? duration(due.left) : late(due)}
    </span>
  );
}
