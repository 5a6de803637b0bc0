import { Mails } from "lucide";
import type { Page } from "../api/http";
import type { ChannelInfo } from "../api/resources";
import type { Resource } from "../api/resource";
import { t } from "../i18n";
import { Table } from "../ui/Table";
import { clock, full } from "../ui/time";
import { compared, verdict } from "./mailbox";

const figure = (counts: Record<string, number>, what: string) =>
  what in counts ? counts[what]!.toLocaleString() : "–";

/** Each mailbox beside what is stored of it, and in words whether they agree. */
export function Mailboxes({ list }: { list: Resource<Page<ChannelInfo>> }) {
  return (
    <Table
      caption={t("mailbox.title")}
      rows={list.data?.items.filter(compared)}
      from={list}
      id={({ name }) => name}
      empty={t("mailbox.none")}
      emptyText={t("mailbox.none_text")}
      emptyIcon={Mails}
      columns={[
        { title: t("channel"), cell: ({ name }) => <b>{name}</b> },
        { title: t("mailbox.says"), cell: (channel) => <Says channel={channel} /> },
        { title: t("mailbox.server"), cell: ({ counts }) => <span class="num">{figure(counts, "server")}</span> },
        { title: t("mailbox.stored"), cell: ({ counts }) => <span class="num">{figure(counts, "stored")}</span> },
        {
          title: t("admin.quarantine"),
          cell: ({ counts }) =>
            counts.quarantined ? (
              <a class="num" href="#/quarantine" aria-label={t("mailbox.to_quarantine", { n: counts.quarantined })}>
                {counts.quarantined.toLocaleString()}
              </a>
            ) : (
              <span class="num">{figure(counts, "quarantined")}</span>
            ),
        },
        { title: t("mailbox.withheld"), cell: ({ counts }) => <span class="num">{figure(counts, "withheld")}</span> },
        { title: t("mailbox.gone"), cell: ({ counts }) => <span class="num">{figure(counts, "gone")}</span> },
        { title: t("mailbox.looked"), cell: ({ last_success }) => <When time={last_success} /> },
      ]}
    />
  );
}

function Says({ channel }: { channel: ChannelInfo }) {
  const { key, values, tone } = verdict(channel, clock);
  return (
    <span class="health">
      <span class="mailbox-says">
        <span class={`dot ${tone}`} />
        {t(key, values)}
      </span>
      {channel.health === "down" && channel.next_try && (
        <span class="muted small">
          {t("mailbox.next")}: <When time={channel.next_try} />
        </span>
      )}
    </span>
  );
}

function When({ time }: { time: string | null }) {
  return time ? (
    <span class="num" title={full(time)}>
      {clock(time)}
    </span>
  ) : (
    <span class="muted">–</span>
  );
}
