import {
  ArrowLeft,
  ArrowRightLeft,
  CalendarClock,
  Check,
  CircleHelp,
  CirclePause,
  Copy,
  EllipsisVertical,
  GitMerge,
  Link,
  PhoneOutgoing,
  Scissors,
  Tag,
  UserRound,
  X,
  Zap,
} from "lucide";
import { useState } from "preact/hooks";
import { caseByNumber } from "../api/resources";
import { t, word } from "../i18n";
import type { Case, CaseView, CustomerBrief, ItemView } from "../protocol";
import { copyText, Kind, whoIs } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { Menu, MenuItem } from "../ui/Menu";
import { say } from "../ui/toast";
import { DueChip } from "../ui/Due";
import { since } from "../ui/time";
import { closing, customerOpen, dialog, park, tag } from "./acts";
import { closeConversation } from "./route";
import { desk } from "./store";
import { TieChips } from "./Ties";

interface Props {
  item: ItemView | null;
  view: CaseView | Case | undefined;
  number: number;
  customer: CustomerBrief | null;
}

export function ConversationHead({ item, view, number, customer }: Props) {
  const kind = item?.kind ?? (view && "kind" in view ? view.kind : undefined);
  return (
    <header class="conversation-head">
      <div class="head-line">
        <button class="btn quiet icon back" aria-label={t("back")} onClick={closeConversation}>
          <Icon of={ArrowLeft} size={19} />
        </button>
        {kind && <Kind kind={kind} />}
        <div class="head-title">
          <h1 class="cut" dir="auto">
            {(item?.subject || view?.subject) ?? ""}
            {!view && <span class="skeleton" style={{ width: "220px" }} />}
          </h1>
          <p class="head-sub cut muted">
            {whoIs(item, customer)}
            {item && <> · {item.queue}</>}
            {item && <> · {t("item.in_hand", { time: since(item.assigned_at ?? item.created_at) })}</>}
          </p>
        </div>
        {item && <Acts item={item} />}
        <button
          class="btn icon customer-toggle"
          aria-pressed={customerOpen.value}
          aria-label={t("customer")}
          title={`${t("customer")} (I)`}
          onClick={() => (customerOpen.value = !customerOpen.value)}
        >
          <Icon of={UserRound} size={17} />
        </button>
      </div>
      <div class="head-facts">
        <button class="chip number" title={t("number.copy")} onClick={() => void copyText(`#${number}`)}>
          #{number}
          <Icon of={Copy} size={12} />
        </button>
        <button class="chip" title={t("ticket.copy")} aria-label={t("ticket.copy")} onClick={() => void copyLink(number)}>
          <Icon of={Link} size={12} />
          {t("ticket.link")}
        </button>
        {view && <span class={`chip ${statusTone(view.status)}`}>{word("status", view.status)}</span>}
        {item && <DueChip item={item} />}
        {item && item.priority > 0 && <span class="chip info">{t("item.priority", { n: item.priority })}</span>}
        {view && view.type === "incident" && <span class="chip bad">{word("type", view.type)}</span>}
        {view && view.level > 1 && <span class="chip">{t("case.level", { n: view.level })}</span>}
        {item && (
          <button class="chip" aria-haspopup="dialog" onClick={() => (dialog.value = { kind: "why", item })}>
            <Icon of={CircleHelp} size={12} />
            {t("why.me")}
          </button>
        )}
        {view?.links && <TieChips number={number} links={view.links} editable={item !== null} />}
        {view && <Tags view={view} editable={item !== null} />}
      </div>
    </header>
  );
}

/** Asked for when it is wanted: it is as good as the customer's word, and stands on no screen. */
async function copyLink(number: number): Promise<void> {
  try {
    const { ticket_url } = await caseByNumber(number);
    if (ticket_url) await copyText(ticket_url, t("ticket.copied"));
    else say(t("ticket.none"), true);
  } catch (error) {
    say(error instanceof Error ? error.message : t("copy.failed"), true);
  }
}

function statusTone(status: string): string {
  return { open: "accent", waiting: "warn", promised: "info", solved: "good" }[status] ?? "";
}

