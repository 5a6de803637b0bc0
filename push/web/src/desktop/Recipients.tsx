import { Pencil, Users } from "lucide";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import type { ItemView } from "../protocol";
import { Icon } from "../ui/Icon";
import { changeDraft, type Draft } from "./drafts";
import { addresses } from "./mail";

const plain = (address: string) => (/<([^<>]+)>\s*$/.exec(address)?.[1] ?? address).trim().toLowerCase();

/** Whether the customer is the only one who gets it. */
export function readAlone(item: ItemView, draft: Draft): boolean {
  const to = draft.to === null ? [item.address] : addresses(draft.to);
  const cc = draft.cc === null ? item.copies : addresses(draft.cc);
  return cc.length === 0 && to.length === 1 && plain(to[0]!) === plain(item.address);
}

/**
 * Where a mail goes: one line to read, three fields when one wants to change it. What came by a
 * mailing list is answered to its writer; the `list` gets it if one says so.
 */
export function Recipients({ item, draft, list }: { item: ItemView; draft: Draft; list: string }) {
  const [open, setOpen] = useState(draft.to !== null || draft.cc !== null || draft.subject !== null);
  const to = draft.to ?? item.address;
  const cc = draft.cc ?? item.copies.join(", ");
  const onList = !list || addresses(`${to},${cc}`).some((address) => plain(address) === list);
  const toList = !onList && (
    <button
      class="recipients"
      onClick={() => changeDraft(item.id, { cc: cc ? `${cc}, ${list}` : list })}
      title={t("mail.to_list_title", { list })}
    >
      <Icon of={Users} size={13} />
      <span class="cut">{t("mail.to_list")}</span>
    </button>
  );
  if (!open) {
    return (
      <>
        <button class="recipients" title={t("mail.change")} onClick={() => setOpen(true)}>
          <span class="cut">
            {t("mail.to", { list: to })}
            {cc && ` · ${t("mail.cc", { list: cc })}`}
          </span>
          <Icon of={Pencil} size={13} />
        </button>
        {toList}
      </>
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
      {toList}
      {field(t("mail.subject"), draft.subject ?? item.subject, (text) => changeDraft(item.id, { subject: text }))}
    </div>
  );
}
