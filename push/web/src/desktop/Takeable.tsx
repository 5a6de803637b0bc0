import { useState } from "preact/hooks";
import { takeable } from "../api/resources";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import type { ItemView, Take } from "../protocol";
import { Kind, whoIs } from "../ui/bits";
import { since } from "../ui/time";
import { openItem } from "./route";
import { desk, offline, order } from "./store";

const OFTEN = 5_000;
/** Where no queue lets agents pick, that is all there is to know. */
const RARELY = 120_000;

/** What waits in queues that let their agents take it themselves; nothing at all elsewhere. */
export function ToTake() {
  const name = desk.value.session?.agent.name;
  const [allowed, setAllowed] = useState(false);
  const found = useResource(name ? `takeable ${name}` : null, async () => {
    const answer = await takeable();
    setAllowed(answer.queues.length > 0);
    return answer;
  }, allowed ? OFTEN : RARELY);
  const [error, setError] = useState("");
  if (!allowed || !found.data) return null;

  const take = async (item: ItemView) => {
    setError("");
    try {
      await order<Take>({ t: "take", item: item.id });
      openItem(item.id);
    } catch (problem) {
      setError((problem as Error).message);
    }
    found.reload();
  };
  const waiting = found.data.items.filter((item) => !desk.value.items[item.id]);
  return (
    <section class="held" aria-label={t("take.title")}>
      <h3 class="list-sub">
        {t("take.title")} <span class="num">{waiting.length}</span>
      </h3>
      {(error || found.error) && (
        <p class="wrong take-wrong" role="alert">
          {error || found.error?.message}
        </p>
      )}
      {waiting.length === 0 && <p class="muted take-none">{t("take.none")}</p>}
      <ul>
        {waiting.map((item) => (
          <li key={item.id} class="row slim to-take">
            <Kind kind={item.kind} small />
            <span class="cut row-who">{whoIs(item, item.customer)}</span>
            <span class="cut muted" dir="auto">
              {item.subject || item.preview}
            </span>
            <span class="num muted">{since(item.queued_at ?? item.created_at)}</span>
            <button class="btn small" disabled={offline.value} onClick={() => void take(item)} aria-label={t("take.this", { number: item.number })}>
              {t("take")}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
