import { BadgeCheck, CircleHelp, type IconNode, Lock, Reply, ShieldAlert, TriangleAlert, Users } from "lucide";
import type { ComponentChildren } from "preact";
import { type Key, t } from "../i18n";
import type { Signs } from "../protocol";
import { Icon } from "../ui/Icon";

type Proof = NonNullable<Signs["proof"]>;

const MARKS: Record<Exclude<Proof, "">, IconNode> = {
  verified: BadgeCheck,
  no_server: CircleHelp,
  no_result: CircleHelp,
  weak: CircleHelp,
  unclear: ShieldAlert,
  failed: ShieldAlert,
};

/** Whether our own mail server vouches for the sender, in a word; why, for who asks. */
export function SenderProof({ signs }: { signs: Signs }) {
  const proof = signs.proof ?? "";
  if (!proof) return null;
  return (
    <details class={`sender-proof ${proof}`}>
      <summary>
        <Icon of={MARKS[proof]} size={14} />
        {t(proof === "verified" ? "signs.verified" : "signs.not_verified")}
      </summary>
      <p>{t(`signs.proof_${proof}` as Key)}</p>
      {signs.checks && signs.checks.length > 0 && (
        <ul class="num">
          {signs.checks.map((check) => (
            <li key={check}>{check}</li>
          ))}
        </ul>
      )}
    </details>
  );
}

/** What one should know before believing or answering it. */
export function SenderNotes({ signs }: { signs: Signs }) {
  return (
    <>
      {signs.seems && (
        <Note of={TriangleAlert} warn>
          {t("signs.seems", { who: signs.seems })}
        </Note>
      )}
      {signs.list && <Note of={Users}>{t("signs.list", { list: signs.list })}</Note>}
      {signs.reply_to && signs.reply_to !== signs.list && (
        <Note of={Reply}>{t("signs.reply_to", { address: signs.reply_to })}</Note>
      )}
      {signs.sealed?.map((seal) => (
        <Note key={seal} of={Lock}>
          {t(`signs.${seal}`)}
        </Note>
      ))}
    </>
  );
}

function Note({ of, warn, children }: { of: IconNode; warn?: boolean; children: ComponentChildren }) {
  return (
    <p class={warn ? "mail-note warn" : "mail-note"} role="note">
      <Icon of={of} size={15} />
      <span>{children}</span>
    </p>
  );
}
