import { ArrowDown, CloudOff } from "lucide";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import type { ItemView, Read } from "../protocol";
import { Empty, Skeleton } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { day } from "../ui/time";
import { MessageView } from "./MessageView";
import { desk, offline, tell, visible } from "./store";
import { TaskCard } from "./TaskCard";
import type { Line } from "./thread";

interface Props {
  lines: Line[];
  item: ItemView | null;
  loading: boolean;
  error: Error | undefined;
  onRetry(): void;
}

export function Thread({ lines, item, loading, error, onRetry }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const [below, setBelow] = useState(false);
  const last = lines.at(-1);

  // follow the conversation unless the agent is reading further up
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (atEnd.current || last?.pending) element.scrollTop = element.scrollHeight;
    else if (last?.message.direction === "in") setBelow(true);
  }, [lines.length, loading]);
  // what grows later (a letter's head once it is sent, the composer below) must not push the end away
  useLayoutEffect(() => {
    const element = box.current!;
    const watch = new ResizeObserver(() => {
      if (atEnd.current) element.scrollTop = element.scrollHeight;
    });
    watch.observe(element);
    watch.observe(element.firstElementChild!);
    return () => watch.disconnect();
  }, []);
  useReadMarks(lines, item);

  const onScroll = () => {
    const element = box.current!;
    atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < 80;
    if (atEnd.current) setBelow(false);
  };
  const toEnd = () => {
    box.current!.scrollTop = box.current!.scrollHeight;
  };
  const typing = item ? (desk.value.typing[item.id] ?? []) : [];

  return (
    <div class="thread scroll" ref={box} onScroll={onScroll} tabIndex={0} role="log" aria-label={t("conversation")}>
      <div class="thread-inner">
        {loading && <Skeleton lines={7} />}
        {!loading && error && lines.length === 0 && (
          <Empty icon={CloudOff} title={t("conversation.failed")} text={error.message}>
            <button class="btn" onClick={onRetry}>
              {t("retry")}
            </button>
          </Empty>
        )}
        {item && <TaskCard item={item} />}
        {lines.map((line, index) => (
          <Placed key={line.message.id} line={line} before={lines[index - 1]} after={lines[index + 1]} />
        ))}
        {typing.length > 0 && (
          <p class="typing" aria-live="polite">
            <span class="typing-dots" aria-hidden="true">
              <i />
              <i />
              <i />
            </span>
            {t("typing.who", { who: typing.join(", ") })}
          </p>
        )}
      </div>
      {below && (
        <button class="btn small to-end" onClick={toEnd}>
          <Icon of={ArrowDown} size={14} />
          {t("thread.new")}
        </button>
      )}
    </div>
  );
}

/** A message with its day above it where that begins; a run by one person is drawn as one. */
function Placed({ line, before, after }: { line: Line; before: Line | undefined; after: Line | undefined }) {
  const { message } = line;
  const here = message.at ? day(message.at) : "";
  const opensDay = here && (!before?.message.at || day(before.message.at) !== here);
  return (
    <>
      {opensDay && (
        <p class="day">
          <span>{here}</span>
        </p>
      )}
      <MessageView line={line} follows={!opensDay && sameRun(before, line)} goesOn={sameRun(line, after)} />
    </>
  );
}

const RUN = 5 * 60_000;

function sameRun(a: Line | undefined, b: Line | undefined): boolean {
  if (!a || !b || a.pending !== b.pending) return false;
  const [one, two] = [a.message, b.message];
  return (
    one.direction === two.direction &&
    one.author.name === two.author.name &&
    one.kind === two.kind &&
    one.delivery === two.delivery &&
    (b.pending || Date.parse(two.at) - Date.parse(one.at) < RUN)
  );
}

/** Tells the customer's side that the last message has been seen, once it really is. */
function useReadMarks(lines: Line[], item: ItemView | null): void {
  const told = useRef("");
  const newest = lines.findLast((line) => line.message.direction === "in")?.message;
  useEffect(() => {
    if (!item || item.kind !== "webchat" || item.state !== "assigned" || !newest) return;
    if (!visible.value || offline.value || told.current === newest.id) return;
    told.current = newest.id;
    tell<Read>({ t: "read", item: item.id, message: newest.id });
  }, [item?.id, item?.state, newest?.id, visible.value, offline.value]);
}
