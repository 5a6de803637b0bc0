import { useEffect, useRef } from "preact/hooks";
import type { ItemView, Typing } from "../protocol";
import { tell } from "./store";

const AGAIN = 4000;
const QUIET = 5000;

/** Shows a chat customer that the agent is typing: said again every few seconds, ended by a pause. */
export function useTyping(item: ItemView): { type(text: string): void; stop(): void } {
  const toldAt = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const able = item.kind === "webchat" && item.state === "assigned";

  const stop = () => {
    clearTimeout(timer.current);
    if (toldAt.current === 0) return;
    toldAt.current = 0;
    tell<Typing>({ t: "typing", item: item.id, on: false });
  };
  const type = (text: string) => {
    if (!able) return;
    if (!text) return stop();
    const now = Date.now();
    if (now - toldAt.current > AGAIN) {
      toldAt.current = now;
      tell<Typing>({ t: "typing", item: item.id, on: true });
    }
    clearTimeout(timer.current);
    timer.current = setTimeout(stop, QUIET);
  };
  useEffect(() => stop, [item.id]);
  return { type, stop };
}
