/**
 * The customer's own page for a ticket. The node renders it and it works without this script, which
 * adds: times in the reader's zone, what was typed kept over a reload or a bad line, and news.
 */

import { localise } from "./times.ts";
import "./ticket.css";
import { Watch } from "./watch.ts";

const page = () => document.getElementById("ticket");
const notice = () => document.getElementById("notice");
const word = (name: "sending" | "offline" | "down" | "news"): string => page()?.dataset[name] ?? "";

function tell(text: string, bad = false): void {
  const line = notice();
  if (!line) return;
  line.textContent = text;
  line.classList.toggle("bad", bad);
}

// -- what was typed -------------------------------------------------------------------------------

const KEPT = "switchroom.ticket";
/** A tab may show several tickets, so each is kept under its number; the link itself is not kept. */
const keptAs = (box: HTMLTextAreaElement) => `${KEPT}.${document.querySelector(".number")?.textContent}.${box.name}`;

function restore(): void {
  for (const box of document.querySelectorAll<HTMLTextAreaElement>("textarea")) {
    try {
      if (!box.value) box.value = sessionStorage.getItem(keptAs(box)) ?? "";
    } catch {
      return; // a browser that keeps nothing
    }
  }
}

function keep(box: HTMLTextAreaElement): void {
  try {
    if (box.value) sessionStorage.setItem(keptAs(box), box.value);
    else sessionStorage.removeItem(keptAs(box));
  } catch {
    return;
  }
}

// -- sending --------------------------------------------------------------------------------------

async function send(form: HTMLFormElement): Promise<void> {
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  tell(word("sending"));
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") body.append(name, value);
  try {
    const answer = await fetch(form.action, { method: "POST", body, signal: AbortSignal.timeout(40_000) });
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.ok) arrived(form, answer, next);
    else tell(next.getElementById("notice")?.textContent || word("down"), true);
  } catch {
    tell(navigator.onLine ? word("down") : word("offline"), true);
  } finally {
    form.ariaBusy = null;
    notice()?.focus();
  }
}

function arrived(form: HTMLFormElement, answer: Response, next: Document): void {
  for (const box of form.querySelectorAll<HTMLTextAreaElement>("textarea")) {
    box.value = "";
    keep(box);
  }
  if (new URL(answer.url).pathname !== location.pathname) {
    location.assign(answer.url); // a closed ticket has a follower
    return;
  }
  const others = [...document.querySelectorAll<HTMLTextAreaElement>("textarea")].map((box) => [box.id, box.value]);
  page()?.replaceWith(next.getElementById("ticket") ?? "");
  for (const [id, value] of others) {
    const box = document.getElementById(id!);
    if (box instanceof HTMLTextAreaElement && !box.value) box.value = value!;
  }
  localise(document);
}

// -- news -----------------------------------------------------------------------------------------

/** Take what is new into the page, and leave alone what somebody is filling in. */
function take(next: Document): void {
  const before = newest(document);
  const [live, fresh] = [document.getElementById("live"), next.getElementById("live")];
  if (!live || !fresh) return;
  live.replaceWith(fresh);
  for (const id of ["write", "rate"]) {
    const [old, now] = [document.getElementById(id), next.getElementById(id)];
    if (old && now && !touched(old)) old.replaceWith(now);
  }
  localise(document);
  if (newest(document) !== before) tell(word("news"));
}

const newest = (of: Document) => [...of.querySelectorAll<HTMLElement>(".said:not(.mine)")].at(-1)?.dataset["seq"];

function touched(part: HTMLElement): boolean {
  if (part.contains(document.activeElement)) return true;
  const typed = [...part.querySelectorAll("textarea")].some((box) => box.value !== "");
  return typed || [...part.querySelectorAll("input")].some((one) => one.checked !== one.defaultChecked);
}

function start(): void {
  localise(document);
  const main = page();
  if (!main) return;
  restore();
  document.addEventListener("input", (event) => {
    if (event.target instanceof HTMLTextAreaElement) keep(event.target);
  });
  document.addEventListener("submit", (event) => {
    if (!(event.target instanceof HTMLFormElement)) return;
    event.preventDefault();
    void send(event.target);
  });
  addEventListener("offline", () => tell(word("offline"), true));
  addEventListener("online", () => tell(""));
  new Watch(main.dataset["version"] ?? "", take).start();
}

start();
