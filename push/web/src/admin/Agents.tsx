import { Pencil } from "lucide";
import { useState } from "preact/hooks";
import { agents, type AgentAtWork } from "../api/resources";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import type { ChannelKind, Role } from "../protocol";
import { Avatar } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { Table } from "../ui/Table";
import { EditDialog, TextField } from "./EditDialog";
import { Section } from "./Section";
import { skillsFrom, skillsText, useEditor } from "./useEditor";

export function Agents() {
  const list = useResource("agents", agents, 5000);
  const [editing, setEditing] = useState<AgentAtWork | "new" | null>(null);
  return (
    <Section
      title={t("admin.agents")}
      lead={t("admin.agents_lead")}
      add={{ label: t("agent.add"), onClick: () => setEditing("new") }}
    >
      <Table
        caption={t("admin.agents")}
        rows={list.data?.items}
        from={list}
        id={({ name }) => name}
        empty={t("agent.none")}
        columns={[
          {
            title: t("name"),
            cell: (agent) => (
              <span class="named">
                <Avatar name={agent.display_name || agent.name} small />
                <span>
                  <b>{agent.display_name || agent.name}</b>
                  <br />
                  <span class="muted small">
                    {agent.name} · {word("role", agent.role)}
                  </span>
                </span>
              </span>
            ),
          },
          { title: t("presence"), cell: (agent) => <PresenceChip agent={agent} /> },
          {
            title: t("admin.skills"),
            cell: ({ skills }) => (
              <span class="chips">
                {Object.keys(skills).length === 0 && "–"}
                {Object.entries(skills).map(([name, level]) => (
                  <span key={name} class="chip">
                    {name} <b>{level}</b>
                  </span>
                ))}
              </span>
            ),
          },
          { title: t("admin.queues"), cell: ({ queues }) => (queues.length > 0 ? queues.join(", ") : t("queue.every")) },
          {
            title: t("acts"),
            acts: true,
            cell: (agent) => (
              <button class="btn small" onClick={() => setEditing(agent)}>
                <Icon of={Pencil} size={14} />
                {t("edit")}
              </button>
            ),
          },
        ]}
      />
      {editing && (
        <AgentDialog
          agent={editing === "new" ? null : editing}
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

function PresenceChip({ agent }: { agent: AgentAtWork }) {
  if (!agent.active) return <span class="chip bad">{t("agent.inactive")}</span>;
  if (!agent.connected) return <span class="chip">{t("presence.away")}</span>;
  if (agent.closed) return <span class="chip warn" title={agent.closed}>{t("site.is_closed")}</span>;
  if (agent.presence === "ready") return <span class="chip good">{t("presence.ready")}</span>;
  return <span class="chip warn">{word("reason", agent.reason || "not_ready")}</span>;
}

const ROLES: Role[] = ["agent", "supervisor", "admin"];

function AgentDialog(props: { agent: AgentAtWork | null; onClose(): void; onSaved(): void }) {
  const { agent } = props;
  const [form, setForm] = useState({
    name: agent?.name ?? "",
    display_name: agent?.display_name ?? "",
    role: agent?.role ?? ("agent" as Role),
    skills: skillsText(agent?.skills ?? {}),
    queues: (agent?.queues ?? []).join(", "),
    groups: (agent?.groups ?? []).join(", "),
    capacity: skillsText(agent?.capacity ?? {}),
    site: agent?.site ?? "",
    active: agent?.active ?? true,
    password: "",
  });
  const editor = useEditor("agents", props.onSaved);
  const change = (part: Partial<typeof form>) => setForm({ ...form, ...part });
  const list = (text: string) => text.split(",").map((part) => part.trim()).filter(Boolean);
  const name = form.name.trim();
  return (
    <EditDialog
      title={agent ? t("edit.of", { name: agent.name }) : t("agent.add")}
      busy={editor.busy}
      problem={editor.general}
      ready={name !== ""}
      onClose={props.onClose}
      onSave={() =>
        void editor.save(name, {
          name,
          display_name: form.display_name.trim(),
          role: form.role,
          skills: skillsFrom(form.skills),
          queues: list(form.queues),
          groups: list(form.groups),
          capacity: skillsFrom(form.capacity) as Partial<Record<ChannelKind, number>>,
          site: form.site.trim(),
          active: form.active,
          ...(form.password && { password: form.password }),
        })
      }
    >
      <TextField label={t("name")} value={form.name} locked={agent !== null} wrong={editor.wrong("name")} hint={t("agent.name_hint")} onChange={(text) => change({ name: text })} />
      <TextField label={t("display_name")} value={form.display_name} wrong={editor.wrong("display_name")} onChange={(text) => change({ display_name: text })} />
      <label class="field">
        <span>{t("role")}</span>
        <select class="input" value={form.role} onChange={(event) => change({ role: event.currentTarget.value as Role })}>
          {ROLES.map((role) => (
            <option key={role} value={role}>
              {word("role", role)}
            </option>
          ))}
        </select>
      </label>
      <TextField label={t("admin.skills")} value={form.skills} wrong={editor.wrong("skills")} hint={t("skills.hint")} onChange={(text) => change({ skills: text })} />
      <TextField label={t("admin.queues")} value={form.queues} wrong={editor.wrong("queues")} hint={t("agent.queues_hint")} onChange={(text) => change({ queues: text })} />
      <TextField label={t("agent.capacity")} value={form.capacity} wrong={editor.wrong("capacity")} hint={t("agent.capacity_hint")} onChange={(text) => change({ capacity: text })} />
      <TextField label={t("site")} value={form.site} wrong={editor.wrong("site")} hint={t("agent.site_hint")} onChange={(text) => change({ site: text })} />
      <TextField secret label={t("agent.password")} value={form.password} wrong={editor.wrong("password")} hint={t("agent.password_hint")} onChange={(text) => change({ password: text })} />
      <label class="check">
        <input type="checkbox" checked={form.active} onChange={(event) => change({ active: event.currentTarget.checked })} />
        {t("agent.active")}
      </label>
    </EditDialog>
  );
}
