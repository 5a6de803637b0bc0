import { t } from "../../i18n";
import { Table } from "../../ui/Table";
import type { Board } from "./board";

const HERE = { loading: false, error: undefined, reload: () => undefined };

/** Each node by itself; one whose figures are old says so. */
export function NodeList({ board }: { board: Board }) {
  const rows = Object.entries(board.nodes).map(([name, one]) => ({ name, ...one }));
  return (
    <section class="card board-table" aria-label={t("live.nodes")}>
      <Table
        caption={t("live.nodes")}
        rows={rows}
        from={HERE}
        id={({ name }) => name}
        empty={t("live.nodes")}
        columns={[
          { title: t("live.node"), cell: ({ name }) => <b>{name}</b> },
          { title: t("live.region"), cell: ({ region }) => region || "–" },
          { title: t("wallboard.waiting"), cell: ({ waiting }) => <span class="num">{waiting}</span> },
          { title: t("wallboard.in_hand"), cell: ({ in_hand }) => <span class="num">{in_hand}</span> },
          { title: t("wallboard.ready"), cell: ({ ready }) => <span class="num">{ready}</span> },
          { title: t("live.connected"), cell: ({ connected }) => <span class="num">{connected}</span> },
          { title: t("live.as_of"), cell: ({ late }) => <span class={late ? "chip warn" : "chip good"}>{t(late ? "wallboard.node_late" : "live.here")}</span> },
        ]}
      />
    </section>
  );
}
