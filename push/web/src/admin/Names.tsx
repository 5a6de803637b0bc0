import { Pencil } from "lucide";
import { useState } from "preact/hooks";
import { codes, skills, type Use } from "../api/resources";
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
  uses?: Use[];
}

const USES: Use[] = ["wrapup", "misrouted"];
const usesOf = ({ uses }: Named): Use[] => uses ?? ["wrapup"];

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
          ...(kind === "codes"
            ? [{ title: t("code.use"), cell: (row: Named) => usesOf(row).map((use) => t(`code.use_${use}`)).join(", ") }]
            : []),
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
  const [uses, setUses] = useState<Use[]>(usesOf(props.row));
  const editor = useEditor(props.kind, props.onSaved);
  return (
    <EditDialog
      title={known ? t("edit.of", { name: props.row.name }) : t(`${props.kind}.add`)}
      busy={editor.busy}
      problem={editor.general}
      ready={name.trim() !== "" && uses.length > 0}
      onClose={props.onClose}
      onSave={() => void editor.save(name.trim(), { name: name.trim(), label: label.trim(), ...(props.kind === "codes" && { uses }) })}
    >
      <TextField label={t("name")} value={name} locked={known} wrong={editor.wrong("name")} onChange={setName} />
      <TextField label={t("label")} value={label} wrong={editor.wrong("label")} onChange={setLabel} />
      {props.kind === "codes" &&
        USES.map((use) => (
          <label key={use} class="check">
            <input
              type="checkbox"
              checked={uses.includes(use)}
              onChange={({ currentTarget: { checked } }) =>
                setUses(USES.filter((one) => (one === use ? checked : uses.includes(one))))
              }
            />
            {t(`code.use_${use}`)}
          </label>
        ))}
    </EditDialog>
  );
}

export const Skills = () => <Names kind="skills" />;
export const Codes = () => <Names kind="codes" />;
