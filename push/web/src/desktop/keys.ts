/** The keyboard: one table, from which the help sheet is drawn too. */

import { signal } from "@preact/signals";
import type { Key } from "../i18n";
import { readStored, writeStored } from "../ui/storage";
import {
  accept,
  closing,
  customerOpen,
  decline,
  dialog,
  escape,
  firstOffer,
  openedItem,
  park,
  step,
  toggleReady,
  write,
} from "./acts";
import { speakOf, toggle as togglePeers } from "./peers";

const STORED = "switchroom.single_keys";
/** Keys without Alt or Ctrl can be switched off (WCAG 2.1.4): speech input may produce them. */
export const singleKeys = signal(readStored(STORED, true));

export function setSingleKeys(on: boolean): void {
  singleKeys.value = on;
  writeStored(STORED, on);
}

interface Shortcut {
  keys: string[];
  label: Key;
  match(event: KeyboardEvent): boolean;
  run?(): void;
  single?: boolean;
  /** Works while a dialog is open too: an offer does not wait for it. */
  always?: boolean;
}

const alt = (code: string) => (event: KeyboardEvent) =>
  event.altKey && !event.ctrlKey && !event.metaKey && event.code === code;
const plain = (key: string) => (event: KeyboardEvent) =>
  !event.altKey && !event.ctrlKey && !event.metaKey && event.key === key;
const isPalette = (event: KeyboardEvent) =>
  (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.code === "KeyK";
const elsewhere = () => false; // the composer itself listens for these

export const SHORTCUTS: { title: Key; list: Shortcut[] }[] = [
  {
    title: "keys.work",
    list: [
      { keys: ["Alt", "A"], label: "keys.accept", match: alt("KeyA"), run: () => void withOffer(accept), always: true },
      { keys: ["Alt", "X"], label: "keys.decline", match: alt("KeyX"), run: () => void withOffer(decline), always: true },
      { keys: ["Alt", "R"], label: "keys.ready", match: alt("KeyR"), run: toggleReady },
      { keys: ["Alt", "N"], label: "keys.new", match: alt("KeyN"), run: () => (dialog.value = { kind: "new" }) },
    ],
  },
  {
    title: "keys.conversation",
    list: [
      { keys: ["Ctrl", "Enter"], label: "keys.send", match: elsewhere },
      { keys: ["Ctrl", "Shift", "Enter"], label: "keys.send_wait", match: elsewhere },
      { keys: ["Alt", "Enter"], label: "keys.send_close", match: elsewhere },
      { keys: ["R"], label: "keys.reply", match: plain("r"), run: () => focus("reply"), single: true },
      { keys: ["N"], label: "keys.note", match: plain("n"), run: () => focus("note"), single: true },
      { keys: ["T"], label: "keys.transfer", match: plain("t"), run: transfer, single: true },
      { keys: ["P"], label: "keys.promise", match: plain("p"), run: () => owe("promise"), single: true },
      { keys: ["B"], label: "keys.callback", match: plain("b"), run: () => owe("callback"), single: true },
      { keys: ["W"], label: "keys.park", match: plain("w"), run: parkOpened, single: true },
      { keys: ["E"], label: "keys.wrapup", match: plain("e"), run: wrapUp, single: true },
      { keys: ["C"], label: "keys.peers_about", match: plain("c"), run: askAbout, single: true },
      { keys: ["M"], label: "keys.macro", match: plain("m"), run: openPalette, single: true },
      { keys: ["G"], label: "keys.merge", match: plain("g"), run: mergeOpened, single: true },
      { keys: ["S"], label: "keys.split", match: plain("s"), run: splitOpened, single: true },
      { keys: ["I"], label: "keys.customer", match: plain("i"), run: () => (customerOpen.value = !customerOpen.value), single: true },
    ],
  },
  {
    title: "keys.around",
    list: [
      { keys: ["J"], label: "keys.next", match: plain("j"), run: () => step(1), single: true },
      { keys: ["K"], label: "keys.previous", match: plain("k"), run: () => step(-1), single: true },
      { keys: ["Alt", "↓"], label: "keys.next", match: alt("ArrowDown"), run: () => step(1) },
      { keys: ["Alt", "↑"], label: "keys.previous", match: alt("ArrowUp"), run: () => step(-1) },
      { keys: ["Alt", "C"], label: "keys.peers", match: alt("KeyC"), run: togglePeers },
      { keys: ["Ctrl", "K"], label: "keys.palette", match: isPalette, run: openPalette },
      { keys: ["Esc"], label: "keys.escape", match: plain("Escape"), run: escape },
      { keys: ["?"], label: "keys.help", match: plain("?"), run: () => (dialog.value = { kind: "keys" }), single: true },
    ],
  },
];

async function withOffer(act: typeof accept): Promise<void> {
  const offer = firstOffer();
  if (offer) await act(offer);
}

function focus(mode: "reply" | "note"): void {
  const item = openedItem();
  if (item?.state === "assigned") write(item.id, mode);
}

function transfer(): void {
  const item = openedItem();
  if (item) dialog.value = { kind: "transfer", item };
}

function owe(kind: "promise" | "callback"): void {
  const item = openedItem();
  if (item) dialog.value = { kind, item };
}

function mergeOpened(): void {
  const item = openedItem();
  if (item) dialog.value = { kind: "merge", number: item.number, customer: item.customer };
}

function splitOpened(): void {
  const item = openedItem();
  if (item) dialog.value = { kind: "split", number: item.number, queue: item.queue };
}

export function openPalette(): void {
  dialog.value = { kind: "palette", item: openedItem() ?? null };
}

function askAbout(): void {
  const item = openedItem();
  if (item) speakOf(item);
}

function parkOpened(): void {
  const item = openedItem();
  if (item?.state === "assigned") park(item).catch(() => undefined);
}

function wrapUp(): void {
  const item = openedItem();
  if (item) closing.value = closing.value === item.id ? null : item.id;
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

export function startKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const modal = document.querySelector("dialog[open]") !== null;
    const writing = isWriting(event.target);
    for (const { list } of SHORTCUTS) {
      for (const shortcut of list) {
        if (!shortcut.run || !shortcut.match(event)) continue;
        if (modal && !shortcut.always) continue;
        if (writing && (shortcut.single || event.key === "Escape")) continue;
        if (shortcut.single && !singleKeys.value) continue;
        event.preventDefault();
        shortcut.run();
        return;
      }
    }
  });
}
