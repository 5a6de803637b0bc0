import { useState } from "preact/hooks";
import { useEditor } from "../admin/useEditor";
import { removeWords, type WordsKind } from "../api/wordings";
import { t } from "../i18n";
import { say, sayError } from "../ui/toast";
import { useUnsaved } from "./useUnsaved";

/** Saving and removing one: what is busy, what was refused where, and closing without losing words. */
export function useWords(kind: WordsKind, form: { name: string }, known: readonly string[], done: () => void, onClose: () => void) {
  const editor = useEditor(kind, done);
  const [going, setGoing] = useState(false);
  const close = useUnsaved(form, onClose);
  const name = form.name.trim();
  const taken = known.includes(name) ? t("wording.taken", { name }) : undefined;
  const remove = async () => {
    if (!confirm(t("wording.remove_sure", { name }))) return;
    setGoing(true);
    try {
      await removeWords(kind, name);
      say(t("wording.removed", { name }));
      done();
    } catch (error) {
      sayError(error);
      setGoing(false);
    }
  };
  return { ...editor, busy: editor.busy || going, name, taken, remove, close };
}
