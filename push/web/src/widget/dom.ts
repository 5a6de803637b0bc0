/** A little help to build elements without markup strings, so that no text can become HTML. */

const SVG = "http://www.w3.org/2000/svg";

type Attributes = Record<string, string | number | boolean | null | undefined>;

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  put(element, attributes);
  element.append(...children);
  return element;
}

export function put(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Changes the text only if it differs: a live region must not speak for nothing. */
export function write(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

const PATHS = {
  chat: ["M21 11.5a8.4 8.4 0 0 1-12.3 7.4L3 21l2.1-5.6A8.4 8.4 0 1 1 21 11.5Z"],
  down: ["m6 9 6 6 6-6"],
  send: ["M5 12h14", "m13 6 6 6-6 6"],
  end: ["M9 21H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2h4", "m16 17 5-5-5-5", "M21 12H9"],
  sending: ["M12 7v5l3 2", "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z"],
  sent: ["m5 13 4 4L19 7"],
  delivered: ["m2 13 4 4L16 7", "m12 16 1 1L23 7"],
  save: ["M12 3v12", "m7 10 5 5 5-5", "M5 21h14"],
  clip: ["m21 11-8.6 8.6a5.5 5.5 0 0 1-7.8-7.8L13.2 3a3.7 3.7 0 0 1 5.2 5.2l-8.6 8.6a1.8 1.8 0 0 1-2.6-2.6L15 6.4"],
  read: ["m2 13 4 4L16 7", "m12 16 1 1L23 7"],
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName, size = 22): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  put(svg, { viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true", focusable: "false" });
  for (const d of PATHS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

const LINK = /\bhttps?:\/\/[^\s<>"]+[^\s<>"'.,;:!?)\]}，。！？；：」）]/g;

/** Text with its web addresses as links; everything else stays text. */
export function linked(text: string): (Node | string)[] {
  const parts: (Node | string)[] = [];
  let at = 0;
  for (const found of text.matchAll(LINK)) {
    const url = found[0];
    parts.push(text.slice(at, found.index));
    parts.push(make("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, url));
    at = found.index + url.length;
  }
  parts.push(text.slice(at));
  return parts.filter((part) => part !== "");
}

export interface Keyed {
  key: string;
  /** What the element is made from: only a change of it makes the element anew. */
  from: string;
  make(): HTMLElement;
  /** What may change without making it anew. */
  adjust?(element: HTMLElement): void;
}

/** Brings the children of `parent` to `wanted`, touching only those that differ. */
export class KeyedList {
  private known = new Map<string, { from: string; element: HTMLElement }>();

  constructor(private readonly parent: HTMLElement) {}

  show(wanted: readonly Keyed[]): void {
    const next = new Map<string, { from: string; element: HTMLElement }>();
    for (const one of wanted) {
      const old = this.known.get(one.key);
      next.set(one.key, old && old.from === one.from ? old : { from: one.from, element: one.make() });
    }
    for (const [key, old] of this.known) if (next.get(key)?.element !== old.element) old.element.remove();
    let at = this.parent.firstElementChild;
    for (const { element } of next.values()) {
      if (element === at) at = at.nextElementSibling;
      else this.parent.insertBefore(element, at);
    }
    for (const one of wanted) one.adjust?.(next.get(one.key)!.element);
    this.known = next;
  }
}

export function newId(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  // On plain http (not localhost) there is no randomUUID.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
