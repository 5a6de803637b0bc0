import { useState } from "preact/hooks";
import { attachmentBlob } from "../api/resources";
import type { Attachment } from "../protocol";
import { AttachedMail } from "./AttachedMail";
import { FileButton } from "./FileButton";
import { isMail } from "./mail";
import { Picture } from "./Picture";

/** What came with a message. */
export function Files({ files }: { files: Attachment[] }) {
  const [opened, setOpened] = useState<Attachment | null>(null);
  if (files.length === 0) return null;
  return (
    <>
      <ul class="files">
        {files.map((file) => (
          <li key={file.id}>
            <Picture file={file} />
            <FileButton file={file} load={() => attachmentBlob(file.id)} onOpen={isMail(file) ? () => setOpened(file) : undefined} />
          </li>
        ))}
      </ul>
      {opened && <AttachedMail file={opened} onClose={() => setOpened(null)} />}
    </>
  );
}
