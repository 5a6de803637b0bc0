import { Download, FileCode, RotateCw, ShieldCheck, Trash2 } from "lucide";
import { useState } from "preact/hooks";
import { quarantine, rawBlob, rawOf, type Quarantined } from "../api/resources";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import { fileSize, Skeleton } from "../ui/bits";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { Table } from "../ui/Table";
import { clock } from "../ui/time";
import { sayError } from "../ui/toast";
import { Section } from "./Section";
import { useSettle } from "./useSettle";

export function Quarantine() {
  const list = useResource("quarantine", quarantine, 10_000);
  const [open, setOpen] = useState<Quarantined | null>(null);
  const act = useSettle("quarantine", list.reload);
  return (
    <Section title={t("admin.quarantine")} lead={t("admin.quarantine_lead")}>
      <Table
        caption={t("admin.quarantine")}
        rows={list.data?.items}
        from={list}
        id={({ id }) => id}
        empty={t("quarantine.none")}
        emptyText={t("quarantine.none_text")}
        emptyIcon={ShieldCheck}
        columns={[
          { title: t("when"), cell: ({ at }) => <span class="num">{at ? clock(at) : ""}</span> },
          { title: t("channel"), cell: ({ channel }) => channel },
          {
            title: t("message"),
            cell: ({ subject, size }) => (
              <span>
                {subject || <span class="muted">{t("item.no_subject")}</span>}{" "}
                <span class="muted small num">{fileSize(size)}</span>
              </span>
            ),
          },
          { title: t("reason"), cell: ({ reason }) => <span class="reason">{reason}</span> },
          {
            title: t("acts"),
            acts: true,
            cell: (row) => (
              <>
                <button class="btn small" onClick={() => setOpen(row)}>
                  <Icon of={FileCode} size={14} />
                  {t("raw")}
                </button>
                <button class="btn small" onClick={() => void download(row)}>
                  <Icon of={Download} size={14} />
                  {t("quarantine.download")}
                </button>
                <button class="btn small" onClick={() => void act(row.id, "retry")}>
                  <Icon of={RotateCw} size={14} />
                  {t("retry")}
                </button>
                <button class="btn small" onClick={() => void act(row.id, "drop")}>
                  <Icon of={Trash2} size={14} />
                  {t("drop")}
                </button>
              </>
            ),
          },
        ]}
      />
      {open && <Raw row={open} onClose={() => setOpen(null)} />}
    </Section>
  );
}

/** Byte by byte as it came, for whoever has a program that can read it. */
async function download(row: Quarantined) {
  try {
    const url = URL.createObjectURL(await rawBlob(row.id));
    const link = Object.assign(document.createElement("a"), { href: url, download: `${row.channel}-${row.id}.eml` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch {
    sayError(new Error(t("quarantine.download_failed")));
  }
}

const SHOWN = 100_000;

/** As text, never as a document: whatever it is, it stays inert. */
function Raw({ row, onClose }: { row: Quarantined; onClose(): void }) {
  const raw = useResource(`raw ${row.id}`, () => rawOf(row.id));
  return (
    <Dialog title={t("raw.of", { channel: row.channel })} onClose={onClose} wide>
      <p class="wrong">{row.reason}</p>
      {raw.loading && !raw.data && <Skeleton lines={6} />}
      {raw.error && <p class="wrong">{raw.error.message}</p>}
      {raw.data !== undefined && <pre class="raw">{raw.data.slice(0, SHOWN)}</pre>}
      {(raw.data?.length ?? 0) > SHOWN && <p class="muted">{t("raw.cut")}</p>}
    </Dialog>
  );
}
