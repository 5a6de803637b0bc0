import { AtSign, BadgeCheck, CircleHelp, Copy, Hash, Languages, MonitorSmartphone, Phone, Star, UserRound, X } from "lucide";
import { useEffect, useRef } from "preact/hooks";
import { customerById, deliverable, timelineOf, type Identity, type TimelineEntry } from "../api/resources";
import { agentName } from "../api/names";
import { useResource } from "../api/resource";
import { locale, t, word } from "../i18n";
import type { CustomerBrief, ItemView } from "../protocol";
import { Avatar, copyText, Empty, Kind, languageName, Skeleton, whoIs } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { clock } from "../ui/time";
import { sayError } from "../ui/toast";
import { customerOpen } from "./acts";
import { proofOf, standingOf } from "./proof";
import { openCase, openItem } from "./route";
import { desk, items } from "./store";
import "./customer.css";

interface Props {
  brief: CustomerBrief | null;
  item: ItemView | null;
  /** Of the case that is open, and how far it has come. */
  number: number;
  lastSeq: number;
  loading: boolean;
}

export function CustomerPanel({ brief, item, number, lastSeq, loading }: Props) {
  return (
    <div class="customer-body scroll">
      <button
        class="btn quiet icon small customer-close"
        aria-label={t("close")}
        onClick={() => (customerOpen.value = false)}
      >
        <Icon of={X} />
      </button>
      {loading && <Skeleton lines={6} />}
      {!loading && !brief && <Nobody task={item?.kind === "task"} />}
      {brief && <Card brief={brief} item={item} />}
      {brief && <Timeline id={brief.id} known={brief.verified} here={number} lastSeq={lastSeq} />}
    </div>
  );
}

function Nobody({ task }: { task: boolean }) {
  if (task) return <Empty icon={UserRound} title={t("customer.none")} text={t("customer.none_text")} />;
  return <Empty icon={UserRound} title={t("customer.unknown")} text={t("customer.unknown_text")} />;
}

const IDENTITY_ICONS: Record<string, typeof AtSign> = {
  email: AtSign,
  phone: Phone,
  sip: Phone,
  visitor: MonitorSmartphone,
  account: Hash,
};

const STANDING = {
  known: { tone: "good", icon: BadgeCheck },
  browser: { tone: "", icon: MonitorSmartphone },
  claimed: { tone: "warn", icon: CircleHelp },
} as const;

function Card({ brief, item }: { brief: CustomerBrief; item: ItemView | null }) {
  // a mail that came back marks an address of theirs: then the card says so at once
  const marked = `${item?.undeliverable ?? ""} ${item?.stopped ?? ""}`;
  const full = useResource(`customer ${brief.id} ${marked}`, () => customerById(brief.id));
  const name = full.data?.name || whoIs(item, brief);
  const language = full.data?.language || brief.language;
  const value = full.data?.value ?? brief.value;
  const standing = full.data && standingOf(full.data.identities);
  return (
    <section class="customer-card">
      <Avatar name={name} />
      <h2 dir="auto">{name}</h2>
      <p class="customer-chips">
        {standing && (
          <span class={`chip ${STANDING[standing].tone}`} title={t(`standing.${standing}_text`)}>
            <Icon of={STANDING[standing].icon} size={13} />
            {t(`standing.${standing}`)}
          </span>
        )}
        {language && (
          <span class="chip">
            <Icon of={Languages} size={13} />
            {languageName(language, locale.value)}
          </span>
        )}
        {value > 0 && (
          <span class="chip info" title={t("customer.value_text")}>
            <Icon of={Star} size={12} />
            {t("customer.value", { n: value })}
          </span>
        )}
      </p>
      {standing && standing !== "known" && <p class={`customer-hint ${standing}`}>{t(`standing.${standing}_text`)}</p>}
      {full.loading && !full.data && <Skeleton lines={2} />}
      <ul class="identities">
        {full.data?.identities.map((identity) => (
          <IdentityRow
            key={`${identity.kind} ${identity.value}`}
            identity={identity}
            works={() => void deliverable(brief.id, identity.value).then(full.reload, sayError)}
          />
        ))}
      </ul>
    </section>
  );
}

