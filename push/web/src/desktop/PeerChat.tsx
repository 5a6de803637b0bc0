import { ArrowLeft, CloudOff, Hash, SendHorizontal, X } from "lucide";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { said as saidIn, type Said } from "../api/colleagues";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import { Empty, Skeleton } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { clock, day, full } from "../ui/time";
import { openedItem } from "./acts";
import { keyOf, merged, type Whom } from "./chats";
import { Face, presenceOf } from "./PeerFace";
import {
  about,
  atEnd,
  backToList,
  close,
  drafts,
  heard,
  learn,
  nameOf,
  people,
  send,
  titleOf,
  waitingIn,
  wanted,
} from "./peers";
import { openItem } from "./route";
import { desk } from "./store";
import { Text } from "./Text";

const LONGEST = 8000;

/** One chat: what was said, and what one says next. */
export function PeerChat({ whom }: { whom: Whom }) {
  const key = keyOf(whom);
  const [older, setOlder] = useState<{ items: Said[]; next: string | null } | null>(null);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const first = useResource(`chat ${key} ${desk.value.snapshots}`, () => saidIn(place(whom), null));
  const lines = merged(older?.items ?? [], first.data?.items ?? [], heard.value[key] ?? []);
  const next = older ? older.next : (first.data?.next ?? null);
  useEffect(() => {
    learn(lines.map(({ from }) => from)).catch(() => undefined);
  }, [lines.length]);

  const earlier = async () => {
    setBusy(true);
    setWrong("");
    try {
      const page = await saidIn(place(whom), next);
      setOlder({ items: [...(older?.items ?? []), ...page.items], next: page.next });
    } catch (error) {
      setWrong((error as Error).message);
    }
    setBusy(false);
  };

  const one = whom.agent === undefined ? undefined : people.value[whom.agent];
  return (
    <>
      <header class="peers-head">
        <button class="btn quiet icon small" aria-label={t("peers.back")} title={t("peers.back")} onClick={backToList}>
          <Icon of={ArrowLeft} />
        </button>
        <Face whom={whom} />
        <h2 class="cut">{titleOf(whom)}</h2>
        {one && <span class="muted cut peers-presence">{presenceOf(one)}</span>}
        <button class="btn quiet icon small" aria-label={t("close")} title={`${t("close")} (Esc)`} onClick={close}>
          <Icon of={X} />
        </button>
      </header>
      <Lines lines={lines} whom={whom} loading={first.loading && !first.data}>
        {next && (
          <button class="btn small peers-earlier" disabled={busy} onClick={() => void earlier()}>
            {t("peers.earlier")}
          </button>
        )}
        {wrong && (
          <p class="wrong" role="alert">
            {wrong}
          </p>
        )}
        {first.error && !first.data && lines.length === 0 && (
          <Empty icon={CloudOff} title={t("peers.failed")} text={first.error.message}>
            <button class="btn" onClick={first.reload}>
              {t("retry")}
            </button>
          </Empty>
        )}
        {first.data && lines.length === 0 && <p class="muted peers-none">{t("peers.none")}</p>}
      </Lines>
      <Writer whom={whom} />
    </>
  );
}

const place = (whom: Whom) => (whom.agent !== undefined ? { agent: whom.agent } : { group: whom.group });

function Lines(props: { lines: Said[]; whom: Whom; loading: boolean; children: preact.ComponentChildren }) {
  const { lines, whom } = props;
  const box = useRef<HTMLDivElement>(null);
  const waiting = waitingIn(whom);
  const me = desk.value.session?.agent.name ?? "";
  useLayoutEffect(() => {
    const element = box.current!;
    if (atEnd.value || waiting.length > 0) element.scrollTop = element.scrollHeight;
  }, [lines.length, lines.at(-1)?.id, waiting.length, props.loading]);
  const onScroll = () => {
    const element = box.current!;
    atEnd.value = element.scrollHeight - element.scrollTop - element.clientHeight < 60;
  };
  return (
    <div class="peers-lines scroll" ref={box} onScroll={onScroll} tabIndex={0} role="log" aria-label={titleOf(whom)}>
      {props.loading && <Skeleton lines={5} />}
      {props.children}
      {lines.map((line, index) => (
        <Line key={line.id} line={line} before={lines[index - 1]} mine={line.from === me} group={whom.agent === undefined} />
      ))}
      {waiting.map((one) => (
        <article key={one.id} class="peers-line mine pending">
          <Text body={one.body} from={0} />
          <footer>{t("delivery.sending")}</footer>
        </article>
      ))}
    </div>
  );
}

