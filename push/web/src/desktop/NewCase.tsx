import { SendHorizontal } from "lucide";
import { useState } from "preact/hooks";
import { channels, queues } from "../api/resources";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import type { Compose } from "../protocol";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { readStored, writeStored } from "../ui/storage";
import { openItem } from "./route";
import { order } from "./store";

const DRAFT = "switchroom.draft_new";
const OUTWARD = ["email", "sms", "whatsapp"];
const blank = { channel: "", to: "", subject: "", body: "", queue: "" };

/** Starts a case with a first message from our side. */
export function NewCase({ onClose }: { onClose(): void }) {
  const [form, setForm] = useState({ ...blank, ...readStored(DRAFT, {}) });
  const [busy, setBusy] = useState(false);
  const ways = useResource("channels", channels);
  const places = useResource("queues", queues);
  const usable = (ways.data?.items ?? []).filter((channel) => OUTWARD.includes(channel.kind));
  const channel = usable.find(({ name }) => name === form.channel) ?? usable[0];
  const ready = channel && form.to.trim() && form.body.trim() && !busy;

  const change = (part: Partial<typeof form>) => {
    const next = { ...form, ...part };
    setForm(next);
    writeStored(DRAFT, next);
  };
  const submit = async () => {
    if (!ready) return;
    setBusy(true);
    try {
      const { body } = await order<Compose>({
        t: "compose",
        channel: channel.name,
        to: form.to.trim(),
        body: form.body.trimEnd(),
        subject: form.subject.trim(),
        ...(form.queue && { queue: form.queue }),
      });
      writeStored(DRAFT, null);
      onClose();
      if (typeof body.item === "string") openItem(body.item);
    } catch {
      setBusy(false);
    }
  };

  return (
    <Dialog
      title={t("case.new")}
      onClose={onClose}
      onSubmit={() => void submit()}
      wide
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>
            {t("cancel")}
          </button>
          <button class="btn primary" disabled={!ready}>
            <Icon of={SendHorizontal} />
            {t("send")}
          </button>
        </>
      }
    >
      {ways.data && usable.length === 0 && <p class="wrong">{t("new.no_channel")}</p>}
      <div class="two">
        <label class="field">
          <span>{t("channel")}</span>
          <select class="input" value={channel?.name} onChange={(event) => change({ channel: event.currentTarget.value })}>
            {usable.map(({ name, kind }) => (
              <option key={name} value={name}>
                {name} ({kind})
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>{t("queue")}</span>
          <select class="input" value={form.queue} onChange={(event) => change({ queue: event.currentTarget.value })}>
            <option value="">{t("new.channel_queue")}</option>
            {places.data?.items.map(({ name, display_name }) => (
              <option key={name} value={name}>
                {display_name || name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <label class="field">
        <span>{t("mail.to_label")}</span>
        <input
          class="input"
          autoFocus
          inputMode={channel?.kind === "email" ? "email" : "tel"}
          value={form.to}
          placeholder={channel?.kind === "email" ? "name@example.com" : "+34 600 000 000"}
          onInput={(event) => change({ to: event.currentTarget.value })}
        />
      </label>
      {channel?.kind === "email" && (
        <label class="field">
          <span>{t("mail.subject")}</span>
          <input class="input" dir="auto" value={form.subject} onInput={(event) => change({ subject: event.currentTarget.value })} />
        </label>
      )}
      <label class="field">
        <span>{t("message")}</span>
        <textarea
          class="input"
          rows={9}
          dir="auto"
          value={form.body}
          onInput={(event) => change({ body: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void submit();
          }}
        />
      </label>
    </Dialog>
  );
}
