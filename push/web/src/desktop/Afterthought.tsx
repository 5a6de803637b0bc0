import { Pencil, Undo2 } from "lucide";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import type { Delete, Edit, Message } from "../protocol";
import { Icon } from "../ui/Icon";
import { serverNow } from "../ui/time";
import { desk, order, tell } from "./store";

/** A little less than the node gives. */
const WITHIN_MS = 55_000;
const LONGEST = 10_000;

/** What was said in a chat; for a minute its writer may say it otherwise, or take it back. */
export function Afterthought({ message, children }: { message: Message; children: ComponentChildren }) {
  const fresh = useFresh(message);
  const [text, setText] = useState<string | null>(null);
  const item = message.item ?? "";

  const save = () => {
    const body = text?.trim();
    if (!body) return;
    order<Edit>({ t: "edit", item, message: message.id, body })
      .then(() => setText(null))
      .catch(() => undefined); // the refusal has been said; the words stay
  };

  if (text !== null) {
    return (
      <form
        class="afterthought"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <textarea
          autofocus
          rows={3}
          dir="auto"
          maxLength={LONGEST}
          value={text}
          aria-label={t("message.edit")}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") setText(null);
            else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
            else return;
            event.preventDefault();
            event.stopPropagation();
          }}
        />
        <span class="afterthought-keys">
          <button type="button" class="btn small" onClick={() => setText(null)}>
            {t("cancel")}
          </button>
          <button class="btn small primary" disabled={!text.trim()}>
            {t("message.edit_save")}
          </button>
        </span>
      </form>
    );
  }
  return (
    <>
      {children}
      {message.edited_at && <span class="muted edited">{t("message.edited")}</span>}
      {fresh && (
        <span class="afterthought-keys">
          {message.body && (
            <button class="btn small quiet" onClick={() => setText(message.body)}>
              <Icon of={Pencil} size={13} /> {t("message.edit")}
            </button>
          )}
          <button class="btn small quiet" onClick={() => tell<Delete>({ t: "delete", item, message: message.id })}>
            <Icon of={Undo2} size={13} /> {t("message.take_back")}
          </button>
        </span>
      )}
    </>
  );
}

/** Whether it is one's own, said in a chat less than a minute ago. */
function useFresh(message: Message): boolean {
  const mine =
    message.direction === "out" &&
    message.kind === "webchat" &&
    message.at !== "" &&
    message.author.id === desk.value.session?.agent.name &&
    message.item !== null &&
    message.item in desk.value.items;
  const left = () => (mine ? Date.parse(message.at) + WITHIN_MS - serverNow() : 0);
  const [over, setOver] = useState(left() <= 0);
  useEffect(() => {
    const ms = left();
    setOver(ms <= 0);
    if (ms <= 0) return;
    const end = setTimeout(() => setOver(true), ms);
    return () => clearTimeout(end);
  }, [message.id, mine]);
  return mine && !over;
}
