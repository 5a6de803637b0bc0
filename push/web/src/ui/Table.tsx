import { CloudOff, type IconNode, Inbox } from "lucide";
import type { ComponentChildren } from "preact";
import type { Resource } from "../api/resource";
import { t } from "../i18n";
import { Empty, Skeleton } from "./bits";

export interface Column<T> {
  title: string;
  cell(row: T): ComponentChildren;
  /** Buttons: without a title for the eye. */
  acts?: boolean;
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

/** A list with its three other states: on its way, failed, empty. */
export function Table<T>({ caption, rows, from, id, columns, empty, emptyText, emptyIcon }: Props<T>) {
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
  return (
    <div class="table-box">
      <table class="table">
        <caption class="sr">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, acts }) => (
              <th key={title} scope="col">
                {acts ? <span class="sr">{title}</span> : title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
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
