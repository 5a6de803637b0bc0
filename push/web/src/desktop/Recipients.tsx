import { Pencil } from "lucide";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import type { ItemView } from "../protocol";
import { Icon } from "../ui/Icon";
import { changeDraft, type Draft } from "./drafts";

/** Where a mail goes: one line to read, three fields when one wants to change it. */
export function Recipients({ item, draft }: { item: ItemView; draft: Draft }) {
  const [open, setOpen] = useState(draft.to !== null || draft.cc !== null || draft.subject !== null);
  const to = draft.to ?? item.address;
  const cc = draft.cc ?? item.copies.join(", ");
  if (!open) {
    return (
      <button class="recipients" title={t("mail.change")} onClick={() => setOpen(true)}>
        <span class="cut">
          {t("mail.to", { list: to })}
          {cc && ` · ${t("mail.cc", { list: cc })}`}
        </span>
        <Icon of={Pencil} size={13} />
      </button>
    );
  }
  const field = (label: string, value: string, change: (text: string) => void) => (
    <label class="recipient">
      <span>{label}</span>
      <input class="input" dir="auto" value={value} onInput={(event) => change(event.currentTarget.value)} />
    </label>
  );
  return (
    <div class="recipient-fields">
      {field(t("mail.to_label"), to, (text) => changeDraft(item.id, { to: text }))}
      {field(t("mail.cc_label"), cc, (text) => changeDraft(item.id, { cc: text }))}
      {field(t("mail.subject"), draft.subject ?? item.subject, (text) => changeDraft(item.id, { subject: text }))}
    </div>
  );
}
