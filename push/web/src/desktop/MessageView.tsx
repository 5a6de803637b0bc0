import { Check, CheckCheck, CircleAlert, Clock, Lock, LoaderCircle, SendHorizontal } from "lucide";
import { attachmentBlob } from "../api/resources";
import { t, word } from "../i18n";
import type { Message } from "../protocol";
import { Avatar } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { clock, full } from "../ui/time";
import { Afterthought } from "./Afterthought";
import { Files } from "./Files";
import { Invitations } from "./Invitation";
import { shownInText } from "./mail";
import { MailFrame } from "./MailFrame";
import { OriginalMenu } from "./Original";
import { SenderNotes, SenderProof } from "./SenderSigns";
import { Text } from "./Text";
import { Moved } from "./Ties";
import { type Line, speaker } from "./thread";
import { type Standing, standing } from "./delivery";
import { Undelivered } from "./Undelivered";

interface Place {
  line: Line;
  /** It goes on where the message before it ended: no name again. */
  follows: boolean;
  /** The next one goes on from here: the time stands there. */
  goesOn: boolean;
}

export function MessageView({ line, follows, goesOn }: Place) {
  const { message } = line;
  if (message.moved_to !== undefined) return <Moved message={message} />;
  if (message.direction === "system") {
    return (
      <p class="system-line">
        {message.body} <time dateTime={message.at}>{clock(message.at)}</time>
      </p>
    );
  }
  const letter = message.kind === "email" && message.direction !== "note";
  return letter ? <Letter line={line} /> : <Bubble line={line} follows={follows} goesOn={goesOn} />;
}

function Letter({ line }: { line: Line }) {
  const { message } = line;
  const out = message.direction === "out";
  return (
    <article class={out ? "letter out" : "letter"} aria-label={t("message.from", { who: speaker(message) })}>
      <header>
        <Avatar name={speaker(message)} small />
        <div class="letter-who">
          <span class="letter-line">
            <strong class="cut">{speaker(message)}</strong>
            <Stamp line={line} />
            {!line.pending && <OriginalMenu message={message} />}
          </span>
          {(message.to.length > 0 || message.cc.length > 0) && (
            <span class="letter-to muted">
              {message.to.length > 0 && t("mail.to", { list: message.to.join(", ") })}
              {message.cc.length > 0 && ` · ${t("mail.cc", { list: message.cc.join(", ") })}`}
            </span>
          )}
          {message.signs && <SenderProof signs={message.signs} />}
        </div>
      </header>
      {message.signs && <SenderNotes signs={message.signs} />}
      {message.subject && (
        <h2 class="letter-subject" dir="auto">
          {message.subject}
        </h2>
      )}
      <Invitations files={message.attachments} />
      {message.html ? (
        <MailFrame
          html={message.html}
          body={message.body}
          foldFrom={message.fold_from}
          files={message.attachments.map((file) => ({ ...file, load: () => attachmentBlob(file.id) }))}
        />
      ) : (
        <Text body={message.body} from={message.fold_from} />
      )}
      <Files files={besideText(message)} />
      <Undelivered message={message} />
    </article>
  );
}

/** What the text does not show itself. */
function besideText({ html, attachments }: Message) {
  const inText = shownInText(html, attachments);
  return attachments.filter(({ inline_id }) => !inText.has(inline_id));
}

function Bubble({ line, follows, goesOn }: Place) {
  const { message } = line;
  const side = message.direction === "in" ? "theirs" : message.direction === "note" ? "note" : "ours";
  return (
    <article
      class={`bubble ${side}${follows ? " follows" : ""}${line.pending ? " pending" : ""}`}
      aria-label={t("message.from", { who: speaker(message) })}
    >
      {!follows && (
        <header>
          {side === "note" && <Icon of={Lock} size={12} />}
          <strong>{side === "note" ? t("note.by", { who: speaker(message) }) : speaker(message)}</strong>
        </header>
      )}
      <div class="bubble-body">
        {message.deleted_at ? (
          <p class="muted">{t("message.deleted")}</p>
        ) : (
          <Afterthought message={message}>
            <Text body={message.body} from={message.fold_from} />
            <Files files={besideText(message)} />
          </Afterthought>
        )}
      </div>
      {!goesOn && (
        <footer>
          <Stamp line={line} />
        </footer>
      )}
      <Undelivered message={message} />
    </article>
  );
}

const MARKS: Record<Standing, typeof Check> = {
  delayed: Clock,
  unknown: CircleAlert,
  partly: CircleAlert,
  queued: Clock,
  sending: SendHorizontal,
  sent: Check,
  delivered: CheckCheck,
  read: CheckCheck,
  failed: CircleAlert,
};

/** When, and how far it has come. */
function Stamp({ line: { message, pending } }: { line: Line }) {
  if (pending) {
    return (
      <span class="stamp">
        <span class="spin">
          <Icon of={LoaderCircle} size={13} />
        </span>
        {t("delivery.pending")}
      </span>
    );
  }
  const delivery = standing(message);
  return (
    <span class="stamp">
      <time class="num" dateTime={message.at} title={full(message.at)}>
        {clock(message.at)}
      </time>
      {delivery && message.direction === "out" && (
        <span class={`delivery ${delivery}`} title={message.delivery_reason || undefined}>
          <Icon of={MARKS[delivery] ?? Clock} size={13} />
          {word("delivery", delivery)}
        </span>
      )}
    </span>
  );
}
