import { MailCheck } from "lucide";
import { useEffect, useState } from "preact/hooks";
import { lookForProof, sendProof, type Proof, type Step } from "../api/channels";
import { t } from "../i18n";
import { Icon } from "../ui/Icon";
import { Steps } from "./Steps";

const LOOK_EVERY = 1500;

/** A mail to ourselves: sent by a click, watched until it arrives. */
export function ProofPart({ name }: { name: string }) {
  const [proof, setProof] = useState<Proof | null>(null);
  const [steps, setSteps] = useState<Step[]>([]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const failed = (problem: Error) => {
    setError(problem.message);
    setBusy(false);
    setProof(null);
  };
  const take = (next: Proof) => {
    setSteps((old) => [...old, ...next.steps]);
    setProof(next);
    if (next.done) setBusy(false);
  };
  const send = () => {
    setBusy(true);
    setError("");
    setSteps([]);
    setProof(null);
    sendProof(name).then(take, failed);
  };
  useEffect(() => {
    if (!proof || proof.done) return;
    let current = true;
    const timer = setTimeout(
      () => void lookForProof(name, proof).then((next) => current && take(next), (problem: Error) => current && failed(problem)),
      LOOK_EVERY,
    );
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [proof]);
  return (
    <section class="mailset-part" aria-label={t("mailset.proof")}>
      <div class="mailset-bar">
        <button type="button" class="btn small" disabled={busy} onClick={send}>
          <Icon of={MailCheck} size={14} />
          {t("mailset.proof")}
        </button>
        <span class="muted small">{busy ? t("mailset.proof_waits") : t("mailset.proof_hint")}</span>
      </div>
      <div role="status">
        <Steps steps={steps} />
        {error && <p class="wrong small">{error}</p>}
      </div>
    </section>
  );
}
