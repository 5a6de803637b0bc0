import { letters } from "../api/wordings";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import type { ItemView, Message } from "../protocol";
import { letterOf } from "./canned";
import { changeDraft, type Draft } from "./drafts";
import { filled, nearest } from "./macros";
import { full } from "../ui/time";

export interface Dress {
  /** Around what is written, as the customer will read it. */
  opening: string;
  closing: string;
  signature: string;
  /** The mail that goes along below, unless the agent takes it away. */
  quoted: Message | null;
  quote: boolean;
  /** It leaves as HTML too, in the house's frame. */
  framed: boolean;
}

const PLAIN: Dress = { opening: "", closing: "", signature: "", quoted: null, quote: false, framed: false };

/** What the node will put around a mail about this item. */
export function useDress(item: ItemView, draft: Draft, quotable: Message | null, me: string, queueName: string): Dress {
  const mail = item.kind === "email";
  const known = useResource(mail ? "letters" : null, letters);
  if (!mail) return PLAIN;
  const letter = letterOf(known.data?.items ?? [], item.queue);
  const text = (of: Parameters<typeof nearest>[0]) => {
    const found = nearest(of, item.language);
    return found === null ? "" : filled(found, item, me, queueName);
  };
  const wanted = draft.quote ?? letter?.quote ?? false;
  return {
    opening: text(letter?.opening ?? null),
    closing: text(letter?.closing ?? null),
    signature: text(letter?.signature ?? null),
    quoted: quotable,
    quote: wanted && quotable !== null,
    framed: letter !== null && letter.html !== null && nearest(letter.html, item.language) !== null,
  };
}

/** What stands above what is written. */
export function LetterHead({ dress: { opening } }: { dress: Dress }) {
  if (!opening) return null;
  return (
    <p class="letter-part" dir="auto" title={t("letter.added")}>
      {opening}
    </p>
  );
}

/** What stands below it: how it ends, the signature, and the mail that is answered. */
export function LetterFoot({ item, dress }: { item: ItemView; dress: Dress }) {
  const { closing, signature, quoted, quote, framed } = dress;
  const foot = [closing, signature && `-- \n${signature}`].filter(Boolean).join("\n\n");
  if (!foot && !quoted && !framed) return null;
  return (
    <div class="letter-foot">
      {foot && (
        <p class="letter-part" dir="auto" title={t("letter.added")}>
          {foot}
        </p>
      )}
      {framed && <p class="letter-part">{t("letter.framed")}</p>}
      {quoted && (
        <div class="letter-quote">
          <label>
            <input
              type="checkbox"
              checked={quote}
              onChange={(event) => changeDraft(item.id, { quote: event.currentTarget.checked })}
            />
            {t("letter.quote")}
          </label>
          {quote && (
            <details>
              <summary>{t("letter.quote_of", { who: quoted.author.name || quoted.author.id, when: full(quoted.at) })}</summary>
              <blockquote dir="auto">{quoted.body}</blockquote>
            </details>
          )}
        </div>
      )}
    </div>
  );
}
