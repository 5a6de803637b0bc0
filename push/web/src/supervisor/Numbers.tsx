import { type AlarmNow, liveNow, type NodeNow, type QueueNow } from "../api/resources";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import { Table } from "../ui/Table";
import { duration, since } from "../ui/time";

const EVERY = 2000;

/** The whole installation just now: by queue, and by node with the age of its figures. */
export function Numbers() {
  const live = useResource("live", liveNow, EVERY);
  const all = live.data;
  const total = all?.queues.reduce((sum, queue) => sum + queue.waiting, 0) ?? 0;
  const longest = Math.max(0, ...(all?.queues.map((queue) => queue.longest_wait) ?? []));
  return (
    <>
      <div role="status">{all && all.alarms.length > 0 && <Alarms alarms={all.alarms} />}</div>
      {all && (
        <dl class="figures">
          <Figure name={t("live.waiting")} value={total} />
          <Figure name={t("live.longest")} value={total ? duration(longest * 1000) : "–"} />
          <Figure name={t("live.ready")} value={all.agents.ready} />
          <Figure name={t("live.busy")} value={all.agents.busy} />
          <Figure name={t("live.connected")} value={all.agents.connected} />
          {Boolean(all.withheld) && <Figure name={t("live.withheld")} value={all.withheld!} warn />}
          {all.agents.closed > 0 && <Figure name={t("live.closed")} value={all.agents.closed} warn />}
        </dl>
      )}
      <section class="card board-table" aria-label={t("admin.queues")}>
        <Table
          caption={t("admin.queues")}
          rows={all?.queues}
          from={live}
          id={({ name }: QueueNow) => name}
          empty={t("queue.none")}
          columns={[
            { title: t("queue"), cell: ({ name }) => <b>{name}</b> },
            { title: t("live.waiting"), cell: ({ waiting }) => <span class="num">{waiting}</span> },
            {
              title: t("live.longest"),
              cell: ({ waiting, longest_wait }) => <span class="num">{waiting ? duration(longest_wait * 1000) : "–"}</span>,
            },
            { title: t("live.offered"), cell: ({ offered }) => <span class="num">{offered}</span> },
            { title: t("live.in_hand"), cell: ({ in_hand }) => <span class="num">{in_hand}</span> },
            { title: t("live.ready"), cell: ({ ready }) => <span class="num">{ready}</span> },
          ]}
        />
      </section>
      <section class="card board-table" aria-label={t("live.nodes")}>
        <Table
          caption={t("live.nodes")}
          rows={all?.nodes}
          from={live}
          id={({ name }: NodeNow) => name}
          empty={t("live.nodes")}
          columns={[
            { title: t("live.node"), cell: ({ name }) => <b>{name}</b> },
            { title: t("live.region"), cell: ({ region }) => region || "–" },
            { title: t("live.waiting"), cell: ({ queues }) => <span class="num">{queues.reduce((sum, q) => sum + q.waiting, 0)}</span> },
            { title: t("live.in_hand"), cell: ({ queues }) => <span class="num">{queues.reduce((sum, q) => sum + q.in_hand, 0)}</span> },
            { title: t("live.ready"), cell: ({ agents }) => <span class="num">{agents.ready}</span> },
            { title: t("live.connected"), cell: ({ agents }) => <span class="num">{agents.connected}</span> },
            { title: t("live.as_of"), cell: (node) => <Age node={node} here={node.name === all?.nodes[0]?.name} /> },
          ]}
        />
      </section>
    </>
  );
}

/** What is crossed just now; gone as soon as it is over. */
function Alarms({ alarms }: { alarms: AlarmNow[] }) {
  return (
    <ul class="alarms" aria-label={t("alarm.title")}>
      {alarms.map((alarm) => (
        <li key={`${alarm.queue}/${alarm.threshold}`} class="card alarm">
          <b>{alarm.queue}</b>
          <span class="chip warn">{alarm.threshold}</span>
          <span>{t(`alarm.${alarm.when}`, { value: shown(alarm) })}</span>
          {alarm.since && <span class="muted num">{t("alarm.since", { time: since(alarm.since) })}</span>}
        </li>
      ))}
    </ul>
  );
}

function shown({ when, value }: AlarmNow): string {
  return when.endsWith("_wait") ? duration(value * 1000) : `${value}`;
}

function Age({ node, here }: { node: NodeNow; here: boolean }) {
  if (here) return <span class="chip good">{t("live.here")}</span>;
  return <span class={node.age > 4 ? "chip warn" : "muted num"}>{t("live.ago", { time: duration(node.age * 1000) })}</span>;
}

function Figure({ name, value, warn }: { name: string; value: number | string; warn?: boolean }) {
  return (
    <div class={warn ? "card figure warn" : "card figure"}>
      <dt>{name}</dt>
      <dd class="num">{value}</dd>
    </div>
  );
}
