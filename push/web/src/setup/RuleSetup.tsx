import { ListChecks, TriangleAlert } from "lucide";
import { type Rule, rulesInOrder } from "../api/setup";
import { type Resource, useResource } from "../api/resource";
import type { Page } from "../api/http";
import { t } from "../i18n";
import { Icon } from "../ui/Icon";
import { Table } from "../ui/Table";
import { Facts } from "./Facts";
import { TryOutBox } from "./TryOutBox";
import { useQueues } from "./useNames";
import { looksAt, thenFacts } from "./words";
import "./setup.css";

/** The rules of the front door in their order, and a box to try a contact on them. */
export function RuleSetup() {
  const rules = useResource("rules", rulesInOrder);
  const { list: queues, shownAs } = useQueues();
  return (
    <>
      <TryOutBox rules={rules.data?.items ?? []} queues={queues.data?.items ?? []} shownAs={shownAs} />
      <section class="card setup-card" aria-label={t("setup.rules")}>
        <Rules from={rules} shownAs={shownAs} />
      </section>
    </>
  );
}

function Rules({ from, shownAs }: { from: Resource<Page<Rule>>; shownAs(name: string): string }) {
  const rows = from.data?.items;
  return (
    <Table
      caption={t("setup.rules")}
      rows={rows}
      from={from}
      id={({ name }) => name}
      empty={t("rules.none")}
      emptyText={t("rules.none_text")}
      emptyIcon={ListChecks}
      columns={[
        { title: t("rules.order"), cell: ({ order }) => <span class="num">{order}</span> },
        {
          title: t("rules.rule"),
          cell: ({ name, note, enabled, warnings }) => (
            <span class="setup-rule">
              <b>{name}</b>
              {!enabled && <span class="chip">{t("rules.off")}</span>}
              {note && <span class="muted small">{note}</span>}
              {warnings.map((warning) => (
                <span key={warning} class="setup-warning small">
                  <Icon of={TriangleAlert} size={13} label={t("rules.warning")} /> {warning}
                </span>
              ))}
            </span>
          ),
        },
        {
          title: t("rules.when"),
          cell: (rule) => {
            const facts = looksAt(rule);
            return facts.length > 0 ? <Facts of={facts} /> : <span class="muted">{t("rules.always")}</span>;
          },
        },
        {
          title: t("rules.then"),
          cell: ({ then, stop }) => (
            <span class="setup-rule">
              <Facts of={thenFacts(then, shownAs)} />
              {stop && <span class="chip">{t("rules.stop")}</span>}
            </span>
          ),
        },
      ]}
    />
  );
}
