import { useEffect, useRef, useState } from "preact/hooks";
import type { Mood } from "./board";

const GLIDE_MS = 600;
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Values that glide to where they are to be; at once where the reader wants no motion. */
function useGlide(target: readonly number[]): readonly number[] {
  const [values, setValues] = useState(target);
  const drawn = useRef(target);
  const key = target.join();
  useEffect(() => {
    const from = drawn.current;
    const show = (next: readonly number[]) => {
      drawn.current = next;
      setValues(next);
    };
    if (still() || from.length !== target.length) return show(target);
    let frame = 0;
    const began = performance.now();
    const step = (time: number) => {
      const part = Math.min(Math.max((time - began) / GLIDE_MS, 0), 1);
      const eased = 1 - (1 - part) ** 3;
      show(target.map((to, index) => from[index]! + (to - from[index]!) * eased));
      if (part < 1) frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
    return () => cancelAnimationFrame(frame);
  }, [key]);
  return values;
}

const WIDTH = 240;
const HEIGHT = 56;

/** A line over time, the last value at its end; what it says stands beside it in words. */
export function Spark({ values }: { values: readonly number[] }) {
  const drawn = useGlide(values);
  if (drawn.length < 2) return null;
  const top = Math.max(1, ...drawn);
  const x = (index: number) => (index / (drawn.length - 1)) * WIDTH;
  const y = (value: number) => HEIGHT - 3 - (value / top) * (HEIGHT - 8);
  const line = drawn.map((value, index) => `${index ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="spark-area" d={`${line}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z`} />
      <path class="spark-line" d={line} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

/** A share of a whole, from 0 to 1. */
export function Meter({ share, mood }: { share: number; mood: Mood }) {
  return (
    <span class={`meter ${mood}`} aria-hidden="true">
      <span style={{ inlineSize: `${Math.round(Math.min(Math.max(share, 0), 1) * 100)}%` }} />
    </span>
  );
}
