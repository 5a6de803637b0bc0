import { Lock, Pause, Play, Settings2 } from "lucide";
import { useState } from "preact/hooks";
import { channels, switchChannel, type ChannelInfo } from "../api/resources";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import type { ChannelKind } from "../protocol";
import { Kind } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { Table } from "../ui/Table";
import { say, sayError } from "../ui/toast";
import { Mailboxes } from "../setup/Mailboxes";
import { MailboxDialog } from "../mailboxes/MailboxDialog";
import { Section } from "./Section";

const TONE = { starting: "", up: "good", down: "bad", parked: "bad", paused: "warn", standby: "" } as const;

export function Channels() {
  const list = useResource("channels", channels, 5000);
  const [open, setOpen] = useState<{ name: string | null; declaredIn: string; round?: number } | null>(null);
  const act = async (channel: ChannelInfo, verb: "pause" | "resume") => {
    try {
      await switchChannel(channel.name, verb);
      say(t(verb === "pause" ? "channel.paused" : "channel.resumed", { name: channel.name }));
      list.reload();
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <Section
      title={t("admin.channels")}
      lead={t("admin.channels_lead")}
      add={{ label: t("mailset.add"), onClick: () => setOpen({ name: null, declaredIn: "" }) }}
      bare
    >
      <div class="card admin-card">
      <Table
        caption={t("admin.channels")}
        rows={list.data?.items}
        from={list}
        id={({ name }) => name}
        empty={t("channel.none")}
        emptyText={t("channel.none_text")}
        columns={[
          {
            title: t("name"),
            cell: (channel) => (
              <span class="named">
                <Kind kind={channel.kind as ChannelKind} />
                <span>
                  <b>{channel.name}</b>
                  <br />
                  <span class="muted small">{word("kind", channel.kind)}</span>
                </span>
              </span>
            ),
          },
          { title: t("queue"), cell: ({ queue }) => queue },
          {
            title: t("health"),
            cell: ({ health, reason, code }) => (
              <span class="health">
                <span class="health-chips">
                  <span class={`chip ${TONE[health]}`}>
                    <span class={`dot ${TONE[health]}`} />
                    {word("health", health)}
                  </span>
                  {code && <span class="chip">{word("fault", code)}</span>}
                </span>
                {reason && <span class="reason">{reason}</span>}
              </span>
            ),
          },
          {
            title: t("declared"),
            cell: ({ declared_in }) =>
              declared_in ? (
                <span class="muted small" title={`${t("declared.file")}: ${declared_in}`}>
                  <Icon of={Lock} size={12} /> {declared_in.split("/").at(-1)}
                </span>
              ) : (
                <span class="muted small">{t("declared.here")}</span>
              ),
          },
          {
            title: t("acts"),
            acts: true,
            cell: (channel) => (
              <>
              {channel.kind === "email" && (
                <button
                  class="btn small"
                  aria-label={`${t("mailset.open")}: ${channel.name}`}
                  onClick={() => setOpen({ name: channel.name, declaredIn: channel.declared_in })}
                >
                  <Icon of={Settings2} size={14} />
                  {t("mailset.open")}
                </button>
              )}
              {channel.health === "paused" || channel.health === "parked" ? (
                <button class="btn small" onClick={() => void act(channel, "resume")}>
                  <Icon of={Play} size={14} />
                  {t("channel.resume")}
                </button>
              ) : (
                <button class="btn small" onClick={() => void act(channel, "pause")}>
                  <Icon of={Pause} size={14} />
                  {t("channel.pause")}
                </button>
              )}
              </>
            ),
          },
        ]}
      />
      </div>
      <section class="card admin-card" aria-label={t("mailbox.title")}>
        <h2 class="admin-sub">{t("mailbox.title")}</h2>
        <p class="muted small mailbox-lead">{t("mailbox.lead")}</p>
        <Mailboxes list={list} />
      </section>
      {open && (
        <MailboxDialog
          key={`${open.name ?? ""} ${open.round ?? 0}`}
          name={open.name}
          declaredIn={open.declaredIn}
          onClose={() => setOpen(null)}
          onSaved={(name) => {
            setOpen(name === null ? null : { name, declaredIn: "", round: (open.round ?? 0) + 1 });
            list.reload();
          }}
        />
      )}
    </Section>
  );
}
