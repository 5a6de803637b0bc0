import { t } from "../i18n";
import type { ItemView } from "../protocol";

/** Those of a chat are about the visitor's browser and stand in the customer's panel, if anywhere. */
const KINDS_WITH_FIELDS = new Set(["task", "callback"]);

/** What came along with a piece of work besides words. */
export function TaskCard({ item }: { item: ItemView }) {
  if (!KINDS_WITH_FIELDS.has(item.kind) || Object.keys(item.attributes).length === 0) return null;
  return (
    <section class="task-card card" aria-label={t("task.fields")}>
      <dl>
        {Object.entries(item.attributes).map(([name, value]) => (
          <div key={name}>
            <dt>{name.replaceAll("_", " ")}</dt>
            <dd dir="auto">{shown(value)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function shown(value: string | number | boolean | null) {
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
