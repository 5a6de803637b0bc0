/** Merging two cases, taking one out again, splitting messages into a new one, and what came of it. */

import { GitMerge, Link2, Scissors, Unlink } from "lucide";
import { useState } from "preact/hooks";
import { mergeCase, mergePlan, messagesOf, queues, separateCase, splitCase, timelineOf } from "../api/resources";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import type { CaseLink, CustomerBrief, Message, MergePlan } from "../protocol";
import { Skeleton } from "../ui/bits";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { newId } from "../ui/ids";
import { clock, full } from "../ui/time";
import { say, sayError } from "../ui/toast";
import { dialog } from "./acts";
import { openCase } from "./route";
import { speaker } from "./thread";
import "./ties.css";

/** The cases that this one has to do with: each can be opened, and a merge taken back. */
export function TieChips({ number, links, editable }: { number: number; links: CaseLink[]; editable: boolean }) {
  return (
    <>
      {links.map((link) => (
        <span key={`${link.how} ${link.number} ${link.at}`} class="chip tie">
          <Icon of={Link2} size={11} />
          <button
            title={`${t("link.why", { by: link.by, reason: link.reason ?? "" })} · ${full(link.at)}`}
            onClick={() => openCase(link.number)}
          >
            {word("link", link.how).replace("{number}", String(link.number))}
          </button>
          {editable && link.how === "merged_here" && (
            <button
              aria-label={t("separate.title", { gone: link.number, number })}
              title={t("separate.act")}
              onClick={() => (dialog.value = { kind: "separate", number, gone: link.number })}
            >
              <Icon of={Unlink} size={11} />
            </button>
          )}
        </span>
      ))}
    </>
  );
}

function Why({ value, onChange }: { value: string; onChange(value: string): void }) {
  return (
    <label class="field">
      <span>{t("ties.reason")}</span>
      <input
        class="input"
        maxLength={500}
        required
        dir="auto"
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </label>
  );
}

interface Foot {
  label: string;
  icon: typeof GitMerge;
  ready: boolean;
  onClose(): void;
}

function Buttons({ label, icon, ready, onClose }: Foot) {
  return (
    <>
      <button type="button" class="btn" onClick={onClose}>
        {t("cancel")}
      </button>
      <button class="btn primary" disabled={!ready}>
        <Icon of={icon} />
        {label}
      </button>
    </>
  );
}

/** One key for each try of the same act: repeated after a lost answer it is done once. */
function useDoing(onClose: () => void): [boolean, (act: (key: string) => Promise<void>) => void] {
  const [busy, setBusy] = useState(false);
  const [key] = useState(newId);
  const doing = (act: (key: string) => Promise<void>) => {
    if (busy) return;
    setBusy(true);
    act(key).then(onClose, (error: unknown) => {
      sayError(error);
      setBusy(false);
    });
  };
  return [busy, doing];
}

interface MergeProps {
  number: number;
  customer: CustomerBrief | null;
  onClose(): void;
}

