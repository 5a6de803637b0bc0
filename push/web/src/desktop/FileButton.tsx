import { CalendarDays, Mail, Paperclip } from "lucide";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { fileSize } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { saveAs } from "../ui/save";
import { sayError } from "../ui/toast";
import { isCalendar } from "./mail";

interface Shown {
  name: string;
  type: string;
  size: number;
}

/** A file: saved by a click, never shown inline; what can be read here is opened. */
export function FileButton({ file, load, onOpen }: { file: Shown; load(): Promise<Blob>; onOpen?: () => void }) {
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    try {
      saveAs(await load(), file.name);
    } catch (error) {
      sayError(error);
    }
    setBusy(false);
  };
  return (
    <button
      class="file"
      disabled={busy}
      onClick={onOpen ?? (() => void save())}
      title={t(onOpen ? "file.open" : "file.save", { name: file.name })}
    >
      <Icon of={onOpen ? Mail : isCalendar(file) ? CalendarDays : Paperclip} size={15} />
      <span class="cut">{file.name}</span>
      <span class="muted num">{fileSize(file.size)}</span>
    </button>
  );
}
