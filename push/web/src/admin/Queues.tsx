import { Pencil } from "lucide";
import { useState } from "preact/hooks";
import { queues } from "../api/resources";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import type { Queue } from "../protocol";
import { Icon } from "../ui/Icon";
import { Table } from "../ui/Table";
import { duration } from "../ui/time";
import { EditDialog, TextField } from "./EditDialog";
import { Section } from "./Section";
import { RoutingPart } from "./SetupParts";
import { skillsFrom, skillsText, useEditor } from "./useEditor";

export function Queues() {
  const list = useResource("queues", queues);
  const [editing, setEditing] = useState<Queue | "new" | null>(null);
  return (
    <>
    <Section title={t("admin.queues")} lead={t("admin.queues_lead")} add={{ label: t("queue.add"), onClick: () => setEditing("new") }}>
      <Table
        caption={t("admin.queues")}
        rows={list.data?.items}
        from={list}
        id={({ name }) => name}
        empty={t("queue.none")}
        columns={[
          {
            title: t("name"),
            cell: (queue) => (
              <span>
                <b>{queue.display_name || queue.name}</b>
                <br />
                <span class="muted small">{queue.name}</span>
              </span>
            ),
          },
          { title: t("queue.requires"), cell: ({ skills }) => skillsText(skills) || <span class="muted">–</span> },
          { title: t("priority"), cell: ({ priority }) => <span class="num">{priority}</span> },
          {
            title: t("queue.level"),
            cell: ({ service_level_seconds: level }) => (level === null ? <span class="muted">–</span> : duration(level * 1000)),
          },
          { title: t("queue.take"), cell: ({ take_allowed }) => (take_allowed ? t("yes") : t("no")) },
          { title: t("queue.wrapup"), cell: ({ wrapup_required }) => (wrapup_required ? t("yes") : t("no")) },
          {
            title: t("acts"),
            acts: true,
            cell: (queue) => (
              <button class="btn small" onClick={() => setEditing(queue)}>
                <Icon of={Pencil} size={14} />
                {t("edit")}
              </button>
            ),
          },
        ]}
      />
      {editing && (
        <QueueDialog
          queue={editing === "new" ? null : editing}
          onClose={() => setEditing(null)}
          onSaved={() => {
            setEditing(null);
            list.reload();
          }}
        />
      )}
    </Section>
    <RoutingPart />
    </>
  );
}

function QueueDialog({ queue, onClose, onSaved }: { queue: Queue | null; onClose(): void; onSaved(): void }) {
  const [form, setForm] = useState({
    name: queue?.name ?? "",
    display_name: queue?.display_name ?? "",
    skills: skillsText(queue?.skills ?? {}),
    priority: String(queue?.priority ?? 0),
    affinity: String(queue?.affinity_seconds ?? 30),
    level: queue?.service_level_seconds == null ? "" : String(queue.service_level_seconds),
    overflow: queue?.overflow_after == null ? "" : String(queue.overflow_after),
    take_allowed: queue?.take_allowed ?? false,
    wrapup_required: queue?.wrapup_required ?? true,
  });
  const editor = useEditor("queues", onSaved);
  const change = (part: Partial<typeof form>) => setForm({ ...form, ...part });
  const name = form.name.trim();
  return (
    <EditDialog
      title={queue ? t("edit.of", { name: queue.name }) : t("queue.add")}
      busy={editor.busy}
      problem={editor.general}
      ready={name !== "" && form.priority.trim() !== "" && Number.isFinite(Number(form.priority))}
      onClose={onClose}
      onSave={() =>
        void editor.save(name, {
          name,
          display_name: form.display_name.trim(),
          skills: skillsFrom(form.skills),
          priority: Number(form.priority),
          affinity_seconds: Number(form.affinity) || 0,
          offer_seconds: queue?.offer_seconds ?? {},
          service_level_seconds: form.level.trim() === "" ? null : Number(form.level),
          overflow_after: form.overflow.trim() === "" ? null : Number(form.overflow),
          take_allowed: form.take_allowed,
          wrapup_required: form.wrapup_required,
        })
      }
    >
      <TextField label={t("name")} value={form.name} locked={queue !== null} wrong={editor.wrong("name")} onChange={(text) => change({ name: text })} />
      <TextField label={t("display_name")} value={form.display_name} wrong={editor.wrong("display_name")} onChange={(text) => change({ display_name: text })} />
      <TextField label={t("queue.requires")} value={form.skills} hint={t("skills.hint")} wrong={editor.wrong("skills")} onChange={(text) => change({ skills: text })} />
      <div class="three">
        <TextField number label={t("priority")} value={form.priority} wrong={editor.wrong("priority")} onChange={(text) => change({ priority: text })} />
        <TextField number label={t("queue.level_seconds")} value={form.level} wrong={editor.wrong("service_level_seconds")} onChange={(text) => change({ level: text })} />
        <TextField number label={t("queue.affinity_seconds")} value={form.affinity} wrong={editor.wrong("affinity_seconds")} onChange={(text) => change({ affinity: text })} />
      </div>
      <TextField number label={t("queue.overflow")} value={form.overflow} wrong={editor.wrong("overflow_after")} hint={t("queue.overflow_hint")} onChange={(text) => change({ overflow: text })} />
      <label class="check">
        <input type="checkbox" checked={form.take_allowed} onChange={(event) => change({ take_allowed: event.currentTarget.checked })} />
        {t("queue.take_long")}
      </label>
      <label class="check">
        <input type="checkbox" checked={form.wrapup_required} onChange={(event) => change({ wrapup_required: event.currentTarget.checked })} />
        {t("queue.wrapup_long")}
      </label>
    </EditDialog>
  );
}