export function MergeDialog({ number, customer, onClose }: MergeProps) {
  const [way, setWay] = useState<"here" | "there">("here");
  const [typed, setTyped] = useState("");
  const [why, setWhy] = useState(t("ties.same"));
  const [sure, setSure] = useState(false);
  const [busy, doing] = useDoing(onClose);
  const other = Number(typed.replace(/^#/, "").trim());
  const valid = Number.isInteger(other) && other > 0 && other !== number;
  const [gone, stays] = way === "here" ? [other, number] : [number, other];
  const plan = useResource(valid ? `merge ${gone} ${stays}` : null, () => mergePlan(gone, stays));
  const can = valid && plan.data && !plan.data.hindrance && (!plan.data.other_customer || sure) && why.trim() !== "";
  const submit = () => {
    if (!can) return;
    doing(async (key) => {
      await mergeCase(gone, { into: stays, reason: why.trim(), other_customer: sure }, `${key}-${gone}-${stays}`);
      say(t("merge.done", { gone, number: stays }));
      if (way === "there") openCase(stays);
    });
  };
  return (
    <Dialog
      title={t("merge.title", { number })}
      onClose={onClose}
      onSubmit={submit}
      footer={<Buttons label={t("ties.merge")} icon={GitMerge} ready={Boolean(can) && !busy} onClose={onClose} />}
    >
      <div class="seg" role="tablist" aria-label={t("merge.way")}>
        {(["here", "there"] as const).map((one) => (
          <button key={one} type="button" role="tab" aria-selected={way === one} onClick={() => setWay(one)}>
            {t(`merge.${one}`)}
          </button>
        ))}
      </div>
      <label class="field">
        <span>{t("merge.number")}</span>
        <input
          class="input num"
          inputMode="numeric"
          autoFocus
          maxLength={18}
          value={typed}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setSure(false);
          }}
        />
      </label>
      {customer && <Others customer={customer.id} here={number} chosen={other} onChoose={(n) => setTyped(String(n))} />}
      {valid && (
        <div class="plan" aria-live="polite">
          {plan.loading && !plan.data && <Skeleton lines={3} />}
          {plan.error && !plan.data && <p class="failure">{plan.error.message || t("merge.unknown")}</p>}
          {plan.data && <Planned plan={plan.data} gone={gone} stays={stays} />}
          {plan.data?.other_customer && !plan.data.hindrance && (
            <label class="check">
              <input type="checkbox" checked={sure} onChange={(event) => setSure(event.currentTarget.checked)} />
              {t("merge.strangers")}
            </label>
          )}
        </div>
      )}
      <Why value={why} onChange={setWhy} />
    </Dialog>
  );
}

interface OthersProps {
  customer: string;
  here: number;
  chosen: number;
  onChoose(number: number): void;
}

function Others({ customer, here, chosen, onChoose }: OthersProps) {
  const known = useResource(`timeline ${customer}`, () => timelineOf(customer));
  const list = (known.data?.items ?? []).filter(
    ({ case: one }) => one.number !== here && one.status !== "closed" && !one.merged_into,
  );
  if (known.loading && !known.data) return <Skeleton lines={2} />;
  if (list.length === 0) return <p class="muted">{t("merge.none")}</p>;
  return (
    <div class="targets tie-targets scroll" role="radiogroup" aria-label={t("merge.others")}>
      {list.map(({ case: one }) => (
        <label key={one.id} class="target">
          <input
            type="radio"
            name="other"
            class="sr"
            checked={chosen === one.number}
            onChange={() => onChoose(one.number)}
          />
          <b class="num">#{one.number}</b>
          <span class="cut target-name" dir="auto">
            {one.subject || t("item.no_subject")}
          </span>
          <span class="muted">{word("status", one.status)}</span>
        </label>
      ))}
    </div>
  );
}

const THEN = { moves: "merge.moves", ends: "merge.ends", stays: "merge.kept" } as const;

function Planned({ plan, gone, stays }: { plan: MergePlan; gone: number; stays: number }) {
  if (plan.hindrance) return <p class="failure">{plan.hindrance}</p>;
  return (
    <>
      <p>{t("merge.stays", { number: stays, gone })}</p>
      <ul>
        {plan.items.map((item) => (
          <li key={item.id}>
            {t(THEN[item.then], { number: item.number, kind: word("kind", item.kind), queue: item.queue })}
            {item.agent && <span class="muted"> · {item.agent}</span>}
          </li>
        ))}
        {plan.tags.length > 0 && <li>{t("merge.tags", { list: plan.tags.join(", ") })}</li>}
      </ul>
    </>
  );
}

