/** What short messages need in the composer: how many they make, how long one may answer, who wants none. */

import { Ban, Clock3, MessageSquareText } from "lucide";
import { useEffect, useState } from "preact/hooks";
import { useResource } from "../api/resource";
import { channels } from "../api/resources";
import { templates } from "../api/texts";
import { t } from "../i18n";
import type { ItemView } from "../protocol";
import { Icon } from "../ui/Icon";
import { countSegments, firstWide, MOST_SEGMENTS, windowLeft } from "./segments";
import "./text-foot.css";

/** "2 texts, 37 left", for texts alone. */
export function SegmentCount({ item, via, body }: { item: ItemView; via: string | null; body: string }) {
  const list = useResource(via && "channels", channels);
  const kind = via === null ? item.kind : list.data?.items.find(({ name }) => name === via)?.kind;
  if (kind !== "sms" || body.trim() === "") return null;
  const { segments, left, wide } = countSegments(body);
  const over = segments > MOST_SEGMENTS;
  const words = segments === 1 ? t("texts.one", { left }) : t("texts.several", { n: segments, left });
  return (
    <span class={over ? "segments wrong num" : "segments muted num"} role="status">
      <span title={wide ? t("texts.wide", { character: firstWide(body) }) : ""}>{words}</span>
      {over && <span> · {t("texts.over", { n: MOST_SEGMENTS })}</span>}
      {!over && wide && segments > 1 && <span> · {t("texts.wide_short", { character: firstWide(body) })}</span>}
    </span>
  );
}

/** Above what is written: nothing may be sent; or until when it may. */
export function TextState({ item, put }: { item: ItemView; put: (text: string) => void }) {
  if (item.stopped)
    return (
      <p class="composer-warn stopped" role="status">
        <Icon of={Ban} size={14} />
        <span>{t("texts.stopped", { reason: item.stopped })}</span>
      </p>
    );
  if (item.kind !== "whatsapp" || !item.window_ends) return null;
  return <Window ends={item.window_ends} channel={item.channel} language={item.language} put={put} />;
}

function Window(props: { ends: string; channel: string; language: string; put: (text: string) => void }) {
  const { ends, channel, language, put } = props;
  const now = useMinute();
  const left = windowLeft(ends, now);
  if (left) {
    const soon = left.hours < 2;
    return (
      <p class={soon ? "text-window soon" : "text-window"} role="timer">
        <Icon of={Clock3} size={14} />
        <span>{t("texts.window", { hours: left.hours, minutes: left.minutes })}</span>
      </p>
    );
  }
  return (
    <div class="composer-warn text-window over" role="status">
      <Icon of={Clock3} size={14} />
      <span>{t("texts.window_over")}</span>
      <Templates channel={channel} language={language} put={put} />
    </div>
  );
}

function Templates({ channel, language, put }: { channel: string; language: string; put: (text: string) => void }) {
  const list = useResource(`templates ${channel} ${language}`, () => templates(channel, language));
  const found = list.data?.items ?? [];
  if (list.data && found.length === 0) return <span class="muted">{t("texts.no_template")}</span>;
  return (
    <span class="text-templates">
      {found.map(({ name, text }) => (
        <button key={name} class="btn quiet small" title={text} onClick={() => put(text)}>
          <Icon of={MessageSquareText} size={13} /> {name}
        </button>
      ))}
    </span>
  );
}

/** The time, each half minute anew. */
function useMinute(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
