import { Handshake } from "lucide";
import { type ServicePolicy, servicePolicies } from "../api/setup";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import { Table } from "../ui/Table";
import { Facts } from "./Facts";
import { useQueues } from "./useNames";
import { afterBreach, type Fact, seconds } from "./words";
import "./setup.css";

/** What is promised to customers, where, and what happens when it is late; to look at only. */
export function PromiseSetup() {
  const list = useResource("promises", servicePolicies);
  const { list: queues, shownAs } = useQueues();
  const where = (policy: string) =>
    queues.data?.items.filter((queue) => queue.service_policy === policy).map(({ name }) => shownAs(name)) ?? [];
  return (
    <Table
      caption={t("setup.promises")}
      rows={list.data?.items}
      from={list}
      id={({ name }) => name}
      empty={t("promise.none")}
      emptyText={t("promise.none_text")}
      emptyIcon={Handshake}
      columns={[
        {
          title: t("name"),
          cell: ({ name, calendar }) => (
            <span>
              <b>{name}</b>
              <br />
              <span class="muted small">{calendar ? t("promise.by_hours", { name: calendar }) : t("promise.by_queue")}</span>
            </span>
          ),
        },
        { title: t("promise.queues"), cell: ({ name }) => where(name).join(", ") || <span class="muted">{t("promise.nowhere")}</span> },
        { title: t("promise.targets"), cell: (policy) => <Facts of={targets(policy)} /> },
        {
          title: t("promise.warns"),
          cell: ({ warn_share: share = 0.8 }) => (share > 0 ? t("promise.warns_at", { n: Math.round(share * 100) }) : t("promise.warns_never")),
        },
        { title: t("promise.then"), cell: (policy) => <Facts of={afterBreach(policy, shownAs)} /> },
      ]}
    />
  );
}

function targets(policy: ServicePolicy): Fact[] {
  const clocks = ["first_reply", "next_reply", "resolution"] as const;
  return clocks
    .filter((clock) => policy[clock] != null)
    .map((clock) => [t(`clock.${clock}`), seconds(policy[clock]!)]);
}
