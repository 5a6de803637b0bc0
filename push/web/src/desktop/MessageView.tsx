import { Check, CheckCheck, CircleAlert, Clock, Lock, LoaderCircle, Paperclip, SendHorizontal } from "lucide";
import { useState } from "preact/hooks";
import { attachmentBlob } from "../api/resources";
import { t, word } from "../i18n";
import type { Attachment } from "../protocol";
import { Avatar, fileSize } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { clock, full } from "../ui/time";
import { sayError } from "../ui/toast";
import { MailFrame } from "./MailFrame";
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
          </span>
          {(message.to.length > 0 || message.cc.length > 0) && (
            <span class="letter-to muted">
              {message.to.length > 0 && t("mail.to", { list: message.to.join(", ") })}
              {message.cc.length > 0 && ` · ${t("mail.cc", { list: message.cc.join(", ") })}`}
            </span>
          )}
        </div>
      </header>
      {message.subject && (
        <h2 class="letter-subject" dir="auto">
          {message.subject}
        </h2>
      )}
      {message.html ? <MailFrame message={message} /> : <Text body={message.body} from={message.fold_from} />}
      <Files files={message.attachments} />
      <Undelivered message={message} />
    </article>
  );
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
        <Text body={message.body} from={message.fold_from} />
        <Files files={message.attachments} />
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

function Files({ files }: { files: Attachment[] }) {
  const shown = files.filter((file) => !file.inline_id);
  if (shown.length === 0) return null;
  return (
    <ul class="files">
      {shown.map((file) => (
        <FileLink key={file.id} file={file} />
      ))}
    </ul>
  );
}

/** Files need the token, so they are fetched and saved rather than linked; never shown inline. */
function FileLink({ file }: { file: Attachment }) {
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    try {
      const url = URL.createObjectURL(await attachmentBlob(file.id));
      const link = document.createElement("a");
      link.href = url;
      link.download = file.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    } catch (error) {
      sayError(error);
    }
    setBusy(false);
  };
  return (
    <li>
      <button class="file" disabled={busy} onClick={() => void save()} title={t("file.save", { name: file.name })}>
        <Icon of={Paperclip} size={15} />
        <span class="cut">{file.name}</span>
        <span class="muted num">{fileSize(file.size)}</span>
      </button>
    </li>
  );
}
