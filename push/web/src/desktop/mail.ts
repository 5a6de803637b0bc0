/** Reading mail: what its HTML holds, without showing it; and folding of quoted text. */

export interface MailFacts {
  links: { href: string; text: string }[];
  remoteImages: number;
  inlineIds: string[];
  /** It sets colours of its own, so it must be shown on white. */
  coloured: boolean;
  /** A height at which most of it is seen; the frame cannot be measured from outside. */
  height: number;
}

/** Where the node keeps the address of a remote image, so that nothing loads it. */
const UNLOADED = "data-src";
const CID = /^cid:/i;
const LINE = 23;
const PER_LINE = 92;

/** The Content-ID that an address means (RFC 2392: it is percent-encoded there). */
function cidOf(src: string): string {
  const id = src.slice(4);
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

/** The files that a mail's text shows itself: a Content-ID alone says nothing, many programs give one to every file. */
export function shownInText(html: string | null, files: readonly { inline_id: string; type: string }[]): Set<string> {
  const wanted = new Set([...(html ?? "").matchAll(/["']cid:([^"']+)["']/gi)].map((match) => cidOf(`cid:${match[1]!}`)));
  return new Set(
    files.filter(({ inline_id, type }) => inline_id && type.startsWith("image/") && wanted.has(inline_id)).map(({ inline_id }) => inline_id),
  );
}

/** Parsed in an inert document: nothing is loaded or run. */
export function mailFacts(html: string): MailFacts {
  const doc = new DOMParser().parseFromString(html, "text/html");
  const images = [...doc.images];
  const sources = images.map((image) => image.getAttribute("src") ?? "");
  const remote = images.filter((image) => image.hasAttribute(UNLOADED) || /^(https?:)?\/\//i.test(image.getAttribute("src") ?? ""));
  const links = new Map<string, string>();
  for (const link of doc.links) {
    const href = link.getAttribute("href") ?? "";
    if (/^(https?:|mailto:|tel:)/i.test(href)) links.set(href, link.textContent?.trim() || href);
  }
  const blocks = doc.querySelectorAll("p,div,li,tr,br,h1,h2,h3,blockquote").length;
  const text = doc.body.textContent ?? "";
  const imageHeight = images.reduce((sum, image) => sum + Math.min(Number(image.getAttribute("height")) || 90, 400), 0);
  const lines = Math.ceil(text.replace(/\s+/g, " ").length / PER_LINE) + blocks * 0.95;
  return {
    links: [...links].map(([href, label]) => ({ href, text: label })),
    remoteImages: remote.length,
    inlineIds: sources.filter((src) => CID.test(src)).map(cidOf),
    coloured: /(?:background|bgcolor|[^-]color)\s*[:=]/i.test(html),
    height: Math.round(Math.min(640, Math.max(96, lines * LINE + imageHeight + 60))),
  };
}

/**
 * The document for the sandboxed frame. Its own policy is stricter than the page's, which it
 * inherits; `style` is the absolute address of its style sheet, for its origin is nobody's.
 */
export function mailDocument(
  html: string,
  options: { style: string; images: boolean; dark: boolean; inline: Record<string, string> },
): string {
  const { style, images, dark, inline } = options;
  const sources = images ? "data: https: http:" : "data:";
  const policy = `default-src 'none'; style-src 'unsafe-inline' ${style}; img-src ${sources}`;
  const doc = new DOMParser().parseFromString(html, "text/html");
  for (const image of doc.images) {
    const src = image.getAttribute("src") ?? "";
    const data = CID.test(src) ? inline[cidOf(src)] : undefined;
    const remote = images ? image.getAttribute(UNLOADED) : null;
    if (data ?? remote) image.setAttribute("src", (data ?? remote)!);
  }
  const body = doc.body.innerHTML;
  return [
    `<!doctype html><html class="${dark ? "dark" : "light"}"><head><meta charset="utf-8">`,
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    `<meta name="referrer" content="no-referrer">`,
    `<link rel="stylesheet" href="${style}"></head><body>${body}</body></html>`,
  ].join("");
}

const INTRODUCTION = /^\s*(on .{4,200} wrote:|am .{4,200} schrieb .{0,100}:|el .{4,200} escribió:|le .{4,200} a écrit ?:|-{2,}\s*original message\s*-{2,}|在.{2,60}写道[:：])\s*$/i;

/**
 * Splits what was said from what is only quoted below it: at the line that the node names, or,
 * where it names none (0), where a quotation visibly begins.
 */
export function foldQuoted(text: string, from = 0): { said: string; quoted: string } {
  const lines = text.replace(/\r\n/g, "\n").split("\n");
  let start = from > 0 ? from : lines.findIndex((line) => INTRODUCTION.test(line));
  if (start < 0) {
    // a tail of lines that all begin with ">"
    let tail = lines.length;
    while (tail > 0 && /^\s*(>|$)/.test(lines[tail - 1]!)) tail -= 1;
    start = lines.slice(tail).some((line) => line.trim().startsWith(">")) ? tail : -1;
  }
  const said = start < 0 ? "" : lines.slice(0, start).join("\n").trimEnd();
  if (!said) return { said: text.trimEnd(), quoted: "" };
  return { said, quoted: lines.slice(start).join("\n").trim() };
}

/** Text cut at the addresses in it, so that they can be links. */
export function linked(text: string): { text: string; href?: string }[] {
  const parts: { text: string; href?: string }[] = [];
  let last = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]']/g)) {
    if (match.index > last) parts.push({ text: text.slice(last, match.index) });
    parts.push({ text: match[0], href: match[0] });
    last = match.index + match[0].length;
  }
  if (last < text.length) parts.push({ text: text.slice(last) });
  return parts;
}

export function addresses(text: string): string[] {
  return text
    .split(/[,;\n]/)
    .map((part) => part.trim())
    .filter(Boolean);
}

interface Named {
  name: string;
  type: string;
}

export const isMail = ({ name, type }: Named) => type === "message/rfc822" || type === "message/global" || /\.eml$/i.test(name);

export const isCalendar = ({ name, type }: Named) =>
  type === "text/calendar" || type === "application/ics" || /\.(ics|ical)$/i.test(name);
