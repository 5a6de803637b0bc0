import { RotateCw, Send, Trash2 } from "lucide";
import { outbox } from "../api/resources";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import { Kind } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { Table } from "../ui/Table";
import { clock } from "../ui/time";
import { Section } from "./Section";
import { useSettle } from "./useSettle";

const TONE: Record<string, string> = { failed: "bad", attempting: "info", pending: "warn", sent: "good" };

export function Outbox() {
  const list = useResource("outbox", outbox, 5000);
  const act = useSettle("outbox", list.reload);
  return (
    <Section title={t("admin.outbox")} lead={t("admin.outbox_lead")}>
      <Table
        caption={t("admin.outbox")}
        rows={list.data?.items}
        from={list}
        id={({ id }) => id}
        empty={t("outbox.none")}
        emptyText={t("outbox.none_text")}
        emptyIcon={Send}
        columns={[
          {
            title: t("to"),
            cell: (row) => (
              <span class="named">
                <Kind kind={row.kind} small />
                <span class="cut">
                  {row.address}
                  {row.number !== null && <span class="muted num"> · #{row.number}</span>}
                </span>
              </span>
            ),
          },
          {
            title: t("state"),
            cell: ({ state, attempts }) => (
              <span class={`chip ${TONE[state] ?? ""}`}>
                {word("outgoing", state)}
                {attempts > 1 && <span class="num"> · {t("outbox.attempts", { n: attempts })}</span>}
              </span>
            ),
          },
          { title: t("reason"), cell: ({ reason }) => <span class="reason">{reason}</span> },
          { title: t("outbox.next"), cell: ({ state, next_at }) => (state === "pending" ? <span class="num">{clock(next_at)}</span> : "") },
          {
            title: t("acts"),
            acts: true,
            cell: ({ id }) => (
              <>
                <button class="btn small" onClick={() => void act(id, "retry")}>
                  <Icon of={RotateCw} size={14} />
                  {t("retry")}
                </button>
                <button class="btn small" onClick={() => void act(id, "drop")}>
                  <Icon of={Trash2} size={14} />
                  {t("drop")}
                </button>
              </>
            ),
          },
        ]}
      />
    </Section>
  );
}
