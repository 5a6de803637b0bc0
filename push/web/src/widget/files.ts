/** Files that were sent: what stands in a message, what a picture shows, how one is saved. */

import { icon, make } from "./dom.ts";
import type { AttachmentCard } from "./frames.ts";
import type { Words } from "./words.ts";

/** What a browser draws and does nothing else with. */
const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const MOST_SHOWN = 5_000_000;
const FORGET_MS = 60_000;

export class Files {
  private readonly pictures = new Map<string, Promise<string>>();
  private readonly seen = new IntersectionObserver((entries) => this.appeared(entries), { rootMargin: "200px" });

  constructor(private readonly place: () => { base: string; token: string | null }) {}

  /** What was sent from here need not be fetched to be shown. */
  keep(id: string, file: File): void {
    if (PICTURES.has(file.type)) this.pictures.set(id, Promise.resolve(URL.createObjectURL(file)));
  }

  /** One file of a message. */
  part(file: AttachmentCard, words: Words): HTMLElement {
    const label = words.say("save", { name: file.name });
    const button = make("button", { type: "button", class: "file", title: label, "data-testid": "file" });
    button.onclick = () => void this.save(file, button, words);
    if (PICTURES.has(file.type) && file.size <= MOST_SHOWN) {
      button.classList.add("pic");
      button.dataset["id"] = file.id;
      button.append(make("img", { alt: file.name, decoding: "async" }));
      this.seen.observe(button);
    }
    button.append(make("span", { class: "file-line" }, icon("clip", 15), make("bdi", { class: "cut" }, file.name), make("span", { class: "size" }, words.bytes(file.size))));
    return button;
  }

  /** What is on the page no more. */
  end(): void {
    this.seen.disconnect();
    for (const url of this.pictures.values()) void url.then(URL.revokeObjectURL, () => undefined);
    this.pictures.clear();
  }

  private appeared(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting || !(target instanceof HTMLElement)) continue;
      this.seen.unobserve(target);
      void this.show(target);
    }
  }

  private async show(button: HTMLElement): Promise<void> {
    const id = button.dataset["id"]!;
    const picture = button.querySelector("img")!;
    try {
      if (!this.pictures.has(id)) this.pictures.set(id, this.fetch(id).then(URL.createObjectURL));
      picture.src = await this.pictures.get(id)!;
      await picture.decode();
      button.classList.add("shown");
    } catch {
      // it cannot be had now, or the page forbids it: its name is there, to be saved by
      this.pictures.delete(id);
      button.classList.remove("pic");
      picture.remove();
    }
  }

  private async save(file: AttachmentCard, button: HTMLButtonElement, words: Words): Promise<void> {
    button.disabled = true;
    button.classList.remove("bad");
    try {
      const url = URL.createObjectURL(await this.fetch(file.id));
      make("a", { href: url, download: file.name }).click();
      setTimeout(() => URL.revokeObjectURL(url), FORGET_MS);
    } catch {
      button.classList.add("bad");
      button.title = words.say("fileGone");
    }
    button.disabled = false;
  }

  private async fetch(id: string): Promise<Blob> {
    const { base, token } = this.place();
    const answer = await fetch(`${base}/chat/v1/attachments/${encodeURIComponent(id)}`, { headers: { Authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.blob();
  }
}
