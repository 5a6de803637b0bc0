import type { RoutedQueue } from "../api/setup";
import { hoursOfHouse } from "../api/setup";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import { Table } from "../ui/Table";
import { Facts } from "./Facts";
import { OpenChip } from "./HoursSetup";
import { useQueues } from "./useNames";
import { type Fact, isUsual, policyFacts, ringWords, seconds } from "./words";
import "./setup.css";

/** How each queue routes: what it asks for, its rings, its weights; to look at only. */
export function QueueSetup() {
  const { list, shownAs } = useQueues();
  const hours = useResource("hours", hoursOfHouse, 30_000);
  const calendar = (name: string) => hours.data?.items.find((one) => one.name === name);
  return (
    <Table
      caption={t("setup.queues")}
      rows={list.data?.items}
      from={list}
      id={({ name }) => name}
      empty={t("queue.none")}
      columns={[
        {
          title: t("queue"),
          cell: (queue) => (
            <span>
              <b>{shownAs(queue.name)}</b>
              <br />
              <span class="muted small">{queue.name}</span>
            </span>
          ),
        },
        {
          title: t("setup.hours"),
          cell: ({ hours: name }) => (name ? <OpenChip hours={calendar(name)} name={name} /> : <span class="muted">{t("hours.none")}</span>),
        },
        { title: t("setup.promise"), cell: ({ service_policy: policy }) => policy || <span class="muted">–</span> },
        { title: t("queue.requires"), cell: (queue) => <Asked queue={queue} /> },
        { title: t("setup.choice"), cell: ({ policy }) => word("choice", policy?.choice ?? "best_fit") },
        { title: t("setup.rings"), cell: ({ rings = [] }) => <Rings rings={rings} shownAs={shownAs} /> },
        { title: t("setup.weights"), cell: ({ policy = {} }) => <Facts of={policyFacts(policy)} usual={isUsual(policy)} /> },
      ]}
    />
  );
}

function Asked({ queue }: { queue: RoutedQueue }) {
  const { skills, priority, groups = [], sites = [], languages = {}, affinity_seconds: affinity } = queue;
  const facts: Fact[] = [];
  if (priority) facts.push([t("priority"), priority > 0 ? `+${priority}` : String(priority)]);
  if (groups.length > 0) facts.push([t("setup.groups"), groups.join(", ")]);
  if (sites.length > 0) facts.push([t("sites.title"), sites.join(", ")]);
  for (const [tag, others] of Object.entries(languages)) facts.push([t("setup.instead", { tag }), others.join(", ")]);
  if (affinity > 0) facts.push([t("setup.affinity"), seconds(affinity)]);
  return (
    <span class="setup-asked">
      {Object.keys(skills).length > 0 && (
        <span class="chips">
          {Object.entries(skills).map(([name, level]) => (
            <span key={name} class="chip">
              {name} <b>{level}</b>
            </span>
          ))}
        </span>
      )}
      <Facts of={facts} />
    </span>
  );
}

function Rings({ rings, shownAs }: { rings: NonNullable<RoutedQueue["rings"]>; shownAs(name: string): string }) {
  if (rings.length === 0) return <span class="muted">{t("ring.none")}</span>;
  return (
    <ol class="setup-rings">
      {rings.map((ring, index) => {
        const { when, does } = ringWords(ring, shownAs);
        return (
          <li key={index}>
            <span class="muted">{when}</span>
            <span>{does}</span>
          </li>
        );
      })}
    </ol>
  );
}
