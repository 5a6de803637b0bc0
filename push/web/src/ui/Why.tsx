import { explainItem, type Excluded, type Opening, type Waits } from "../api/resources";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import { Skeleton } from "./bits";
import { now, since } from "./time";
import "./why.css";

/** Why an item is where it is; while it waits also who could take it, who cannot, and what opens. */
export function Why({ item, version }: { item: string; version: number }) {
  const told = useResource(`why ${item} ${version}`, () => explainItem(item));
  if (!told.data && told.error) {
    return (
      <div class="why" role="alert">
        <p class="wrong">{told.error.message}</p>
        <button type="button" class="btn small" onClick={told.reload}>
          {t("retry")}
        </button>
      </div>
    );
  }
  if (!told.data) return <Skeleton lines={4} />;
  const { text, waits } = told.data;
  return (
    <div class="why">
      <p dir="auto">{sentences(text)}</p>
      {waits && <Standing waits={waits} />}
    </div>
  );
}

/** What the table below says better is left out. */
function sentences(text: string): string {
  return text.replace(/ Why it waits: .*?(?= Elsewhere: |$)/s, "");
}

function Standing({ waits }: { waits: Waits }) {
  return (
    <>
      <p>
        <b>{t("why.needs")}</b> {waits.needs}
        {waits.not_asked && ` (${waits.not_asked})`}
        {waits.ring > 0 && <span class="chip info">{t("why.ring", { n: waits.ring })}</span>}
      </p>
      {waits.groups.length === 0 ? (
        <p class="muted">{t("why.nobody")}</p>
      ) : (
        <table class="why-groups">
          <caption class="sr">{t("why.agents")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("why.agents")}</th>
              <th scope="col">{t("why.because")}</th>
            </tr>
          </thead>
          <tbody>
            {waits.groups.map((group) => (
              <Group key={group.why} group={group} />
            ))}
          </tbody>
        </table>
      )}
      {waits.rings.length > 0 && (
        <ul class="why-rings">
          {waits.rings.map((ring) => (
            <li key={ring.ring}>{opening(ring)}</li>
          ))}
        </ul>
      )}
    </>
  );
}

function Group({ group }: { group: Excluded }) {
  const more = group.count - group.agents.length;
  return (
    <tr>
      <td>
        <b class="num">{group.count}</b>{" "}
        <span class="muted">
          {group.agents.join(", ")}
          {more > 0 && ", …"}
        </span>
      </td>
      <td>{group.why}</td>
    </tr>
  );
}

function opening(ring: Opening): string {
  const when: string[] = [];
  if (ring.at) {
    const soon = Date.parse(ring.at) <= now.value;
    when.push(soon ? t("why.now") : t("why.in", { time: since(new Date(2 * now.value - Date.parse(ring.at)).toISOString()) }));
  }
  if (ring.expected_wait !== null) when.push(t("why.expected", { n: ring.expected_wait }));
  return t("why.opens", { n: ring.ring, when: when.join(" / "), lets: ring.lets, agents: ring.agents });
}
