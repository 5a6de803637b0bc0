/** A call instead of the wait: the offer, the form, "we call you at …"; and what was promised. */

import type { Asked, Chat, Happening } from "./chat.ts";
import { make, newId, put, write } from "./dom.ts";
import type { Words } from "./words.ts";

const STEP_MS = 30 * 60_000;
/** Nobody is asked to be at the telephone sooner than that. */
const SOONEST_MS = 10 * 60_000;
const EXAMPLE = "+44 121 234 5678";

export interface Day {
  day: Date;
  times: Date[];
}

/** Each half hour in which somebody is there, by the days of the visitor's own clock. */
export function daysOf(periods: readonly [string, string][], now: number): Day[] {
  const days: Day[] = [];
  for (const [from, until] of periods) {
    const start = Math.max(Date.parse(from), now + SOONEST_MS);
    for (let at = Math.ceil(start / STEP_MS) * STEP_MS; at < Date.parse(until); at += STEP_MS) {
      const time = new Date(at);
      const last = days.at(-1);
      if (last && last.day.toDateString() === time.toDateString()) last.times.push(time);
      else days.push({ day: time, times: [time] });
    }
  }
  return days;
}

type Choice = [value: string, label: string];

export class CallPart {
  readonly root: HTMLElement;
  private readonly ask: HTMLElement;
  private readonly form: HTMLFormElement;
  private readonly card: HTMLElement;
  private readonly told: HTMLElement;
  private readonly drop: HTMLButtonElement;
  private readonly hint: HTMLElement;
  private readonly owed: HTMLElement;
  private readonly number: HTMLInputElement;
  private readonly day: HTMLSelectElement;
  private readonly time: HTMLSelectElement;
  private readonly timeRow: HTMLElement;
  private readonly error: HTMLElement;
  private readonly submit: HTMLButtonElement;
  private days: Day[] = [];
  private shown: Chat["times"] = null;
  private open = false;
  private asked: Asked | null = null;
  /** What failed, and is being mended. */
  private excused: Asked | null = null;
  /** Somebody presses "Not now": the offer stays away until the window is opened anew. */
  private declined = false;

