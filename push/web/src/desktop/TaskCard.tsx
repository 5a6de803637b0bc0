import { t } from "../i18n";
import type { ItemView } from "../protocol";
import { openCase } from "./route";
import { ticketNamed, type Value } from "./attributes";

const KINDS_WITH_FIELDS = new Set(["task", "callback"]);
/** What a channel says of a mail or of a visitor's browser; it stands elsewhere, if anywhere. */
const OF_THE_CHANNEL =
  /^(page|locale|chat|preview|date|ticket|repairs|truncated|size|from_self|(claimed|site)_\w+|machine\w*|bounce_\w+|country|number_shown|opt_out_confirmed)$/;

/** What came along with a piece of work besides words: the fields of a form, what was answered at the front door. */
export function TaskCard({ item }: { item: ItemView }) {
  const all = KINDS_WITH_FIELDS.has(item.kind);
  const fields = Object.entries(item.attributes).filter(([name]) => all || !OF_THE_CHANNEL.test(name));
  if (fields.length === 0) return null;
  return (
    <section class="task-card card" aria-label={t("task.fields")}>
      <dl>
        {fields.map(([name, value]) => (
          <div key={name}>
            <dt>{ticketNamed(name, value) ? t(`ties.${name as "follows"}`) : name.replaceAll("_", " ")}</dt>
            <dd dir="auto">{shown(name, value)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function shown(name: string, value: Value) {
  const ticket = ticketNamed(name, value);
  if (ticket) {
    return (
      <button type="button" class="link num" onClick={() => openCase(ticket)}>
        #{ticket}
      </button>
    );
  }
  if (value === null || value === "") return "–";
  if (typeof value === "boolean") return value ? t("yes") : t("no");
  if (typeof value === "string" && /^https?:\/\//.test(value)) {
    return (
      <a href={value} target="_blank" rel="noopener noreferrer">
        {value}
      </a>
    );
  }
  return String(value);
}
