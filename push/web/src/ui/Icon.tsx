import type { IconNode } from "lucide";
import { h } from "preact";

/** A line icon. Without `label` it is decoration and hidden from screen readers. */
export function Icon({ of, size = 16, label }: { of: IconNode; size?: number; label?: string }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width={size > 22 ? 1.75 : 2}
      stroke-linecap="round"
      stroke-linejoin="round"
      role={label ? "img" : undefined}
      aria-label={label}
      aria-hidden={label ? undefined : true}
    >
      {of.map(([tag, attributes], index) => h(tag, { ...attributes, key: index }))}
    </svg>
  );
}