  constructor(
    private readonly words: Words,
    private readonly happen: (event: Happening) => void,
    /** The visitor is done with the form. */
    private readonly done: () => void,
  ) {
    const say = (word: Parameters<Words["say"]>[0]) => words.say(word);
    const yes = make("button", { type: "button", class: "small go", "data-testid": "call-me" }, say("callMe"));
    const no = make("button", { type: "button", class: "small", "data-testid": "call-later" }, say("callNot"));
    this.ask = make("div", { class: "ask call", role: "group", "data-testid": "call-ask" }, make("span", {}, say("callAsk")), no, yes);
    this.number = make("input", { type: "tel", autocomplete: "tel", id: "call-number", maxlength: 40, "aria-describedby": "call-error", "data-testid": "call-number", dir: "ltr" });
    this.day = make("select", { id: "call-day", "data-testid": "call-day" });
    this.time = make("select", { id: "call-time", "data-testid": "call-time" });
    this.timeRow = make("div", {}, make("label", { for: "call-time" }, say("callTime")), this.time);
    this.error = make("div", { class: "wrong", role: "alert", id: "call-error", "data-testid": "call-error" });
    this.submit = make("button", { type: "submit", class: "small go", "data-testid": "call-send" }, say("callMe"));
    const back = make("button", { type: "button", class: "small", "data-testid": "call-back" }, say("callNot"));
    this.form = make(
      "form",
      { class: "call", novalidate: true, "aria-label": say("callMe"), "data-testid": "call-form" },
      make("div", {}, make("label", { for: "call-number" }, say("callNumber")), this.number),
      this.error,
      make("div", { class: "pair" }, make("div", {}, make("label", { for: "call-day" }, say("callWhen")), this.day), this.timeRow),
      make("div", { class: "keys" }, back, this.submit),
    );
    this.told = make("span", {});
    this.hint = make("small", {}, say("callHint"));
    this.drop = make("button", { type: "button", class: "small", "data-testid": "call-drop" }, say("callDrop"));
    this.card = make("div", { class: "ask call", role: "status", "data-testid": "call-card" }, make("span", {}, this.told, this.hint), this.drop);
    this.owed = make("ul", { class: "owed", "aria-label": say("promised"), "data-testid": "promised" });
    this.root = make("div", { class: "calls", part: "calls" }, this.owed, this.card, this.ask, this.form);
    yes.onclick = () => this.show(true);
    no.onclick = () => this.later();
    back.onclick = () => this.later();
    this.day.onchange = () => this.drawTimes();
    this.number.oninput = () => {
      this.excused = this.asked;
      this.wrong(undefined, "");
    };
    this.drop.onclick = () => this.happen({ do: "call", frame: { t: "cancel_call", id: newId() } });
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.send();
    };
    this.form.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.later();
    };
  }

  /** The window has been opened: what was put off may be offered again. */
  again(): void {
    this.declined = false;
  }

  draw(chat: Chat): void {
    const { callback, promises = [], callme } = chat.standing;
    const live = chat.line === "live";
    this.asked = chat.asked;
    const failed = chat.asked && chat.asked === this.excused ? undefined : chat.asked?.failed;
    if (callback && this.open) {
      this.open = false;
      this.done();
    }
    if (callback) this.declined = false;
    this.card.hidden = !callback;
    if (callback) {
      const number = callback.number ?? "";
      const at = callback.at ? this.words.moment(new Date(callback.at), new Date()) : "";
      write(this.told, this.words.say(at ? "callAt" : "callNow", { t: at, n: number }).replace(/ · $/, ""));
      write(this.hint, failed ? this.words.say("callFailed") : this.words.say("callHint"));
      this.drop.disabled = !live;
    }
    this.form.hidden = !this.open || !!callback;
    this.ask.hidden = !callme || !!callback || this.open || this.declined || !live;
    this.submit.disabled = !live || (chat.asked !== null && !chat.asked.failed);
    if (this.shown !== chat.times) this.offer(chat.times);
    this.wrong(callback ? undefined : failed, chat.times?.example || EXAMPLE);
    this.drawPromises(promises);
    this.root.hidden = [this.owed, this.card, this.ask, this.form].every((one) => one.hidden);
  }

  private drawPromises(promises: NonNullable<Chat["standing"]["promises"]>): void {
    this.owed.hidden = !promises.length;
    const lines = promises.map((one) => `${one.text} – ${this.words.say("promiseBy", { t: this.words.moment(new Date(one.due_at), new Date()) })}`);
    if (this.owed.dataset["from"] === lines.join("\n")) return;
    this.owed.dataset["from"] = lines.join("\n");
    const head = make("li", { class: "owed-head" }, this.words.say("promised"));
    this.owed.replaceChildren(head, ...lines.map((line) => make("li", { dir: "auto" }, line)));
  }

  private show(open: boolean): void {
    this.open = open;
    this.form.hidden = !open;
    this.ask.hidden = open;
    if (!open) return;
    this.happen({ do: "times", id: newId() });
    this.number.focus();
  }

  private later(): void {
    this.declined = true;
    this.show(false);
    this.ask.hidden = true;
    this.done();
  }

  private offer(times: Chat["times"]): void {
    this.shown = times;
    this.days = daysOf(times?.periods ?? [], Date.now());
    const chosen = this.day.value;
    const days = this.days.map(({ day }): Choice => [day.toDateString(), this.words.date(day)]);
    fill(this.day, [["", this.words.say("callSoon")], ...days]);
    if (days.some(([value]) => value === chosen)) this.day.value = chosen;
    this.drawTimes();
  }

  private drawTimes(): void {
    const found = this.days.find(({ day }) => day.toDateString() === this.day.value);
    this.timeRow.hidden = !found;
    fill(this.time, (found?.times ?? []).map((at) => [at.toISOString(), this.words.clock(at)]));
  }

  private send(): void {
    const number = this.number.value.trim();
    if (!number) {
      this.wrong("bad_number", this.shown?.example || EXAMPLE);
      this.number.focus();
      return;
    }
    const frame: Extract<Asked["frame"], { t: "callme" }> = { t: "callme", id: newId(), number };
    if (this.day.value && this.time.value) frame.at = this.time.value;
    frame.zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    this.happen({ do: "call", frame });
  }

  private wrong(code: string | undefined, example: string): void {
    if (code === undefined && !this.number.value.trim() && this.error.textContent) return;
    const bad = code === "bad_number";
    write(this.error, code === undefined ? "" : bad ? this.words.say("callBad", { n: example }) : this.words.say("callFailed"));
    this.error.hidden = code === undefined;
    put(this.number, { "aria-invalid": bad ? "true" : null });
  }
}

function fill(select: HTMLSelectElement, choices: readonly Choice[]): void {
  select.replaceChildren(...choices.map(([value, label]) => make("option", { value }, label)));
}
