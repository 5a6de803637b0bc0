import { Coffee, Inbox, PenLine } from "lucide";
import { useEffect } from "preact/hooks";
import { t, word } from "../i18n";
import type { ItemView } from "../protocol";
import { Empty, Kind, sameWords, Skeleton, whoIs } from "../ui/bits";
import { DueLeft } from "../ui/Due";
import { Icon } from "../ui/Icon";
import { since } from "../ui/time";
import { dialog, goReady, mine } from "./acts";
import { hasDraft } from "./drafts";
import { held, loadHeld } from "./held";
import { docked, Offers } from "./Offers";
import { openCase, openItem, route } from "./route";
import { desk, isUnread, items, offers, offline } from "./store";
import { ToTake } from "./Takeable";
import "./list.css";

export function ItemList() {
  const known = desk.value.snapshots > 0;
  return (
    <nav class="list" aria-label={t("list.mine")}>
      <div class="list-head">
        <h2>{t("list.mine")}</h2>
        {known && <span class="chip num">{mine.value.length}</span>}
      </div>
      <div class="list-body scroll">
        {docked.value && dialog.value.kind === "none" && <Offers inList />}
        {!known && <Skeleton lines={6} />}
        {known && mine.value.length === 0 && <NothingYet />}
        <ul>
          {mine.value.map((item) => (
            <Row key={item.id} item={item} />
          ))}
        </ul>
        {known && <ToTake />}
        {known && <Held />}
      </div>
    </nav>
  );
}

function NothingYet() {
  const ready = desk.value.state?.state === "ready";
  if (offers.value.length > 0) return null; // the offer itself is the news
  return (
    <Empty
      icon={ready ? Inbox : Coffee}
      title={ready ? t("list.empty") : t("list.not_ready")}
      text={ready ? t("list.empty_text") : t("list.not_ready_text")}
    >
      {!ready && (
        <button class="btn primary" disabled={offline.value} onClick={goReady}>
          {t("presence.start")}
        </button>
      )}
    </Empty>
  );
}

function Row({ item }: { item: ItemView }) {
  const here = route.value;
  const open = here.kind === "item" && here.id === item.id;
  const unread = !open && isUnread(item);
  const who = whoIs(item, item.customer);
  const typing = (desk.value.typing[item.id] ?? []).length > 0;
  return (
    <li>
      <button
        class={unread ? "row unread" : "row"}
        aria-current={open ? "true" : undefined}
        onClick={() => openItem(item.id)}
      >
        <Kind kind={item.kind} />
        <span class="row-main">
          <span class="row-line">
            <span class="cut row-who">{who}</span>
            <span class="row-time num">{since(item.assigned_at ?? item.created_at)}</span>
          </span>
          <span class="row-line">
            <span class="cut" dir="auto">
              {item.subject || t("item.no_subject")}
            </span>
            {unread && <span class="unread-dot" role="img" aria-label={t("list.unread")} />}
          </span>
          <span class="row-line row-foot">
            <span class="cut" dir="auto">
              {typing ? <em>{t("typing.someone")}</em> : !sameWords(item) && item.preview}
            </span>
            {item.state !== "wrapping" && <DueLeft item={item} />}
            {item.state === "wrapping" && <span class="chip warn">{word("state", "wrapping")}</span>}
            {hasDraft(item.id) && (
              <span class="chip" title={t("draft")}>
                <Icon of={PenLine} size={11} label={t("draft")} />
              </span>
            )}
          </span>
        </span>
      </button>
    </li>
  );
}

/** Items put aside until the customer writes: the node keeps them, so they come by REST. */
function Held() {
  const name = desk.value.session?.agent.name;
  const hands = items.value.map((item) => `${item.id} ${item.state}`).join();
  useEffect(() => {
    // whatever came or went may have been put aside or taken back
    if (name) loadHeld(name).catch(() => undefined);
  }, [name, hands, desk.value.snapshots]);

  if (held.value.length === 0) return null;
  const here = route.value;
  return (
    <section class="held">
      <h3 class="list-sub">
        {t("list.held")} <span class="num">{held.value.length}</span>
      </h3>
      <ul>
        {held.value.map((item) => (
          <li key={item.id}>
            <button
              class="row slim"
              aria-current={here.kind === "case" && here.number === item.number ? "true" : undefined}
              onClick={() => openCase(item.number)}
            >
              <Kind kind={item.kind} small />
              <span class="cut row-who">{whoIs(item, item.customer)}</span>
              <span class="cut muted" dir="auto">
                {item.promise?.text ?? item.subject}
              </span>
              <DueLeft item={item} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
