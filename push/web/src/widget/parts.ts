/** The window's parts as built once, and what its head and notice say. */

import type { Chat } from "./chat.ts";
import { icon, make, put } from "./dom.ts";
import type { Words } from "./words.ts";

export function standingText(chat: Chat, words: Words): string {
  const { state, agent, callback } = chat.standing;
  if (callback) return ""; // the card below says it
  if (state === "active") return agent ? words.say("with", { name: agent }) : words.say("connected");
  if (state === "offline") {
    return chat.opensAt ? words.say("opens", { t: words.moment(new Date(chat.opensAt), new Date()) }) : "";
  }
  return state === "queued" ? words.say("queued") : "";
}

/** Something was said, it is over, and nothing new is on its way. */
export function ended(chat: Chat): boolean {
  return chat.standing.state === "closed" && chat.conversation !== null && chat.said.length > 0 && !chat.pending.length;
}

export function placeText(chat: Chat, words: Words): string {
  const { position, estimate } = chat.standing;
  if (position === undefined) return "";
  const place = position === 1 ? words.say("next") : words.say("place", { n: position });
  return estimate === undefined ? place : `${place} · ${words.wait(estimate)}`;
}

export type Parts = ReturnType<typeof buildParts>;

export function buildParts(words: Words) {
  const button = (kind: string, label: string, ...inside: (Node | string)[]) =>
    make("button", { type: "button", class: kind, part: kind.split(" ")[0]!, "aria-label": label, title: label }, ...inside);
  const badge = make("span", { class: "badge", part: "badge", "data-testid": "unread", "aria-hidden": "true" });
  const launcher = make("button", { type: "button", class: "launcher", part: "launcher", "data-testid": "launcher", "aria-controls": "panel", "aria-haspopup": "dialog" });
  const news = make("div", { class: "hide", role: "status" });

  const title = make("h2", { class: "title", id: "title", part: "title" });
  const number = make("span", { class: "sub", part: "number", "data-testid": "number" });
  const sub = make("div", { class: "sub", role: "status", part: "status", "data-testid": "status" });
  const end = button("icon end", words.say("end"), icon("end", 20));
  const save = button("icon save", words.say("saveChat"), icon("save", 20));
  const close = button("icon close", words.say("close"), icon("down", 24));
  const head = make("header", { class: "head", part: "header" }, make("div", { class: "who" }, title, sub, number), save, end, close);

  const endYes = make("button", { type: "button", class: "small main", "data-testid": "end-yes" }, words.say("end"));
  const endNo = make("button", { type: "button", class: "small", "data-testid": "end-no" }, words.say("endNo"));
  const ask = make("div", { class: "ask", role: "group", "data-testid": "end-ask" }, make("span", {}, words.say("endAsk")), endNo, endYes);
  ask.hidden = true;
  const strip = make("div", { class: "strip", role: "status", part: "notice", "data-testid": "notice" });

  const log = make("div", { class: "log", role: "log", "aria-live": "polite", "aria-relevant": "additions", "aria-label": words.say("log"), part: "log", "data-testid": "log" });
  const scroll = make("div", { class: "scroll", tabindex: 0, "aria-label": words.say("log"), role: "region" }, log);

  const fresh = make("button", { type: "button", class: "fresh", "data-testid": "fresh" }, words.say("fresh"));
  fresh.hidden = true;
  const over = make("div", { class: "over", role: "alert" });
  const text = make("textarea", { rows: 1, placeholder: words.say("write"), "aria-label": words.say("write"), part: "input", "data-testid": "input", enterkeyhint: "send" });
  const send = make("button", { type: "submit", class: "send", part: "send", "aria-label": words.say("send"), title: words.say("send"), "data-testid": "send" }, icon("send", 20));
  const dropEdit = make("button", { type: "button", class: "small", "data-testid": "edit-cancel" }, words.say("editNot"));
  const editing = make("div", { class: "ask", role: "group", "data-testid": "editing" }, make("span", {}, words.say("editing")), dropEdit);
  editing.hidden = true;
  const consent = make("p", { class: "consent", "data-testid": "consent" });
  consent.hidden = true;
  const pick = make("input", { type: "file", multiple: true, hidden: true, "data-testid": "file-input" });
  const attach = button("attach", words.say("attach"), icon("clip", 20));
  const form = make("form", { class: "compose", part: "composer" }, fresh, over, attach, pick, text, send);

  const panel = make("section", { class: "panel", id: "panel", part: "panel", role: "dialog", "aria-labelledby": "title", "data-testid": "panel" }, head, strip, ask, scroll, editing, form, consent);
  put(end, { "data-testid": "end" });
  put(close, { "data-testid": "close" });
  put(attach, { "data-testid": "attach" });
  put(save, { "data-testid": "save" });
  const root = make("div", { class: "root" }, panel, launcher, news);
  return { root, launcher, badge, news, panel, title, sub, number, end, close, ask, endYes, endNo, strip, log, scroll, fresh, over, text, send, form, attach, pick, editing, dropEdit, save, consent };
}

/** Full-screen on a phone the window is modal: Tab stays inside. */
export function keepWithin(panel: HTMLElement, event: KeyboardEvent, root: ShadowRoot | null): void {
  const all = [...panel.querySelectorAll<HTMLElement>("button,input,select,textarea,a[href],[tabindex='0']")].filter(
    (one) => !one.hidden && !(one instanceof HTMLButtonElement && one.disabled) && one.offsetParent !== null,
  );
  const edge = event.shiftKey ? all[0] : all.at(-1);
  if (root?.activeElement !== edge) return;
  event.preventDefault();
  (event.shiftKey ? all.at(-1) : all[0])?.focus();
}
