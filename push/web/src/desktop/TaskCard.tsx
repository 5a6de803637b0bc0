import { t } from "../i18n";
import type { ItemView } from "../protocol";

/** What came along with the work besides words: a task's fields, a chat's page. */
export function TaskCard({ item }: { item: ItemView }) {
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
