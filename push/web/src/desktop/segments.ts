/** How many short messages a text makes, as they are billed; the node counts the same (tests/vectors/segments.json). */

const GSM = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
/** These take two places. */
const EXTENDED = new Set("\f^{}\\[~]|€");

export const MOST_SEGMENTS = 10;

export interface Count {
  segments: number;
  /** Places that the last one still has. */
  left: number;
  /** Two bytes for each: there is a character in it that the phone alphabet does not have. */
  wide: boolean;
}

export function countSegments(text: string): Count {
  const characters = [...text];
  const wide = !characters.every((one) => GSM.has(one) || EXTENDED.has(one));
  const sizes = characters.map((one) => (wide ? one.length : EXTENDED.has(one) ? 2 : 1));
  const [whole, part] = wide ? [70, 67] : [160, 153];
  const all = sizes.reduce((sum, size) => sum + size, 0);
  if (all <= whole) return { segments: 1, left: whole - all, wide };
  let segments = 1;
  let used = 0;
  for (const size of sizes) {
    if (used + size > part) {
      segments += 1;
      used = 0;
    }
    used += size;
  }
  return { segments, left: part - used, wide };
}

/** What makes it dearer: the first character that the phone alphabet does not have. */
export function firstWide(text: string): string {
  return [...text].find((one) => !GSM.has(one) && !EXTENDED.has(one)) ?? "";
}

const HOUR = 3_600_000;

export interface Left {
  hours: number;
  minutes: number;
}

/** What is left of a messenger's window; nothing: it is over. */
export function windowLeft(ends: string, now: number): Left | null {
  const left = Date.parse(ends) - now;
  if (!(left > 0)) return null;
  return { hours: Math.floor(left / HOUR), minutes: Math.floor((left % HOUR) / 60_000) };
}
