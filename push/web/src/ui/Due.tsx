/** Shows when an item is due: in a conversation's head, and small in a list. */

import { CalendarClock } from "lucide";
import { t, word } from "../i18n";
import type { ItemView } from "../protocol";
import { type DueTime, dueOf } from "./duetime";
import { Icon } from "./Icon";
import { clock, duration, now } from "./time";

function inWords(due: DueTime): string {
  const what = due.clock ? word("clock", due.clock) : t("item.due_date");
  return t("item.due", { what, time: clock(due.at) });
}

export function DueChip({ item }: { item: ItemView }) {
  const due = dueOf(item, now.value);
  if (!due) return null;
  return (
    <span class={`chip ${due.tone}`} data-testid="due">
      <Icon of={CalendarClock} size={12} />
      {inWords(due)}
    </span>
  );
}

/** How long there is still, or for how long it has been late. */
export function DueLeft({ item }: { item: ItemView }) {
  const due = dueOf(item, now.value);
  if (!due) return null;
  const time = duration(Math.abs(due.left));
  const words = inWords(due);
  return (
    <span class={`row-due num ${due.tone}`} title={words} data-testid="due-left">
      <Icon of={CalendarClock} size={11} label={words} />
      {due.left > 0 ? time : t("item.late", { time })}
    </span>
  );
}