function IdentityRow({ identity, works }: { identity: Identity; works: () => void }) {
  const { kind, value, undeliverable, undeliverable_since: since } = identity;
  const proof = proofOf(identity);
  return (
    <li>
      <button class="identity" title={t("copy.this")} onClick={() => void copyText(value)}>
        <Icon of={IDENTITY_ICONS[kind] ?? Hash} size={15} label={word("identity", kind)} />
        <span class="identity-words">
          <span class="cut">{kind === "visitor" ? `${t("identity.visitor")} ${value.slice(-6)}` : (identity.shown ?? value)}</span>
          <span class={`proof ${proof.slice("proof.".length)}`}>{t(proof)}</span>
        </span>
        <span class="identity-copy">
          <Icon of={Copy} size={13} />
        </span>
      </button>
      {Object.entries(identity.stopped ?? {}).map(([channel, at]) => (
        <p key={channel} class="customer-hint claimed">
          {t("identity.stopped", { kind: word("kind", channel), when: at ? new Date(at).toLocaleDateString(locale.value) : "–" })}
        </p>
      ))}
      {undeliverable && (
        <p class="customer-hint claimed">
          {t("identity.undeliverable", { reason: undeliverable, when: since ? new Date(since).toLocaleDateString(locale.value) : "–" })}{" "}
          <button class="btn quiet small" onClick={works}>
            {t("identity.works")}
          </button>
        </p>
      )}
    </li>
  );
}

function Timeline(props: { id: string; known: boolean; here: number | undefined; lastSeq: number }) {
  const { id, known, here, lastSeq } = props;
  const timeline = useResource(`timeline ${id}`, () => timelineOf(id));
  // frames tell of this agent's own items: each of their changes may stand on the timeline too
  const pulse = items.value
    .filter(({ customer }) => customer?.id === id)
    .map(({ id: item, state, case: { number, status, last_seq } }) => [item, state, number, status, last_seq].join())
    .join(" ");
  const beat = `${desk.value.snapshots} ${pulse} ${lastSeq}`;
  const drawn = useRef(beat);
  useEffect(() => {
    if (drawn.current === beat) return;
    drawn.current = beat;
    const timer = setTimeout(timeline.reload, 250); // a message comes in several frames
    return () => clearTimeout(timer);
  }, [beat]);
  const list = timeline.data?.items ?? [];
  return (
    <section class="timeline">
      <h3>
        {t("timeline")} {list.length > 0 && <span class="chip num">{list.length}{timeline.data?.next ? "+" : ""}</span>}
      </h3>
      {timeline.loading && !timeline.data && <Skeleton lines={4} />}
      {timeline.error && !timeline.data && (
        <p class="muted">
          {timeline.error.message}{" "}
          <button class="btn quiet small" onClick={timeline.reload}>
            {t("retry")}
          </button>
        </p>
      )}
      {timeline.data && list.length === 0 && (
        <p class="muted timeline-none">{known ? t("timeline.none") : t("timeline.claimed")}</p>
      )}
      <ol>
        {list.map((entry) => (
          <Entry key={entry.case.id} entry={entry} here={entry.case.number === here} />
        ))}
      </ol>
    </section>
  );
}

function Entry({ entry, here }: { entry: TimelineEntry; here: boolean }) {
  const { number, subject, kind, status } = entry.case;
  const open = () => {
    const mine = items.value.find((item) => item.number === number);
    if (mine) openItem(mine.id);
    else openCase(number);
    customerOpen.value = false;
  };
  return (
    <li>
      <button class="contact" aria-current={here ? "true" : undefined} onClick={open}>
        <Kind kind={kind} small />
        <span class="contact-main">
          <span class="contact-line">
            <b class="num">#{number}</b>
            <span class={`contact-status ${status}`}>{word("status", status)}</span>
            <time class="muted num" dateTime={entry.last_at}>
              {clock(entry.last_at)}
            </time>
          </span>
          <span class="cut" dir="auto">
            {subject || t("item.no_subject")}
          </span>
          <span class="contact-foot muted">
            {entry.messages === 1 ? t("timeline.message") : t("timeline.messages", { n: entry.messages })}
            {[...new Set(entry.items.map((item) => agentName(item.agent)))].map((name) => name && ` · ${name}`)}
          </span>
        </span>
      </button>
    </li>
  );
}
