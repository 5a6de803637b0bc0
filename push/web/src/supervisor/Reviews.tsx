import { Check, Eye, ShieldCheck, X } from "lucide";
import { useState } from "preact/hooks";
import { conclude, messagesOf, type Review, reviews, type Verdict } from "../api/resources";
import { agentName } from "../api/names";
import { type Resource, useResource } from "../api/resource";
import type { Page } from "../api/http";
import { t } from "../i18n";
import { useQueues } from "../setup/useNames";
import { Skeleton } from "../ui/bits";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { Table } from "../ui/Table";
import { clock, since } from "../ui/time";
import { say } from "../ui/toast";
import { addressOf } from "./address";
import { FoundAmongUs } from "./FoundAmongUs";

const EVERY = 3000;
type Wish = { one: Review; verdict: Verdict };

/** What rules held back, or want a supervisor to see; the longest waiting first. */
export function Reviews() {
  const list = useResource("reviews", reviews, EVERY);
  const { shownAs } = useQueues();
  const [wish, setWish] = useState<Wish | null>(null);
  const rows = list.data && [...list.data.items].sort((a, b) => a.at.localeCompare(b.at));
  return (
    <>
      <Table
        caption={t("review.title")}
        rows={rows}
        from={list}
        id={({ review }) => review}
        empty={t("review.none")}
        emptyText={t("review.none_text")}
        emptyIcon={ShieldCheck}
        columns={[
          {
            title: t("review.since"),
            cell: ({ at }) => (
              <time class="num" dateTime={at} title={clock(at)}>
                {since(at)}
              </time>
            ),
          },
          { title: t("item"), cell: (one) => <About one={one} queue={shownAs(one.queue)} /> },
          {
            title: t("review.rule"),
            cell: ({ rule, reason }) => (
              <span class="review-rule">
                {rule && <a href="#/rules">{rule}</a>}
                <span dir="auto">{reason}</span>
              </span>
            ),
          },
          { title: t("agent"), cell: ({ agent }) => agentName(agent) || <span class="muted">–</span> },
          { title: t("review.what"), cell: (one) => <Said one={one} /> },
          {
            title: t("acts"),
            acts: true,
            cell: (one) =>
              one.held ? (
                <>
                  <Act one={one} verdict="released" on={setWish} />
                  <Act one={one} verdict="refused" on={setWish} />
                </>
              ) : (
                <Act one={one} verdict="seen" on={setWish} />
              ),
          },
        ]}
      />
      <FoundAmongUs />
      {wish && <Conclude {...wish} from={list} onClose={() => setWish(null)} />}
    </>
  );
}

const ICONS = { released: Check, refused: X, seen: Eye };

function Act({ one, verdict, on }: Wish & { on(wish: Wish): void }) {
  return (
    <button
      class={verdict === "refused" ? "btn small" : "btn small primary"}
      aria-label={t(`review.${verdict}_of`, { number: one.number })}
      onClick={() => on({ one, verdict })}
    >
      <Icon of={ICONS[verdict]} size={14} />
      {t(`review.${verdict}`)}
    </button>
  );
}

function About({ one, queue }: { one: Review; queue: string }) {
  return (
    <span class="item-words">
      <a class="cut" href={addressOf(one.item)} dir="auto">
        #{one.number} {one.subject}
      </a>
      <span class="muted cut">{queue}</span>
    </span>
  );
}

/** The beginning of a reply that waits, and on demand all of it: nobody should release half a text unseen. */
function Said({ one }: { one: Review }) {
  const [open, setOpen] = useState(false);
  const whole = useResource(open ? `said ${one.message}` : null, () => messagesOf(one.number));
  if (!one.held) return <span class="muted">{t("review.to_see")}</span>;
  const message = whole.data?.find(({ id }) => id === one.message);
  return (
    <span class="review-said">
      <span class={open ? "review-text" : "review-text cut"} dir="auto">
        {message?.body ?? one.preview}
      </span>
      {open && whole.loading && !whole.data && <Skeleton lines={2} />}
      {open && whole.error && <span class="wrong">{whole.error.message}</span>}
      <button class="btn quiet small" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t(open ? "review.less" : "review.whole")}
      </button>
    </span>
  );
}

function Conclude({ one, verdict, from, onClose }: Wish & { from: Resource<Page<Review>>; onClose(): void }) {
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const there = from.data?.items.some(({ review }) => review === one.review) ?? true;
  const needed = verdict === "refused";
  const submit = async () => {
    if (busy || (needed && !reason.trim())) return;
    setBusy(true);
    setError("");
    try {
      await conclude(one.item, { review: one.review, verdict, reason: reason.trim() });
      say(t(`review.${verdict}_done`, { number: one.number }));
      from.reload();
      onClose();
    } catch (problem) {
      setError((problem as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t(`review.${verdict}_of`, { number: one.number })}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>
            {t("cancel")}
          </button>
          <button class={needed ? "btn danger" : "btn primary"} disabled={busy || !there || (needed && !reason.trim())}>
            <Icon of={ICONS[verdict]} />
            {t(`review.${verdict}`)}
          </button>
        </>
      }
    >
      <p>
        <b>{one.rule}</b> {one.rule && "·"} {one.reason}
      </p>
      {one.held && <Said one={one} />}
      {!there && !busy && (
        <p class="wrong" role="alert">
          {t("review.gone")}
        </p>
      )}
      <label class="field">
        <span>{t("reason")}</span>
        <input
          class="input"
          autoFocus
          required={needed}
          maxLength={500}
          dir="auto"
          value={reason}
          placeholder={t(needed ? "review.refuse_hint" : "review.reason_hint")}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </label>
      {error && (
        <p class="wrong" role="alert">
          {error}
        </p>
      )}
    </Dialog>
  );
}
