import { Code, Download, FileWarning, MoreHorizontal } from "lucide";
import { useState } from "preact/hooks";
import { headerOf, type HeaderField, sourceOf } from "../api/mails";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import type { Message } from "../protocol";
import { Empty, Skeleton } from "../ui/bits";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { Menu, MenuItem } from "../ui/Menu";
import { saveAs } from "../ui/save";
import { sayError } from "../ui/toast";

/** So much of a mail's source is shown; all of it can be saved. */
const SHOWN = 200_000;

/** Reaching the mail as it came. */
export function OriginalMenu({ message }: { message: Message }) {
  const [open, setOpen] = useState(false);
  const save = () =>
    sourceOf(message.id)
      .then((blob) => saveAs(blob, `${message.subject.replace(/[^\p{L}\p{N} ._-]+/gu, "_").slice(0, 80) || "mail"}.eml`))
      .catch(sayError);
  return (
    <>
      <Menu label={t("original.menu")} align="right" buttonClass="btn quiet icon small" button={<Icon of={MoreHorizontal} />}>
        <MenuItem onChoose={() => setOpen(true)}>
          <Icon of={Code} />
          {t("original.show")}
        </MenuItem>
        <MenuItem onChoose={() => void save()}>
          <Icon of={Download} />
          {t("original.save")}
        </MenuItem>
      </Menu>
      {open && <Original message={message} onSave={() => void save()} onClose={() => setOpen(false)} />}
    </>
  );
}

function Original({ message, onSave, onClose }: { message: Message; onSave(): void; onClose(): void }) {
  const [source, setSource] = useState(false);
  const footer = (
    <button class="btn" onClick={onSave}>
      <Icon of={Download} />
      {t("original.save")}
    </button>
  );
  return (
    <Dialog title={t("original.title")} onClose={onClose} wide footer={footer}>
      <div class="seg" role="tablist" aria-label={t("original.title")}>
        <button role="tab" aria-selected={!source} onClick={() => setSource(false)}>
          {t("original.header")}
        </button>
        <button role="tab" aria-selected={source} onClick={() => setSource(true)}>
          {t("original.source")}
        </button>
      </div>
      {source ? <Source id={message.id} /> : <Header id={message.id} />}
    </Dialog>
  );
}

function Header({ id }: { id: string }) {
  const fields = useResource(`header ${id}`, () => headerOf(id));
  if (fields.data) return <HeaderTable fields={fields.data.items} />;
  return fields.error ? <Missing why={fields.error.message} /> : <Skeleton lines={8} />;
}

function Source({ id }: { id: string }) {
  const source = useResource(`source ${id}`, async () => {
    const blob = await sourceOf(id);
    return { text: await blob.slice(0, SHOWN).text(), cut: blob.size > SHOWN };
  });
  if (!source.data) return source.error ? <Missing why={source.error.message} /> : <Skeleton lines={8} />;
  return (
    <>
      {source.data.cut && <p class="hint">{t("original.cut")}</p>}
      <pre class="source" tabIndex={0} dir="ltr" aria-label={t("original.source")}>
        {source.data.text}
      </pre>
    </>
  );
}

function Missing({ why }: { why: string }) {
  return <Empty icon={FileWarning} title={t("original.missing")} text={why} />;
}

export function HeaderTable({ fields }: { fields: HeaderField[] }) {
  return (
    <dl class="header-fields">
      {fields.map(({ name, value }, index) => (
        <div key={index}>
          <dt>{name}</dt>
          <dd dir="auto">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