function Line({ line, before, mine, group }: { line: Said; before: Said | undefined; mine: boolean; group: boolean }) {
  const here = day(line.at);
  const follows = before?.from === line.from && day(before.at) === here;
  return (
    <>
      {(!before || day(before.at) !== here) && (
        <p class="day">
          <span>{here}</span>
        </p>
      )}
      <article
        class={`peers-line${mine ? " mine" : ""}${line.held || line.refused ? " kept" : ""}`}
        aria-label={t("message.from", { who: nameOf(line.from) })}
      >
        {group && !mine && !follows && <strong>{nameOf(line.from)}</strong>}
        {line.number !== undefined && <Mention line={line} />}
        <Text body={line.body} from={0} />
        <footer>
          {line.refused ? t("peers.is_refused") : line.held ? t("peers.is_held", { reason: line.held }) : ""}
          <time dateTime={line.at} title={full(line.at)}>
            {clock(line.at)}
          </time>
        </footer>
      </article>
    </>
  );
}

/** The item that it is about: it can be opened by whoever has it. */
function Mention({ line }: { line: Said }) {
  const text = t("peers.about", { number: line.number ?? 0 });
  const item = line.item;
  return (
    <span class="peers-mention">
      {item && item in desk.value.items ? (
        <button class="btn quiet small" onClick={() => openItem(item)}>
          <Icon of={Hash} size={12} />
          {text}
        </button>
      ) : (
        <button
          class="btn quiet small"
          title={t("peers.answer_about", { number: line.number ?? 0 })}
          onClick={() => item && (about.value = { id: item, number: line.number ?? 0 })}
        >
          <Icon of={Hash} size={12} />
          {text}
        </button>
      )}
    </span>
  );
}

function Writer({ whom }: { whom: Whom }) {
  const key = keyOf(whom);
  const area = useRef<HTMLTextAreaElement>(null);
  const [wrong, setWrong] = useState("");
  const body = drafts.value[key] ?? "";
  const item = openedItem();
  useEffect(() => {
    if (wanted.value !== "text") return;
    wanted.value = null;
    area.current?.focus();
  }, [wanted.value]);
  const submit = async () => {
    const text = body.trim();
    if (!text) return;
    setWrong("");
    atEnd.value = true;
    setWrong(await send(whom, text));
  };
  return (
    <form
      class="peers-writer"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {about.value ? (
        <span class="chip peers-chip">
          {t("peers.about", { number: about.value.number })}
          <button type="button" class="btn quiet icon small" aria-label={t("peers.not_about")} onClick={() => (about.value = null)}>
            <Icon of={X} size={13} />
          </button>
        </span>
      ) : (
        item && (
          <button type="button" class="btn quiet small peers-chip" onClick={() => (about.value = { id: item.id, number: item.number })}>
            <Icon of={Hash} size={13} />
            {t("peers.make_about", { number: item.number })}
          </button>
        )
      )}
      {about.value && <span class="muted peers-hint">{t("peers.about_hint")}</span>}
      {wrong && (
        <p class="wrong" role="alert">
          {wrong}
        </p>
      )}
      <div class="peers-field">
        <div class="grow" data-text={`${body}\n`}>
          <textarea
            ref={area}
            rows={1}
            dir="auto"
            maxLength={LONGEST}
            value={body}
            aria-label={t("peers.text", { who: titleOf(whom) })}
            placeholder={t("peers.text", { who: titleOf(whom) })}
            onInput={(event) => {
              drafts.value = { ...drafts.value, [key]: event.currentTarget.value };
              setWrong("");
            }}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
              event.preventDefault();
              void submit();
            }}
          />
        </div>
        <button class="btn primary icon" aria-label={t("keys.send")} title={`${t("keys.send")} (Enter)`} disabled={!body.trim()}>
          <Icon of={SendHorizontal} />
        </button>
      </div>
    </form>
  );
}
