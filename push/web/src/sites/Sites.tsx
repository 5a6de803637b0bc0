import { Building2, DoorClosed, DoorOpen } from "lucide";
import { useState } from "preact/hooks";
import { Problem } from "../api/http";
import { putSite, sites, type SiteNow } from "../api/resources";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { Table } from "../ui/Table";
import { clock } from "../ui/time";
import { say, sayError } from "../ui/toast";
import "./sites.css";

const EVERY = 4000;
const STEP = 10;

/** Where agents sit, how far each place is open, and the acts of closing and opening it. */
export function Sites() {
  const list = useResource("sites", sites, EVERY);
  const [closing, setClosing] = useState<SiteNow | null>(null);
  const open = async (site: SiteNow) => {
    try {
      await putSite(site.name, { open_percent: 100 });
      say(t("site.opened", { name: site.name }));
      list.reload();
    } catch (problem) {
      sayError(problem);
    }
  };
  return (
    <>
      <Table
        caption={t("sites.title")}
        rows={list.data?.items}
        from={list}
        id={({ name }) => name}
        empty={t("sites.none")}
        emptyText={t("sites.none_text")}
        emptyIcon={Building2}
        columns={[
          { title: t("site"), cell: ({ name }) => <b>{name}</b> },
          { title: t("site.state"), cell: (site) => <State site={site} /> },
          {
            title: t("live.agents"),
            cell: (site) => (
              <span class="num">{t("site.people", { connected: site.connected, agents: site.agents })}</span>
            ),
          },
          {
            title: t("reason"),
            cell: (site) =>
              site.open_percent < 100 && (
                <span class="site-why">
                  <span>{site.reason}</span>
                  <span class="muted small">
                    {site.by}
                    {site.since && ` · ${clock(site.since)}`}
                  </span>
                </span>
              ),
          },
          {
            title: t("acts"),
            acts: true,
            cell: (site) => (
              <>
                <button class="btn small" onClick={() => setClosing(site)} aria-label={t("site.close_of", { name: site.name })}>
                  <Icon of={DoorClosed} size={14} />
                  {site.open_percent < 100 ? t("site.change") : t("site.close")}
                </button>
                {site.open_percent < 100 && (
                  <button class="btn small" onClick={() => void open(site)} aria-label={t("site.open_of", { name: site.name })}>
                    <Icon of={DoorOpen} size={14} />
                    {t("site.open")}
                  </button>
                )}
              </>
            ),
          },
        ]}
      />
      {closing && (
        <CloseDialog
          site={closing}
          onClose={() => setClosing(null)}
          onDone={(now) => {
            setClosing(null);
            say(t("site.closed", { name: now.name, closed: now.closed, agents: now.agents }));
            list.reload();
          }}
        />
      )}
    </>
  );
}

function State({ site }: { site: SiteNow }) {
  const shut = 100 - site.open_percent;
  const tone = shut === 0 ? "good" : shut === 100 ? "bad" : "warn";
  const text = shut === 0 ? t("site.is_open") : shut === 100 ? t("site.is_closed") : t("site.is_partly", { n: shut });
  return (
    <span class="site-state">
      <span class={`chip ${tone}`}>{text}</span>
      {shut > 0 && <span class="muted small">{t("site.out", { closed: site.closed })}</span>}
    </span>
  );
}

interface DialogProps {
  site: SiteNow;
  onClose(): void;
  onDone(now: SiteNow): void;
}

function CloseDialog({ site, onClose, onDone }: DialogProps) {
  const [shut, setShut] = useState(site.open_percent < 100 ? 100 - site.open_percent : 100);
  const [reason, setReason] = useState(site.reason);
  const [back, setBack] = useState(site.in_hand === "return");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      onDone(
        await putSite(site.name, {
          open_percent: 100 - shut,
          reason: reason.trim(),
          in_hand: back ? "return" : "keep",
        }),
      );
    } catch (problem) {
      setError(problem as Error);
      setBusy(false);
    }
  };
  const wrong = error instanceof Problem ? error.of("reason") : undefined;
  const ready = reason.trim() !== "" && !busy;
  return (
    <Dialog
      title={t("site.close_of", { name: site.name })}
      onClose={onClose}
      onSubmit={() => ready && void save()}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>
            {t("cancel")}
          </button>
          <button class="btn danger" disabled={!ready}>
            {shut === 100 ? t("site.close_all") : t("site.close_part", { n: shut })}
          </button>
        </>
      }
    >
      <p class="muted">{t("site.close_lead")}</p>
      <label class="field">
        <span>
          {t("site.how_much")} <b class="num">{shut} %</b>
        </span>
        <input
          type="range"
          class="site-range"
          min={STEP}
          max={100}
          step={STEP}
          value={shut}
          aria-valuetext={`${shut} %`}
          onInput={(event) => setShut(Number(event.currentTarget.value))}
        />
      </label>
      <label class="field">
        <span>{t("reason")}</span>
        <input
          class="input"
          required
          maxLength={500}
          autocomplete="off"
          value={reason}
          placeholder={t("site.reason_hint")}
          aria-invalid={wrong ? true : undefined}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
        <small class={wrong ? "wrong" : ""}>{wrong ?? t("site.reason_read")}</small>
      </label>
      <fieldset class="site-hands">
        <legend class="label">{t("site.in_hand")}</legend>
        <label class="check">
          <input type="radio" name="in_hand" checked={!back} onChange={() => setBack(false)} />
          {t("site.keep")}
        </label>
        <label class="check">
          <input type="radio" name="in_hand" checked={back} onChange={() => setBack(true)} />
          {t("site.return")}
        </label>
      </fieldset>
      {error && !wrong && (
        <p class="wrong" role="alert">
          {error.message}
        </p>
      )}
    </Dialog>
  );
}
