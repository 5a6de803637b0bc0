import { ChevronDown, CircleCheckBig, CirclePause, Link2Off, Lock, MailWarning, MessageSquareText, Paperclip, Reply, SendHorizontal, StickyNote } from "lucide";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { queues } from "../api/resources";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import type { ItemView, Message, Note, Send } from "../protocol";
import { fileSize } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { Menu, MenuItem } from "../ui/Menu";
import { dialog, writing } from "./acts";
import { useCanned } from "./CannedPicker";
import { changeDraft, clearReply, draftOf, type Draft } from "./drafts";
import { htmlOf } from "./inline";
import { addresses } from "./mail";
import { type Dress, LetterFoot, LetterHead, useDress } from "./LetterParts";
import { Recipients, readAlone } from "./Recipients";
import { desk, order } from "./store";
import { SegmentCount, TextState } from "./TextFoot";
import { useTyping } from "./typing";
import { Via } from "./Via";
import { FileChips, useUploads } from "./uploads";
import "./composer.css";

type Then = "wait" | "close" | null;

const LIMIT = 200_000; // the protocol's; a channel may refuse less, in words

export function Composer({ item, quotable }: { item: ItemView; quotable: Message | null }) {
  const draft = draftOf(item.id);
  // where there only is a number to call, nothing can be written to the customer
  const mute = item.no_reply === true;
  const note = mute || draft.mode === "note";
  const area = useRef<HTMLTextAreaElement>(null);
  const files = useUploads(item, (mark) => putHere(mark));
  const typing = useTyping(item);
  const wanted = writing.value?.item === item.id ? writing.value : null;
  const body = note ? draft.note : draft.body;
  const assigned = item.state === "assigned";
  // an offer that was just accepted can be written to already, and sent once it is confirmed
  const writable = assigned || item.state === "offered";
  const worth = body.trim() !== "" && body.length <= LIMIT;
  const welcome = note || !item.stopped || draft.via !== null; // who has said stop is written to no more
  const sendable = assigned && worth && welcome && files.busy.length === 0;
  // whoever says so by the keyboard a moment too soon is not to say it twice
  const [soon, setSoon] = useState<{ then: Then } | null>(null);

  const places = useResource("queues", queues);
  const queueName = places.data?.items.find(({ name }) => name === item.queue)?.display_name || item.queue;
  const agent = desk.value.session?.agent;
  const me = agent?.display_name || agent?.name || "";
  const dress = useDress(item, draft, quotable, me, queueName);
  // the node leaves the link to the customer's own page out where others would read it
  const links = [draft.body, dress.opening, dress.closing, dress.signature].some((text) => text.includes("{ticket_url}"));
  const unlinked = item.kind === "email" && links && !readAlone(item, draft);
  const put = (from: number, to: number, text: string) => {
    const whole = draftOf(item.id).body;
    changeDraft(item.id, { body: whole.slice(0, from) + text + whole.slice(to) });
    // once the field has the new text
    requestAnimationFrame(() => area.current?.setSelectionRange(from + text.length, from + text.length));
  };
  const putHere = (text: string) => {
    const field = area.current;
    const at = field ? field.selectionStart : draftOf(item.id).body.length;
    const gap = at > 0 && !/\s$/.test(draftOf(item.id).body.slice(0, at)) ? " " : "";
    put(at, at, gap + text);
  };
  const picker = useCanned(item, me, queueName, put);

  // before the next key, hence no later than the layout; a dialog keeps the focus until it closes
  useLayoutEffect(() => {
    if (!wanted) return;
    if (wanted.mode && wanted.mode !== draft.mode) changeDraft(item.id, { mode: wanted.mode });
    area.current?.focus();
    if (document.activeElement === area.current) writing.value = null;
  }, [wanted, dialog.value.kind]);

  const most = files.limits?.max_attachment_bytes;
  const attach = most === undefined ? t("attach") : t("attach.up_to", { most: fileSize(most) });
  const send = (then: Then) => {
    setSoon(sendable || !writable || !worth ? null : { then });
    if (!sendable) return;
    typing.stop();
    if (note) sendNote(item, draft);
    else sendReply(item, draft, then, dress);
    area.current?.focus();
  };

  useLayoutEffect(() => {
    if (soon && sendable) send(soon.then);
  }, [soon, sendable]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (!note && picker.key(event)) return;
    if (event.key === "Escape") return area.current?.blur();
    if (event.key !== "Enter" || event.isComposing) return;
    if (event.altKey) send("close");
    else if (event.ctrlKey || event.metaKey) send(event.shiftKey ? "wait" : null);
    else return;
    event.preventDefault();
  };

  return (
    <section
      class={note ? "composer note" : "composer"}
      aria-label={note ? t("note") : t("reply")}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        if (!note) files.place([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <div class="composer-top">
        <div class="seg" role="tablist" aria-label={t("composer.mode")}>
          {!mute && (
            <button role="tab" aria-selected={!note} onClick={() => changeDraft(item.id, { mode: "reply" })}>
              <Icon of={Reply} size={14} /> {t("reply")}
            </button>
          )}
          <button role="tab" aria-selected={note} onClick={() => changeDraft(item.id, { mode: "note" })}>
            <Icon of={StickyNote} size={14} /> {t("note")}
          </button>
        </div>
        {note ? (
          <span class="composer-hint">
            <Icon of={Lock} size={13} /> {t(mute ? "note.only" : "note.hint")}
          </span>
        ) : (
          <>
            <Via item={item} draft={draft} />
            {draft.via === null && item.kind === "email" && <Recipients item={item} draft={draft} list={quotable?.signs?.list ?? ""} />}
          </>
        )}
      </div>
      {!note && item.undeliverable && (
        <p class="composer-warn" role="status">
          <Icon of={MailWarning} size={14} />
          <span>{t("composer.undeliverable", { address: item.address, reason: item.undeliverable })}</span>
        </p>
      )}
      {!note && unlinked && (
        <p class="composer-warn" role="status">
          <Icon of={Link2Off} size={14} />
          <span>{t("composer.no_link")}</span>
        </p>
      )}
      {!note && <TextState item={item} put={(text) => put(0, body.length, text)} />}
      {!note && <LetterHead dress={dress} />}
      <div class="grow" data-text={`${body}\n`}>
        <textarea
          ref={area}
          rows={1}
          dir="auto"
          value={body}
          disabled={!writable}
          aria-label={note ? t("note.text") : t("reply.text")}
          placeholder={note ? t("note.placeholder") : t("reply.placeholder")}
          onInput={(event) => {
            const text = event.currentTarget.value;
            changeDraft(item.id, note ? { note: text } : { body: text });
            setSoon(null);
            if (!note) typing.type(text);
            if (!note) picker.look(event.currentTarget);
          }}
          onSelect={(event) => !note && picker.look(event.currentTarget)}
          onBlur={picker.close}
          {...(note ? {} : picker.aria)}
          onKeyDown={onKeyDown}
          onPaste={(event) => {
            const pasted = [...(event.clipboardData?.files ?? [])];
            if (pasted.length > 0 && !note) {
              event.preventDefault();
              files.place(pasted);
            }
          }}
        />
      </div>
      {!note && picker.view}
      {!note && <LetterFoot item={item} dress={dress} />}
      {!note && <FileChips item={item} draft={draft} uploads={files} />}
      <div class="composer-foot">
        {!note && (
          <label class="btn quiet icon" title={attach}>
            <Icon of={Paperclip} size={17} label={attach} />
            <input
              class="sr"
              type="file"
              multiple
              onChange={(event) => {
                files.add([...(event.currentTarget.files ?? [])]);
                event.currentTarget.value = "";
              }}
            />
          </label>
        )}
        {!note && (
          <button
            type="button"
            class="btn quiet icon"
            title={t("canned.open")}
            disabled={!writable}
            onClick={() => {
              const field = area.current;
              if (!field) return;
              const at = field.selectionStart;
              const gap = at > 0 && !/\s$/.test(field.value.slice(0, at)) ? " /" : "/";
              put(at, at, gap);
              field.focus();
              requestAnimationFrame(() => requestAnimationFrame(() => picker.look(field)));
            }}
          >
            <Icon of={MessageSquareText} size={17} label={t("canned.open")} />
          </button>
        )}
        <span class="composer-space">
          {!note && <SegmentCount item={item} via={draft.via} body={body} />}
          {body.length > LIMIT - 2000 && (
            <span class={body.length > LIMIT ? "wrong num" : "muted num"}>
              {t("composer.left", { n: LIMIT - body.length })}
            </span>
          )}
        </span>
        {note ? (
          <button class="btn primary" disabled={!sendable} onClick={() => send(null)}>
            {t("note.save")}
            <kbd>Ctrl ⏎</kbd>
          </button>
        ) : (
          <SendButtons disabled={!sendable} onSend={send} />
        )}
      </div>
    </section>
  );
}

function SendButtons({ disabled, onSend }: { disabled: boolean; onSend(then: Then): void }) {
  return (
    <span class="send">
      <button class="btn send-extra" disabled={disabled} title="Ctrl+Shift+Enter" onClick={() => onSend("wait")}>
        {t("send.wait")}
      </button>
      <button class="btn send-extra" disabled={disabled} title="Alt+Enter" onClick={() => onSend("close")}>
        {t("send.close")}
      </button>
      <button class="btn primary" disabled={disabled} title="Ctrl+Enter" onClick={() => onSend(null)}>
        <Icon of={SendHorizontal} />
        {t("send")}
        <kbd>Ctrl ⏎</kbd>
      </button>
      <span class="send-menu">
        <Menu label={t("send.more")} align="right" up buttonClass="btn icon" button={<Icon of={ChevronDown} />}>
          <MenuItem disabled={disabled} onChoose={() => onSend("wait")}>
            <Icon of={CirclePause} />
            {t("send.wait")}
          </MenuItem>
          <MenuItem disabled={disabled} onChoose={() => onSend("close")}>
            <Icon of={CircleCheckBig} />
            {t("send.close")}
          </MenuItem>
        </Menu>
      </span>
    </span>
  );
}

/** The text leaves the composer at once and stands in the thread as "sending"; a refusal brings it back. */
function sendReply(item: ItemView, draft: Draft, then: Then, dress: Dress): void {
  const html = item.kind === "email" && draft.via === null ? htmlOf(draft.body.trimEnd(), draft.attachments) : null;
  clearReply(item.id);
  order<Send>({
    t: "send",
    item: item.id,
    body: draft.body.trimEnd(),
    ...(html && { html }),
    ...(draft.via === null && draft.to !== null && { to: addresses(draft.to) }),
    ...(draft.via === null && draft.cc !== null && { cc: addresses(draft.cc) }),
    ...(draft.via === null && draft.subject !== null && { subject: draft.subject }),
    attachments: draft.attachments.map((file) => file.id),
    ...(then && { then }),
    ...(draft.via !== null && { via: draft.via }),
    ...(draft.via === null && dress.quote && dress.quoted && { quote: dress.quoted.id }),
  }).catch(() => restore(item.id, "body", draft));
}

function sendNote(item: ItemView, draft: Draft): void {
  changeDraft(item.id, { note: "", mode: "reply" });
  order<Note>({ t: "note", item: item.id, body: draft.note.trimEnd() }).catch(() =>
    restore(item.id, "note", draft),
  );
}

function restore(item: string, part: "body" | "note", old: Draft): void {
  const written = draftOf(item)[part];
  const text = written ? `${old[part]}\n\n${written}` : old[part];
  changeDraft(item, part === "note" ? { note: text, mode: "note" } : { ...old, body: text });
}