function Acts({ item }: { item: ItemView }) {
  const active = item.state === "assigned";
  const coming = item.state === "offered"; // accepted a moment ago, not confirmed yet
  const transfer = () => (dialog.value = { kind: "transfer", item });
  const promise = () => (dialog.value = { kind: "promise", item });
  const callback = () => (dialog.value = { kind: "callback", item });
  const macro = () => (dialog.value = { kind: "palette", item });
  const merge = () => (dialog.value = { kind: "merge", number: item.number, customer: item.customer });
  const split = () => (dialog.value = { kind: "split", number: item.number, queue: item.queue });
  const wait = () => void park(item).catch(() => undefined);
  const finish = () => (closing.value = closing.value === item.id ? null : item.id);
  return (
    <div class="head-acts">
      <span class="head-buttons">
        <button class="btn small" title={`${t("transfer")} (T)`} disabled={coming} onClick={transfer}>
          <Icon of={ArrowRightLeft} size={15} />
          {t("transfer")}
        </button>
        <button
          class="btn small icon"
          title={`${t("promise")} (P)`}
          aria-label={t("promise")}
          disabled={coming}
          onClick={promise}
        >
          <Icon of={CalendarClock} size={15} />
        </button>
        <button
          class="btn small icon"
          title={`${t("callback")} (B)`}
          aria-label={t("callback")}
          disabled={coming}
          onClick={callback}
        >
          <Icon of={PhoneOutgoing} size={15} />
        </button>
        <button
          class="btn small icon"
          title={`${t("macro.many")} (M)`}
          aria-label={t("macro.many")}
          disabled={coming}
          onClick={macro}
        >
          <Icon of={Zap} size={15} />
        </button>
        <Menu label={t("ties.more")} align="right" buttonClass="btn small icon" button={<Icon of={GitMerge} size={15} />}>
          <MenuItem onChoose={merge} disabled={coming}>
            <Icon of={GitMerge} />
            {t("ties.merge")}
          </MenuItem>
          <MenuItem onChoose={split} disabled={coming}>
            <Icon of={Scissors} />
            {t("ties.split")}
          </MenuItem>
        </Menu>
        <button class="btn small" title={`${t("park.title")} (W)`} disabled={!active} onClick={wait}>
          <Icon of={CirclePause} size={15} />
          {t("park")}
        </button>
        <button
          class="btn small"
          title={`${t("finish.title")} (E)`}
          aria-pressed={closing.value === item.id || item.state === "wrapping"}
          disabled={!active}
          onClick={finish}
        >
          <Icon of={Check} size={15} />
          {t("finish")}
        </button>
      </span>
      <span class="head-menu">
        <Menu label={t("more")} align="right" buttonClass="btn icon" button={<Icon of={EllipsisVertical} />}>
          <MenuItem onChoose={transfer} disabled={coming}>
            <Icon of={ArrowRightLeft} />
            {t("transfer")}
          </MenuItem>
          <MenuItem onChoose={promise} disabled={coming}>
            <Icon of={CalendarClock} />
            {t("promise")}
          </MenuItem>
          <MenuItem onChoose={callback} disabled={coming}>
            <Icon of={PhoneOutgoing} />
            {t("callback")}
          </MenuItem>
          <MenuItem onChoose={macro} disabled={coming}>
            <Icon of={Zap} />
            {t("macro.many")}
          </MenuItem>
          <MenuItem onChoose={merge} disabled={coming}>
            <Icon of={GitMerge} />
            {t("ties.merge")}
          </MenuItem>
          <MenuItem onChoose={split} disabled={coming}>
            <Icon of={Scissors} />
            {t("ties.split")}
          </MenuItem>
          <MenuItem onChoose={wait} disabled={!active}>
            <Icon of={CirclePause} />
            {t("park")}
          </MenuItem>
          <MenuItem onChoose={finish} disabled={!active}>
            <Icon of={Check} />
            {t("finish")}
          </MenuItem>
        </Menu>
      </span>
    </div>
  );
}

function Tags({ view, editable }: { view: CaseView | Case; editable: boolean }) {
  const [text, setText] = useState<string | null>(null);
  const add = () => {
    const name = text?.trim();
    if (name && !view.tags.includes(name)) tag(view.id, [name], []);
    setText(null);
  };
  const known = [...new Set(Object.values(desk.value.items).flatMap((item) => item.case.tags))];
  return (
    <>
      {view.tags.map((name) => (
        <span key={name} class="chip">
          <Icon of={Tag} size={11} />
          {name}
          {editable && (
            <button aria-label={t("tag.remove", { name })} onClick={() => tag(view.id, [], [name])}>
              <Icon of={X} size={11} />
            </button>
          )}
        </span>
      ))}
      {editable && text === null && (
        <button class="chip add-tag" onClick={() => setText("")}>
          <Icon of={Tag} size={11} />
          {t("tag.add")}
        </button>
      )}
      {text !== null && (
        <form
          class="tag-form"
          onSubmit={(event) => {
            event.preventDefault();
            add();
          }}
        >
          <input
            class="input"
            ref={(input) => {
              if (input && text === "") input.focus();
            }}
            list="known-tags"
            maxLength={60}
            aria-label={t("tag.add")}
            placeholder={t("tag.name")}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
            onBlur={add}
            onKeyDown={(event) => {
              if (event.key === "Escape") setText(null);
            }}
          />
          <datalist id="known-tags">
            {known.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </form>
      )}
    </>
  );
}
