import { Pencil, Search, SearchX, type IconNode } from "lucide";
import type { FunctionComponent } from "preact";
import { useState } from "preact/hooks";
import { Section } from "../admin/Section";
import type { Page } from "../api/http";
import type { Resource } from "../api/resource";
import type { Canned, Letter } from "../api/wordings";
import { locale, t, type Key } from "../i18n";
import { languageName } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { type Column, Table } from "../ui/Table";
import { searched } from "./texts";
import "./wordings.css";

/** What edits one of them, or makes a new one beside those that are `known`. */
export interface EditorProps<T> {
  one: T | null;
  known: string[];
  onClose(): void;
  onDone(): void;
}

interface Props<T> {
  kind: "canned" | "letters";
  icon: IconNode;
  list: Resource<Page<T>>;
  columns: Column<T>[];
  Editor: FunctionComponent<EditorProps<T>>;
}

/** All canned replies, or all letters: looked through, made, changed and removed. */
export function Words<T extends Canned | Letter>({ kind, icon, list, columns, Editor }: Props<T>) {
  const [wanted, setWanted] = useState("");
  const [editing, setEditing] = useState<T | "new" | null>(null);
  const all = list.data?.items;
  const shown = all && searched(all, wanted);
  const none = all && all.length > 0;
  const close = () => setEditing(null);
  const text = (name: string) => t(`wording.${kind}_${name}` as Key);
  return (
    <Section title={t(`admin.${kind}`)} lead={text("lead")} add={{ label: text("add"), onClick: () => setEditing("new") }}>
      <div class="words-bar">
        <label class="words-search">
          <Icon of={Search} size={15} />
          <input
            class="input"
            type="search"
            placeholder={text("search")}
            aria-label={text("search")}
            value={wanted}
            onInput={({ currentTarget }) => setWanted(currentTarget.value)}
          />
        </label>
        <span class="muted small" role="status">
          {shown && wanted && t("wording.found", { n: shown.length, all: all!.length })}
        </span>
      </div>
      <Table<T>
        caption={t(`admin.${kind}`)}
        rows={shown}
        from={list}
        id={({ name }) => name}
        empty={none ? t("wording.no_match") : text("none")}
        emptyText={none ? undefined : text("none_text")}
        emptyIcon={none ? SearchX : icon}
        columns={[
          ...columns,
          {
            title: t("acts"),
            acts: true,
            cell: (one) => (
              <button class="btn small" aria-label={t("edit.of", { name: one.name })} onClick={() => setEditing(one)}>
                <Icon of={Pencil} size={14} />
                {t("edit")}
              </button>
            ),
          },
        ]}
      />
      {editing && (
        <Editor
          one={editing === "new" ? null : editing}
          known={editing === "new" ? (all ?? []).map(({ name }) => name) : []}
          onClose={close}
          onDone={() => {
            close();
            list.reload();
          }}
        />
      )}
    </Section>
  );
}

/** For all of them where none is named. */
export function Names({ names }: { names: readonly string[] }) {
  if (names.length === 0) return <span class="muted">{t("wording.all")}</span>;
  return (
    <span class="chips">
      {names.map((name) => (
        <span key={name} class="chip">
          {name}
        </span>
      ))}
    </span>
  );
}

export function Tags({ tags }: { tags: readonly string[] }) {
  return (
    <span class="chips">
      {tags.map((tag) => (
        <span key={tag} class="chip" title={tag ? languageName(tag, locale.value) : t("wording.any_language")}>
          {tag || "*"}
        </span>
      ))}
    </span>
  );
}