export function SeparateDialog({ number, gone, onClose }: { number: number; gone: number; onClose(): void }) {
  const [why, setWhy] = useState(t("ties.not_same"));
  const [busy, doing] = useDoing(onClose);
  const submit = () => {
    if (!why.trim()) return;
    doing(async (key) => {
      await separateCase(gone, { reason: why.trim() }, key);
      say(t("separate.done", { number: gone }));
    });
  };
  return (
    <Dialog
      title={t("separate.title", { gone, number })}
      onClose={onClose}
      onSubmit={submit}
      footer={<Buttons label={t("separate.act")} icon={Unlink} ready={why.trim() !== "" && !busy} onClose={onClose} />}
    >
      <p>{t("separate.text", { gone })}</p>
      <Why value={why} onChange={setWhy} />
    </Dialog>
  );
}

const couldGo = ({ direction, kind, moved_to }: Message) =>
  direction !== "system" && kind !== "webchat" && moved_to === undefined;

export function SplitDialog({ number, queue, onClose }: { number: number; queue: string; onClose(): void }) {
  const known = useResource(`messages ${number}`, () => messagesOf(number));
  const places = useResource("queues", queues);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [to, setTo] = useState(queue);
  const [why, setWhy] = useState(t("ties.other_matter"));
  const [busy, doing] = useDoing(onClose);
  const list = (known.data ?? []).filter(couldGo);
  const stays = list.filter(({ id, direction }) => direction !== "note" && !chosen.includes(id)).length;
  const can = chosen.length > 0 && stays > 0 && why.trim() !== "";
  const submit = () => {
    if (!can) return;
    doing(async (key) => {
      const made = await splitCase(number, { messages: [...chosen], reason: why.trim(), queue: to }, key);
      say(t("split.done", { n: chosen.length, number: made.case.number }));
    });
  };
  const toggle = (id: string, on: boolean) => setChosen(on ? [...chosen, id] : chosen.filter((one) => one !== id));
  return (
    <Dialog
      title={t("split.title", { number })}
      onClose={onClose}
      onSubmit={submit}
      footer={<Buttons label={t("ties.split")} icon={Scissors} ready={can && !busy} onClose={onClose} />}
    >
      <fieldset class="targets tie-messages scroll">
        <legend class="sr">{t("split.which")}</legend>
        {known.loading && !known.data && <Skeleton lines={4} />}
        {known.error && !known.data && <p class="failure">{known.error.message}</p>}
        {known.data && list.length === 0 && <p class="muted targets-none">{t("split.none")}</p>}
        {list.map((message, place) => (
          <label key={message.id} class="target">
            <input
              type="checkbox"
              autoFocus={place === 0}
              checked={chosen.includes(message.id)}
              onChange={(event) => toggle(message.id, event.currentTarget.checked)}
            />
            <span class="tie-said">
              <span class="tie-who">
                <b class="cut">{speaker(message)}</b>
                <time class="muted num" dateTime={message.at} title={full(message.at)}>
                  {clock(message.at)}
                </time>
              </span>
              <span class="cut muted" dir="auto">
                {message.subject || message.body}
              </span>
            </span>
          </label>
        ))}
      </fieldset>
      {chosen.length > 0 && stays === 0 && <p class="failure">{t("split.all")}</p>}
      <label class="field">
        <span>{t("split.queue")}</span>
        <select class="input" value={to} onChange={(event) => setTo(event.currentTarget.value)}>
          {(places.data?.items ?? [{ name: queue, display_name: "" }]).map(({ name, display_name }) => (
            <option key={name} value={name}>
              {display_name || name}
            </option>
          ))}
        </select>
      </label>
      <Why value={why} onChange={setWhy} />
    </Dialog>
  );
}

/** Where a message stood that another case has now. */
export function Moved({ message }: { message: Message }) {
  const number = message.moved_to!;
  return (
    <p class="system-line">
      {speaker(message)} · {clock(message.at)}:{" "}
      <button class="btn quiet small" onClick={() => openCase(number)}>
        {t("split.moved", { number })}
      </button>
    </p>
  );
}
