import { Image, Paperclip, X } from "lucide";
import { useEffect, useState } from "preact/hooks";
import { attachmentBlob, limitsOf, upload, type Carried } from "../api/resources";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import type { Attachment, ItemView } from "../protocol";
import { fileSize } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { newId } from "../ui/ids";
import { asDataUrl } from "../ui/save";
import { say, sayError } from "../ui/toast";
import { changeDraft, draftOf, type Draft } from "./drafts";
import { freeName, IN_TEXT, markOf, unmarked } from "./inline";

interface Underway {
  id: string;
  name: string;
  size: number;
}

export interface Uploads {
  busy: Underway[];
  limits: Carried | undefined;
  add(files: File[]): void;
  /** Images go into the text, the rest beside it. */
  place(files: File[]): void;
}

const sum = (files: readonly { size: number }[]) => files.reduce((all, { size }) => all + size, 0);

/** Why a file cannot go along, and what to do instead; empty: it can. */
export function hindrance(file: { name: string; size: number }, before: number, limits: Carried | undefined): string {
  if (!limits) return "";
  if (file.size > limits.max_file_bytes) {
    return t("file.too_large", { name: file.name, size: fileSize(file.size), most: fileSize(limits.max_file_bytes) });
  }
  if (before + file.size > limits.max_attachment_bytes) {
    return t("file.too_much", { name: file.name, size: fileSize(before + file.size), most: fileSize(limits.max_attachment_bytes) });
  }
  return "";
}

/** Uploads of one item's answer; `insert` puts a mark where one is writing. */
export function useUploads(item: ItemView, insert: (mark: string) => void): Uploads {
  const [busy, setBusy] = useState<Underway[]>([]);
  const limits = useResource(`limits ${item.channel}`, () => limitsOf(item.channel)).data;
  const pictured = item.kind === "email" && limits?.html === true;

  const begin = (chosen: File[], inText: boolean) => {
    const taken = [...draftOf(item.id).attachments, ...busy].map(({ name }) => name);
    let size = sum(draftOf(item.id).attachments) + sum(busy);
    for (const given of chosen) {
      const why = hindrance(given, size, limits);
      if (why) {
        say(why, true);
        continue;
      }
      size += given.size;
      const marked = inText && pictured && IN_TEXT.has(given.type);
      const file = marked ? new File([given], freeName(given.name, taken), { type: given.type }) : given;
      taken.push(file.name);
      send(file, marked);
    }
  };
  const send = (file: File, marked: boolean) => {
    const id = newId();
    setBusy((old) => [...old, { id, name: file.name, size: file.size }]);
    if (marked) insert(markOf(file));
    upload(file, marked)
      .then((attachment) => changeDraft(item.id, { attachments: [...draftOf(item.id).attachments, attachment] }))
      .catch((error) => {
        if (marked) changeDraft(item.id, { body: unmarked(draftOf(item.id).body, file) });
        sayError(error);
      })
      .finally(() => setBusy((old) => old.filter((one) => one.id !== id)));
  };
  return { busy, limits, add: (files) => begin(files, false), place: (files) => begin(files, true) };
}

export function FileChips({ item, draft, uploads: { busy, limits } }: { item: ItemView; draft: Draft; uploads: Uploads }) {
  if (draft.attachments.length + busy.length === 0) return null;
  const size = sum(draft.attachments) + sum(busy);
  const remove = (file: Attachment) =>
    changeDraft(item.id, {
      attachments: draft.attachments.filter(({ id }) => id !== file.id),
      ...(file.inline_id && { body: unmarked(draft.body, file) }),
    });
  return (
    <ul class="file-chips">
      {draft.attachments.map((file) => (
        <li key={file.id} class="chip">
          <Mark file={file} />
          <span class="cut">{file.name}</span> {fileSize(file.size)}
          {file.inline_id && draft.body.includes(markOf(file)) && <span class="muted">{t("file.in_text")}</span>}
          <button aria-label={t("file.remove", { name: file.name })} onClick={() => remove(file)}>
            <Icon of={X} size={12} />
          </button>
        </li>
      ))}
      {busy.map((file) => (
        <li key={file.id} class="chip" role="status">
          {t("file.uploading", { name: file.name })}
        </li>
      ))}
      {limits && size > limits.max_attachment_bytes / 2 && (
        <li class="muted num file-sum">
          {t("file.sum", { size: fileSize(size), most: fileSize(limits.max_attachment_bytes) })}
        </li>
      )}
    </ul>
  );
}

/** An image in the text is recognised by how it looks: pasted ones have no names of their own. */
function Mark({ file }: { file: Attachment }) {
  const [look, setLook] = useState("");
  useEffect(() => {
    let current = true;
    if (file.inline_id) {
      attachmentBlob(file.id)
        .then(asDataUrl)
        .then((url) => current && setLook(url))
        .catch(() => undefined); // its name is there
    }
    return () => {
      current = false;
    };
  }, [file.id]);
  if (look) return <img class="chip-look" src={look} alt="" />;
  return <Icon of={file.inline_id ? Image : Paperclip} size={12} />;
}
