/**
 * Making an offer heard once, in one tab, and seen in the title.
 *
 * Every tab hears of an offer; whoever gets the offer's lock rings and keeps the lock until the
 * deadline. Tabs that a browser would not let sound (no gesture yet) ask a little later.
 */

import { effect, signal } from "@preact/signals";
import { t } from "../i18n";
import type { OfferView } from "../protocol";
import { readStored, writeStored } from "../ui/storage";
import { serverNow } from "../ui/time";
import { unread as unreadPeers } from "./peers";
import { items, isUnread, offers, onFrame } from "./store";

const MUTED = "switchroom.muted";
export const muted = signal(readStored(MUTED, false));

export function setMuted(value: boolean): void {
  muted.value = value;
  writeStored(MUTED, value);
}

let audio: AudioContext | null = null;

/** Browsers allow sound only after a gesture: the first one anywhere opens it. */
function openAudio(): void {
  try {
    audio ??= new AudioContext();
    void audio.resume();
  } catch {
    audio = null;
  }
}

/** Two soft notes, a fifth apart. */
export function chime(): void {
  if (!audio || audio.state !== "running") return;
  const start = audio.currentTime + 0.02;
  for (const [index, frequency] of [659.25, 987.77].entries()) {
    const at = start + index * 0.16;
    const tone = audio.createOscillator();
    const gain = audio.createGain();
    tone.type = "sine";
    tone.frequency.value = frequency;
    gain.gain.setValueAtTime(0.0001, at);
    gain.gain.exponentialRampToValueAtTime(0.16, at + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.7);
    tone.connect(gain).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.75);
  }
}

async function ring(offer: OfferView): Promise<void> {
  if (muted.peek()) return;
  const left = Date.parse(offer.deadline) - serverNow();
  if (left <= 0) return;
  const audible = audio?.state === "running";
  if (!audible) await new Promise((resolve) => setTimeout(resolve, 250));
  const sound = async () => {
    chime();
    await new Promise((resolve) => setTimeout(resolve, left));
  };
  if (!navigator.locks) return chime();
  await navigator.locks.request(`switchroom.ring.${offer.offer}`, { ifAvailable: true }, async (lock) => {
    if (lock) await sound();
  });
}

function title(): string {
  const waiting = offers.value.length;
  const unread = items.value.filter(isUnread).length + unreadPeers.value;
  const name = `${t("desktop")} · Switchroom`;
  if (waiting > 0) return `● ${t("offer.title", { n: waiting })} · Switchroom`;
  return unread > 0 ? `(${unread}) ${name}` : name;
}

export function startRinging(): void {
  addEventListener("pointerdown", openAudio);
  addEventListener("keydown", openAudio);
  onFrame((frame, desk) => {
    const offer = frame.t === "offer" ? desk.offers[frame.offer] : undefined;
    if (offer) void ring(offer);
  });
  effect(() => {
    document.title = title();
  });
}
