import { Pencil } from "lucide";
import { useState } from "preact/hooks";
import { codes, skills } from "../api/resources";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import { Icon } from "../ui/Icon";
import { Table } from "../ui/Table";
import { EditDialog, TextField } from "./EditDialog";
import { Section } from "./Section";
import { useEditor } from "./useEditor";

interface Named {
  name: string;
  label?: string;
}

/** Skills and codes are both a name with a label. */
function Names({ kind }: { kind: "skills" | "codes" }) {
  const list = useResource<{ items: Named[] }>(kind, kind === "skills" ? skills : codes);
  const [editing, setEditing] = useState<Named | null>(null);
  return (
    <Section
      title={t(`admin.${kind}`)}
      lead={t(`admin.${kind}_lead`)}
      add={{ label: t(`${kind}.add`), onClick: () => setEditing({ name: "" }) }}
    >
      <Table
        caption={t(`admin.${kind}`)}
        rows={list.data?.items}
        from={list}
        id={({ name }) => name}
        empty={t(`${kind}.none`)}
        columns={[
          { title: t("name"), cell: ({ name }) => <b class="mono">{name}</b> },
          { title: t("label"), cell: ({ label }) => label ?? "" },
          {
            title: t("acts"),
            acts: true,
            cell: (row) => (
              <button class="btn small" onClick={() => setEditing(row)}>
                <Icon of={Pencil} size={14} />
                {t("edit")}
              </button>
            ),
          },
        ]}
      />
      {editing && (
        <NameDialog
          kind={kind}
          row={editing}
          onClose={() => setEditing(null)}
          onSaved={() => {
            setEditing(null);
            list.reload();
          }}
        />
      )}
    </Section>
  );
}

function NameDialog(props: { kind: "skills" | "codes"; row: Named; onClose(): void; onSaved(): void }) {
  const known = props.row.name !== "";
  const [name, setName] = useState(props.row.name);
  const [label, setLabel] = useState(props.row.label ?? "");
  const editor = useEditor(props.kind, props.onSaved);
  return (
    <EditDialog
      title={known ? t("edit.of", { name: props.row.name }) : t(`${props.kind}.add`)}
      busy={editor.busy}
      problem={editor.general}
      ready={name.trim() !== ""}
      onClose={props.onClose}
      onSave={() => void editor.save(name.trim(), { name: name.trim(), label: label.trim() })}
    >
      <TextField label={t("name")} value={name} locked={known} wrong={editor.wrong("name")} onChange={setName} />
      <TextField label={t("label")} value={label} wrong={editor.wrong("label")} onChange={setLabel} />
    </EditDialog>
  );
}

export const Skills = () => <Names kind="skills" />;
export const Codes = () => <Names kind="codes" />;
