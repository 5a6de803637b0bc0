/** Images in the text of a mail: a mark in what is written, the image in the HTML that is sent. Pure. */

export interface Placed {
  name: string;
  inline_id: string;
}

/** What mail programs show, and the node takes for the text. */
export const IN_TEXT = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

/** Where it stands in the text; who reads plain text reads this. */
export const markOf = ({ name }: Pick<Placed, "name">) => `[${name}]`;

/** A name that no other file has and that can stand in a mark: what is pasted is always called the same. */
export function freeName(name: string, taken: readonly string[]): string {
  const plain = name.replace(/[[\]<>"\s]+/g, "_") || "image";
  const dot = plain.lastIndexOf(".");
  const [stem, end] = dot > 0 ? [plain.slice(0, dot), plain.slice(dot)] : [plain, ""];
  let free = plain;
  for (let n = 2; taken.includes(free); n += 1) free = `${stem}-${n}${end}`;
  return free;
}

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string) => text.replace(/[&<>"]/g, (one) => ESCAPES[one]!);

/** What was written as HTML, with its images; null where there is none in it, so that no HTML is needed. */
export function htmlOf(body: string, images: readonly Placed[]): string | null {
  const shown = images.filter((image) => image.inline_id && body.includes(markOf(image)));
  if (shown.length === 0) return null;
  let html = escaped(body);
  for (const image of shown) {
    const tag = `<img src="cid:${image.inline_id}" alt="${escaped(image.name)}" style="max-width:100%">`;
    html = html.split(escaped(markOf(image))).join(tag);
  }
  return html
    .split("\n\n")
    .map((part) => `<p>${part.replaceAll("\n", "<br>\n")}</p>`)
    .join("\n");
}

/** Without the mark, and without the blank or line that it stood in alone. */
export function unmarked(body: string, image: Pick<Placed, "name">): string {
  const mark = markOf(image);
  return body
    .split("\n")
    .filter((line) => line.trim() !== mark)
    .join("\n")
    .replaceAll(` ${mark}`, "")
    .replaceAll(mark, "");
}
