import { t } from "../i18n";
import { foldQuoted, linked } from "./mail";

/** What somebody said, with links; what they only quote below it is folded away. */
export function Text({ body, from }: { body: string; from: number }) {
  const { said, quoted } = foldQuoted(body, from);
  return (
    <div class="text" dir="auto">
      <Linked text={said} />
      {quoted && (
        <details class="quoted">
          <summary aria-label={t("mail.quoted")} title={t("mail.quoted")}>
            …
          </summary>
          <div>{quoted}</div>
        </details>
      )}
    </div>
  );
}

function Linked({ text }: { text: string }) {
  return (
    <>
      {linked(text).map((part, index) =>
        part.href ? (
          <a key={index} href={part.href} target="_blank" rel="noopener noreferrer">
            {part.text}
          </a>
        ) : (
          part.text
        ),
      )}
    </>
  );
}
