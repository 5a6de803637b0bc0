import { Copy, ExternalLink, KeyRound } from "lucide";
import { useEffect, useState } from "preact/hooks";
import { beginConsent, lookForConsent, type Consent, type ConsentWay } from "../api/channels";
import { t } from "../i18n";
import { copyText } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { clock } from "../ui/time";

/** Signing in at the provider: a code that is typed there, or a page that comes back to us. */
export function ConsentPart({ name, first, onGranted }: { name: string; first: Consent; onGranted(): void }) {
  const [consent, setConsent] = useState(first);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const begin = (way: ConsentWay) => {
    setBusy(true);
    setError("");
    beginConsent(name, way)
      .then(setConsent, (problem: Error) => setError(problem.message))
      .finally(() => setBusy(false));
  };
  const waiting = consent.state === "waiting";
  useEffect(() => {
    if (!waiting) return;
    const timer = setTimeout(() => {
      lookForConsent(name).then(
        (next) => {
          setConsent(next);
          if (next.state === "granted") onGranted();
        },
        // the next look may well succeed
        () => setConsent({ ...consent }),
      );
    }, Math.max(1, consent.every) * 1000);
    return () => clearTimeout(timer);
  }, [consent]);
  return (
    <section class="mailset-part" aria-label={t("mailset.consent")}>
      <h3 class="label">{t("mailset.consent")}</h3>
      <div role="status" class="mailset-consent">
        {consent.state === "granted" && <span class="chip good">{t("mailset.consent_granted")}</span>}
        {consent.state === "none" && <p class="muted small">{t("mailset.consent_none")}</p>}
        {consent.state === "refused" && <p class="wrong small">{consent.reason}</p>}
        {waiting && (
          <>
            {consent.code && (
              <p class="mailset-code">
                <span>{t("mailset.consent_type")}</span>
                <b class="mono">{consent.code}</b>
                <button type="button" class="btn small" onClick={() => void copyText(consent.code)}>
                  <Icon of={Copy} size={14} />
                  {t("copy.this")}
                </button>
              </p>
            )}
            <a class="btn small" href={consent.url} target="_blank" rel="noopener noreferrer">
              <Icon of={ExternalLink} size={14} />
              {t("mailset.consent_open")}
            </a>
            {consent.back && <p class="muted small">{t("mailset.consent_back", { url: consent.back })}</p>}
            <p class="muted small">
              {consent.until ? t("mailset.consent_until", { time: clock(consent.until) }) : t("mailset.consent_waits")}
              {consent.reason && ` · ${consent.reason}`}
            </p>
          </>
        )}
      </div>
      <div class="mailset-bar">
        {consent.ways.map((way) => (
          <button key={way} type="button" class="btn small" disabled={busy} onClick={() => begin(way)}>
            <Icon of={KeyRound} size={14} />
            {t(way === "code" ? "mailset.consent_code" : "mailset.consent_page")}
          </button>
        ))}
        {consent.ways.length === 0 && <span class="muted small">{t("mailset.consent_no_way")}</span>}
      </div>
      {error && (
        <p class="wrong small" role="alert">
          {error}
        </p>
      )}
    </section>
  );
}
