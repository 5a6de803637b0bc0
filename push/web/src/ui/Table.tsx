import { ArrowDown, ArrowUp, CloudOff, type IconNode, Inbox } from "lucide";
import type { ComponentChildren } from "preact";
import type { Resource } from "../api/resource";
import { t } from "../i18n";
import { useState } from "preact/hooks";
import { Empty, Skeleton } from "./bits";
import { Icon } from "./Icon";

export interface Column<T> {
  title: string;
  cell(row: T): ComponentChildren;
  /** Buttons: without a title for the eye. */
  acts?: boolean;
  /** With it people may sort by this column: lowest first, what has none last. */
  order?(row: T): string | number | null;
}

interface Props<T> {
  caption: string;
  rows: T[] | undefined;
  from: Pick<Resource<unknown>, "loading" | "error" | "reload">;
  id(row: T): string;
  columns: Column<T>[];
  empty: string;
  emptyText?: string;
  emptyIcon?: IconNode;
}

/** In the order of a column; rows that are alike in it stay as they came. */
export function sorted<T>(rows: readonly T[], order: NonNullable<Column<T>["order"]>, down: boolean): T[] {
  const empty = (value: string | number | null) => value === null || value === "";
  return [...rows].sort((a, b) => {
    const [one, other] = [order(a), order(b)];
    if (empty(one) || empty(other)) return Number(empty(one)) - Number(empty(other));
    const by = typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other));
    return down ? -by : by;
  });
}

/** A list with its three other states: on its way, failed, empty. */
export function Table<T>({ caption, rows, from, id, columns, empty, emptyText, emptyIcon }: Props<T>) {
  const [by, setBy] = useState<{ title: string; down: boolean } | null>(null);
  if (!rows && from.error) {
    return (
      <Empty icon={CloudOff} title={t("list.failed")} text={from.error.message}>
        <button class="btn" onClick={from.reload}>
          {t("retry")}
        </button>
      </Empty>
    );
  }
  if (!rows) return <Skeleton lines={6} />;
  if (rows.length === 0) return <Empty icon={emptyIcon ?? Inbox} title={empty} text={emptyText} />;
  const order = by && columns.find(({ title }) => title === by.title)?.order;
  const shown = by && order ? sorted(rows, order, by.down) : rows;
  return (
    <div class="table-box">
      <table class="table">
        <caption class="sr">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, acts, order }) => {
              const mine = by?.title === title ? by : null;
              return (
                <th key={title} scope="col" aria-sort={mine ? (mine.down ? "descending" : "ascending") : undefined}>
                  {acts ? (
                    <span class="sr">{title}</span>
                  ) : order ? (
                    <button
                      class="sort"
                      title={t("list.sort", { name: title })}
                      onClick={() => setBy(mine?.down ? null : { title, down: mine !== null })}
                    >
                      {title}
                      {mine && <Icon of={mine.down ? ArrowDown : ArrowUp} size={12} />}
                    </button>
                  ) : (
                    title
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={id(row)}>
              {columns.map(({ title, cell, acts }) => (
                <td key={title} data-label={acts ? "" : title}>
                  {acts ? <div class="acts">{cell(row)}</div> : cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
