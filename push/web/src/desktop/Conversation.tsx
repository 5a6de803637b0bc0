import { MessagesSquare, RotateCcw, Undo2 } from "lucide";
import { useEffect, useRef } from "preact/hooks";
import { caseByNumber, messagesOf } from "../api/resources";
import { said, type Said } from "../api/colleagues";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import type { Case, CaseView, ItemView, Message } from "../protocol";
import { Empty, Skeleton } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { merged } from "./chats";
import { closing, customerOpen, itemOf, reopen, resume } from "./acts";
import { Composer } from "./Composer";
import { ConversationHead } from "./ConversationHead";
import { CustomerPanel } from "./CustomerPanel";
import { aside, held } from "./held";
import { Owed } from "./Owed";
import { heard, learn, nameOf } from "./peers";
import { route } from "./route";
import { desk, items, markSeen, offers, pending, visible } from "./store";
import { Thread } from "./Thread";
import { type Line, thread, withAsked } from "./thread";
import { WrapUp } from "./WrapUp";
import "./conversation.css";
import "./messages.css";
import "./letter.css";

/** The ticket numbers of items that were open here: they can still be read after they left. */
const numbers = new Map<string, number>();

export function Conversation() {
  const here = route.value;
  const known = desk.value.snapshots > 0;
  const item = here.kind === "item" ? itemOf(here.id) : mineOfCase();
  if (item) numbers.set(item.id, item.number);
  const number = here.kind === "case" ? here.number : here.kind === "item" ? numbers.get(here.id) : undefined;

  if (item && !aside(item)) return <Opened key={item.id} item={item} number={item.number} />;
  if (number !== undefined) return <Opened key={number} item={null} number={number} />;
  return (
    <main id="conversation" class="conversation nothing" tabIndex={-1}>
      <h1 class="sr">{t("desktop")}</h1>
      {here.kind === "item" && !known ? (
        <div class="conversation-main">
          <Skeleton lines={8} />
        </div>
      ) : (
        <Empty
          icon={MessagesSquare}
          title={here.kind === "item" ? t("conversation.gone") : t("conversation.none")}
          text={offers.value.length > 0 ? t("conversation.offers") : t("conversation.none_text")}
        />
      )}
    </main>
  );
}

/** What was said among colleagues about an item: before, and since by frames. */
function useAsked(item: string | null): Said[] {
  const before = useResource(item && `asked ${item} ${desk.value.snapshots}`, () => said({ item: item! }, null, 200));
  const since = Object.values(heard.value).flatMap((list) => list.filter((one) => one.item === item));
  const all = item ? merged(before.data?.items ?? [], since) : [];
  useEffect(() => {
    learn(all.flatMap(({ from, agent }) => [from, agent ?? ""])).catch(() => undefined);
  }, [all.length]);
  return all;
}

function mineOfCase(): ItemView | undefined {
  const here = route.value;
  if (here.kind !== "case") return undefined;
  return items.value.find((item) => item.number === here.number && !aside(item));
}

function Opened({ item, number }: { item: ItemView | null; number: number }) {
  const messages = useResource(`messages ${number}`, () => messagesOf(number));
  const whole = useResource(item ? null : `case ${number}`, () => caseByNumber(number));
  const view: CaseView | Case | undefined = item?.case ?? whole.data;
  const customer = item?.customer ?? whole.data?.customer ?? null;

  const written = view
    ? thread(messages.data ?? [], desk.value, item?.id ?? null, view.id, pending.value)
    : [];
  const asked = useAsked(item?.id ?? null);
  const lines = view ? withAsked(written, asked, view.id, nameOf) : [];
  const last = written.findLast(({ pending, message }) => !pending && message.case === view?.id)?.message.seq ?? 0;

  // frames after a snapshot do not say what happened to the case before it
  const loadedAt = useRef(desk.value.snapshots);
  useEffect(() => {
    if (loadedAt.current === desk.value.snapshots) return;
    loadedAt.current = desk.value.snapshots;
    messages.reload();
  }, [desk.value.snapshots]);
  // nor what came with another case, or went to one
  const ties = (view?.links ?? []).map(({ how, number: other, at }) => `${how} ${other} ${at}`).join();
  const drawn = useRef<string | null>(null);
  useEffect(() => {
    if (view === undefined) return;
    if (drawn.current !== null && drawn.current !== ties) messages.reload();
    drawn.current = ties;
  }, [ties, view !== undefined]);
  // nor what was said in the case's other items; the frame of a message may be just behind
  const missing = view !== undefined && messages.data !== undefined && view.last_seq > last;
  useEffect(() => {
    if (!missing) return;
    const timer = setTimeout(messages.reload, 700);
    return () => clearTimeout(timer);
  }, [missing, view?.last_seq]);
  useEffect(() => {
    if (view && messages.data && visible.value) markSeen(view.id, Math.max(view.last_seq, last));
  }, [view?.id, view?.last_seq, last, messages.data !== undefined, visible.value]);

  const wrapping = item && (item.state === "wrapping" || closing.value === item.id);
  return (
    <main id="conversation" class="conversation" tabIndex={-1}>
      <div class="conversation-main">
        <ConversationHead item={item} view={view} number={number} customer={customer} />
        {view && <Owed item={item} number={number} status={view.status} />}
        <Thread
          lines={lines}
          item={item}
          loading={messages.loading && !messages.data}
          error={messages.error ?? whole.error}
          onRetry={() => {
            messages.reload();
            whole.reload();
          }}
        />
        {wrapping && item && <WrapUp item={item} />}
        {item && !wrapping && <Composer item={item} quotable={quotable(written)} />}
        {!item && view && <NotInHand view={view} number={number} />}
      </div>
      <aside class={customerOpen.value ? "customer open" : "customer"} aria-label={t("customer")}>
        <CustomerPanel
          brief={customer}
          item={item}
          number={number}
          lastSeq={Math.max(view?.last_seq ?? 0, last)}
          loading={!view && whole.loading}
        />
      </aside>
    </main>
  );
}

/** The mail that an answer would be about: the customer's last one. */
function quotable(written: readonly Line[]): Message | null {
  const theirs = ({ kind, direction, moved_to }: Message) =>
    kind === "email" && direction === "in" && moved_to === undefined;
  return written.findLast(({ message }) => theirs(message))?.message ?? null;
}

/** What can be done with a case that is not in this agent's hands now. */
function NotInHand({ view, number }: { view: CaseView | Case; number: number }) {
  const kept = held.value.find((item) => item.number === number);
  const over = view.status === "solved" || view.status === "closed";
  return (
    <div class="not-in-hand">
      <span>
        {kept
          ? t(kept.state === "held" ? "case.held" : "case.owed")
          : t("case.reading", { status: word("status", view.status).toLowerCase() })}
      </span>
      {kept ? (
        <button class="btn primary" onClick={() => resume(kept.id).catch(() => undefined)}>
          <Icon of={Undo2} />
          {t("case.resume")}
        </button>
      ) : (
        over && (
          <button class="btn primary" onClick={() => reopen(view.id).catch(() => undefined)}>
            <Icon of={RotateCcw} />
            {t("case.reopen")}
          </button>
        )
      )}
    </div>
  );
}
