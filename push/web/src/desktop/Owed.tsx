/** What the customer is owed besides an answer: a call-back to make, promises to keep. */

import { CalendarClock, PhoneOutgoing } from "lucide";
import { useEffect, useState } from "preact/hooks";
import { promisesOf } from "../api/resources";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import type { AskCallback, Callback, ItemView, MakePromise, PromiseCard } from "../protocol";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { clock, duration, now, serverNow } from "../ui/time";
import { say } from "../ui/toast";
import { desk, order } from "./store";
import "./owed.css";

/** Above the conversation: the number to call, and what was promised in this case. */
export function Owed({ item, number, status }: { item: ItemView | null; number: number; status: string }) {
  const known = useResource(`promises ${number}`, () => promisesOf(number));
  // made, kept or broken: the items of the case, or its status, have changed
  const mine = Object.values(desk.value.items)
    .filter((one) => one.number === number && one.promise)
    .map((one) => `${one.id} ${one.version}`)
    .join();
  useEffect(() => known.reload(), [mine, status]);
  const list = known.data?.items ?? [];
  if (!item?.callback && list.length === 0 && !known.error) return null;
  return (
    <section class="owed" aria-label={t("owed")}>
      {item?.callback && <ToCall callback={item.callback} />}
      {known.error && list.length === 0 && (
        <p class="owed-line muted" role="status">
          {t("owed.error")}
          <button class="btn quiet small" onClick={known.reload}>
            {t("retry")}
          </button>
        </p>
      )}
      {list.length > 0 && (
        <ul class="owed-list">
          {list.map((promise) => (
            <Promised key={promise.item} promise={promise} />
          ))}
        </ul>
      )}
    </section>
  );
}

function ToCall({ callback }: { callback: Callback }) {
  const { number, at, note, attempts } = callback;
  return (
    <p class="owed-line" data-testid="to-call">
      <Icon of={PhoneOutgoing} size={15} />
      <strong>{t("callback")}</strong>
      {number && (
        <a class="num" href={`tel:${number.replace(/[^+\d]/g, "")}`}>
          {number}
        </a>
      )}
      {at && <span class="muted">{t("callback.at", { time: clock(at) })}</span>}
      {attempts ? <span class="chip warn">{t("callback.attempts", { n: attempts })}</span> : null}
      {note && <span class="cut">{note}</span>}
    </p>
  );
}

function Promised({ promise }: { promise: PromiseCard }) {
  const left = Date.parse(promise.due_at) - now.value;
  const tone = promise.state === "kept" ? "good" : promise.state === "broken" || left < 0 ? "bad" : left < 900_000 ? "warn" : "";
  const when =
    promise.state !== "open"
      ? word("promise", promise.state)
      : left < 0
        ? t("item.late", { time: duration(-left) })
        : t("promise.by", { time: clock(promise.due_at) });
  return (
    <li class="owed-line" data-testid="promise">
      <span class={`chip ${tone}`} title={clock(promise.due_at)}>
        <Icon of={CalendarClock} size={12} />
        {when}
      </span>
      <span class="owed-text" dir="auto">
        {promise.text}
      </span>
      <span class="muted">{promise.agent}</span>
    </li>
  );
}

/** The local time as an `<input type="datetime-local">` has it. */
function inputTime(ms: number): string {
  const date = new Date(ms);
  return new Date(ms - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

const QUICK = [1, 4, 24] as const;

function When({ value, onChange }: { value: string; onChange(value: string): void }) {
  return (
    <>
      <label class="field">
        <span>{t("owed.when")}</span>
        <input
          class="input"
          type="datetime-local"
          value={value}
          min={inputTime(serverNow())}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      </label>
      <div class="owed-quick">
        {QUICK.map((hours) => (
          <button
            key={hours}
            type="button"
            class="btn small"
            onClick={() => onChange(inputTime(serverNow() + hours * 3_600_000))}
          >
            {t("owed.in", { time: duration(hours * 3_600_000) })}
          </button>
        ))}
      </div>
    </>
  );
}

export function PromiseDialog({ item, onClose }: { item: ItemView; onClose(): void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(() => inputTime(serverNow() + 86_400_000));
  const [busy, setBusy] = useState(false);
  const ready = text.trim() !== "" && at !== "";
  const submit = async () => {
    if (!ready || busy) return;
    setBusy(true);
    try {
      const due_at = new Date(at).toISOString();
      await order<MakePromise>({ t: "promise", item: item.id, text: text.trim(), due_at });
      say(t("promise.made", { time: clock(due_at) }));
      onClose();
    } catch {
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t("promise.title", { number: item.number })}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={<Foot onClose={onClose} disabled={!ready || busy} label={t("promise")} />}
    >
      <label class="field">
        <span>{t("promise.what")}</span>
        <textarea
          class="input"
          rows={2}
          maxLength={500}
          autoFocus
          dir="auto"
          value={text}
          placeholder={t("promise.hint")}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <When value={at} onChange={setAt} />
    </Dialog>
  );
}

export function CallbackDialog({ item, onClose }: { item: ItemView; onClose(): void }) {
  const hint = item.callback?.number ?? item.attributes["site_phone"] ?? item.attributes["claimed_phone"] ?? "";
  const [number, setNumber] = useState(String(hint));
  const [at, setAt] = useState("");
  const [note, setNote] = useState("");
  const [mine, setMine] = useState(true);
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    if (busy) return;
    setBusy(true);
    try {
      const when = at ? { at: new Date(at).toISOString() } : {};
      const words = { number: number.trim(), note: note.trim(), mine };
      await order<AskCallback>({ t: "callback", item: item.id, ...words, ...when });
      say(t("callback.made"));
      onClose();
    } catch {
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t("callback.title", { number: item.number })}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={<Foot onClose={onClose} disabled={busy} label={t("callback")} />}
    >
      <label class="field">
        <span>{t("callback.number")}</span>
        <input
          class="input"
          type="tel"
          maxLength={40}
          autoFocus
          value={number}
          onInput={(event) => setNumber(event.currentTarget.value)}
        />
      </label>
      <When value={at} onChange={setAt} />
      <p class="muted">{t("callback.soon")}</p>
      <label class="field">
        <span>{t("callback.note")}</span>
        <input
          class="input"
          maxLength={500}
          dir="auto"
          value={note}
          onInput={(event) => setNote(event.currentTarget.value)}
        />
      </label>
      <label class="owed-check">
        <input type="checkbox" checked={mine} onChange={() => setMine(!mine)} />
        <span>{t("callback.mine")}</span>
      </label>
    </Dialog>
  );
}

function Foot({ onClose, disabled, label }: { onClose(): void; disabled: boolean; label: string }) {
  return (
    <>
      <button type="button" class="btn" onClick={onClose}>
        {t("cancel")}
      </button>
      <button class="btn primary" disabled={disabled}>
        {label}
      </button>
    </>
  );
}
