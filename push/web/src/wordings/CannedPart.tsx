import { MessageSquareQuote } from "lucide";
import { useState } from "preact/hooks";
import { TextField, EditDialog } from "../admin/EditDialog";
import { skills } from "../api/resources";
import { useResource } from "../api/resource";
import { canned, type Canned } from "../api/wordings";
import { t, word } from "../i18n";
import type { ChannelKind } from "../protocol";
import { useQueues } from "../setup/useNames";
import { Chosen } from "./Chosen";
import { type EditorProps, Names, Tags, Words } from "./Words";
import { TextsField } from "./TextsField";
import { faultsOf, languagesOf, newRow, rowsOf, textsFrom } from "./texts";
import { useWords } from "./useWords";

const KINDS: ChannelKind[] = ["email", "webchat", "sms", "whatsapp", "telegram", "task"];

export function CannedPart() {
  const list = useResource("canned", canned);
  return (
    <Words<Canned>
      kind="canned"
      icon={MessageSquareQuote}
      list={list}
      columns={[
        {
          title: t("name"),
          order: ({ label, name }) => label || name,
          cell: ({ label, name }) => (
            <span>
              <b>{label || name}</b>
              {label && (
                <>
                  <br />
                  <span class="muted small mono">{name}</span>
                </>
              )}
            </span>
          ),
        },
        { title: t("wording.shortcut"), order: ({ shortcut }) => shortcut, cell: ({ shortcut }) => shortcut && <kbd>/{shortcut}</kbd> },
        { title: t("wording.languages"), cell: ({ texts }) => <Tags tags={languagesOf(texts)} /> },
        { title: t("admin.queues"), cell: ({ queues }) => <Names names={queues} /> },
        { title: t("admin.skills"), cell: ({ skills }) => <Names names={skills} /> },
        { title: t("wording.kinds"), cell: ({ kinds }) => <Names names={kinds.map((kind) => word("kind", kind))} /> },
      ]}
      Editor={CannedDialog}
    />
  );
}

function CannedDialog({ one, known, onClose, onDone }: EditorProps<Canned>) {
  const [form, setForm] = useState({
    name: one?.name ?? "",
    label: one?.label ?? "",
    shortcut: one?.shortcut ?? "",
    rows: one ? rowsOf(one.texts) : [newRow("")],
    queues: one?.queues ?? [],
    skills: one?.skills ?? [],
    kinds: (one?.kinds ?? []) as string[],
  });
  const change = (part: Partial<typeof form>) => setForm({ ...form, ...part });
  const { list: queues } = useQueues();
  const abilities = useResource("skills", skills);
  const words = useWords("canned", form, known, onDone, onClose);
  const { name, wrong } = words;
  const texts = textsFrom(form.rows);
  const { rows: _, ...rest } = form;
  return (
    <EditDialog
      wide
      title={one ? t("edit.of", { name: one.name }) : t("wording.canned_add")}
      busy={words.busy}
      problem={words.general}
      ready={name !== "" && !words.taken && texts !== null && faultsOf(form.rows).size === 0}
      onClose={words.close}
      onRemove={one ? () => void words.remove() : undefined}
      onSave={() => void words.save(name, { ...rest, name, label: form.label.trim(), shortcut: form.shortcut.trim(), texts })}
    >
      <div class="three">
        <TextField label={t("name")} value={form.name} locked={one !== null} wrong={words.taken ?? wrong("name")} hint={t("wording.name_hint")} onChange={(text) => change({ name: text })} />
        <TextField label={t("label")} value={form.label} wrong={wrong("label")} hint={t("wording.label_hint")} onChange={(text) => change({ label: text })} />
        <TextField label={t("wording.shortcut")} value={form.shortcut} wrong={wrong("shortcut")} hint={t("wording.shortcut_hint", { word: form.shortcut.trim() || "hello" })} onChange={(text) => change({ shortcut: text.replace(/^\//, "") })} />
      </div>
      <TextsField preview label={t("wording.text")} rows={form.rows} wrong={wrong("texts")} onChange={(rows) => change({ rows })} />
      <div class="three">
        <Chosen
          label={t("admin.queues")}
          known={(queues.data?.items ?? []).map(({ name, display_name }) => ({ name, shown: display_name || name }))}
          chosen={form.queues}
          hint={t("wording.queues_hint")}
          wrong={wrong("queues")}
          onChange={(names) => change({ queues: names })}
        />
        <Chosen
          label={t("admin.skills")}
          known={(abilities.data?.items ?? []).map(({ name, label }) => ({ name, shown: label || name }))}
          chosen={form.skills}
          hint={t("wording.skills_hint")}
          wrong={wrong("skills")}
          onChange={(names) => change({ skills: names })}
        />
        <Chosen
          label={t("wording.kinds")}
          known={KINDS.map((kind) => ({ name: kind, shown: word("kind", kind) }))}
          chosen={form.kinds}
          hint={t("wording.kinds_hint")}
          wrong={wrong("kinds")}
          onChange={(names) => change({ kinds: names })}
        />
      </div>
    </EditDialog>
  );
}
