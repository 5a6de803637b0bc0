import { ArrowLeft, Download, FileWarning } from "lucide";
import { useState } from "preact/hooks";
import { attachedMail, insideOf, type Person, type ShownFile, type ShownMail } from "../api/mails";
import { attachmentBlob } from "../api/resources";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import type { Attachment } from "../protocol";
import { Empty, Skeleton } from "../ui/bits";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { saveAs } from "../ui/save";
import { full } from "../ui/time";
import { sayError } from "../ui/toast";
import { FileButton } from "./FileButton";
import { InvitationOf } from "./Invitation";
import { MailFrame } from "./MailFrame";
import { HeaderTable } from "./Original";
import { SenderNotes } from "./SenderSigns";
import { isCalendar, isMail, shownInText } from "./mail";
import { Text } from "./Text";

/** A mail that came attached, read like any other; a mail in it is opened in its place. */
export function AttachedMail({ file, onClose }: { file: Attachment; onClose(): void }) {
  const [path, setPath] = useState<string[]>([]);
  const inside = path.at(-1) ?? "";
  const mail = useResource(`attached ${file.id} ${inside}`, () => attachedMail(file.id, inside));
  const save = () =>
    (inside ? insideOf(file.id, inside) : attachmentBlob(file.id)).then((blob) => saveAs(blob, nameOf(file, inside))).catch(sayError);
  const footer = (
    <>
      {path.length > 0 && (
        <button class="btn" onClick={() => setPath(path.slice(0, -1))}>
          <Icon of={ArrowLeft} />
          {t("attached.back")}
        </button>
      )}
      <button class="btn" onClick={() => void save()}>
        <Icon of={Download} />
        {t("attached.save")}
      </button>
    </>
  );
  return (
    <Dialog title={mail.data?.subject || t("attached.title")} onClose={onClose} wide footer={footer}>
      {!mail.data && mail.error && <Empty icon={FileWarning} title={t("attached.unreadable")} text={mail.error.message} />}
      {!mail.data && !mail.error && <Skeleton lines={6} />}
      {mail.data && <Mail key={inside} id={file.id} mail={mail.data} onOpen={(place) => setPath([...path, place])} />}
    </Dialog>
  );
}

const nameOf = (file: Attachment, inside: string) => (inside ? `${inside}.eml` : file.name);

function Mail({ id, mail, onOpen }: { id: string; mail: ShownMail; onOpen(path: string): void }) {
  const inText = shownInText(mail.html, mail.files);
  const load = ({ path }: ShownFile) => insideOf(id, path);
  return (
    <article class="attached" aria-label={t("attached.title")}>
      <dl class="attached-head">
        {mail.sender && <Row label={t("mail.from_label")} people={[mail.sender]} />}
        <Row label={t("mail.to_label")} people={mail.to} />
        <Row label={t("mail.cc_label")} people={mail.cc} />
        {mail.date && (
          <>
            <dt>{t("mail.date_label")}</dt>
            <dd>{full(mail.date)}</dd>
          </>
        )}
      </dl>
      <SenderNotes signs={mail.signs} />
      {mail.files.filter(isCalendar).map((file) => (
        <InvitationOf key={file.path} id={id} inside={file.path} />
      ))}
      {mail.html ? (
        <MailFrame
          html={mail.html}
          body={mail.body}
          foldFrom={mail.fold_from}
          files={mail.files.map((file) => ({ ...file, load: () => load(file) }))}
        />
      ) : (
        <Text body={mail.body} from={mail.fold_from} />
      )}
      <ul class="files">
        {mail.files
          .filter((file) => !inText.has(file.inline_id))
          .map((file) => (
            <li key={file.path}>
              <FileButton file={file} load={() => load(file)} onOpen={isMail(file) ? () => onOpen(file.path) : undefined} />
            </li>
          ))}
      </ul>
      <details class="attached-more">
        <summary>{t("original.header")}</summary>
        <HeaderTable fields={mail.fields} />
      </details>
    </article>
  );
}

function Row({ label, people }: { label: string; people: Person[] }) {
  if (people.length === 0) return null;
  return (
    <>
      <dt>{label}</dt>
      <dd dir="auto">{people.map(({ name, address }) => (name ? `${name} <${address}>` : address)).join(", ")}</dd>
    </>
  );
}
