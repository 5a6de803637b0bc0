/**
 * Files on their way to the node. What it has taken is said as a message of its own; until then a
 * file is only here: nobody can read it again after a reload, so it is not remembered.
 */

import { newId } from "./dom.ts";
import type { AttachmentCard, FilesCard } from "./frames.ts";

export interface Upload {
  readonly id: string;
  readonly file: File;
  /** From 0 to 1. */
  share: number;
  /** Why it did not work: a code of the node's, or `size`, `type`. */
  failed?: string;
}

/** Sends one file; `share` is told how far it is. The answer is what the node kept, or why it did not. */
export type Sender = (file: File, share: (part: number) => void, ending: AbortSignal) => Promise<AttachmentCard | string>;

/** One after the other: they are said in the order in which they were chosen. */
const AT_ONCE = 1;
/** The line is away, or the node busy: it is tried again. */
const AGAIN = new Set(["network", "unavailable", "too_fast"]);
const TRIES = 6;
const PAUSE_MS = 2_000;

export class Uploads {
  private all: Upload[] = [];
  private readonly running = new Map<string, AbortController>();

  constructor(
    private readonly send: Sender,
    private readonly kept: (card: AttachmentCard, file: File) => void,
    private readonly changed: () => void,
  ) {}

  get list(): readonly Upload[] {
    return this.all;
  }

  add(files: Iterable<File>, rules: FilesCard): void {
    for (const file of files) {
      const upload: Upload = { id: newId(), file, share: 0 };
      const failed = problemOf(file, rules);
      if (failed) upload.failed = failed;
      this.all.push(upload);
    }
    this.go();
  }

  again(id: string): void {
    const upload = this.all.find((one) => one.id === id);
    if (!upload) return;
    delete upload.failed;
    this.go();
  }

  drop(id: string): void {
    this.running.get(id)?.abort();
    this.all = this.all.filter((one) => one.id !== id);
    this.go();
  }

  private go(): void {
    for (const upload of this.all) {
      if (this.running.size >= AT_ONCE) break;
      if (!upload.failed && !this.running.has(upload.id)) void this.bring(upload);
    }
    this.changed();
  }

  private async bring(upload: Upload): Promise<void> {
    const ending = new AbortController();
    this.running.set(upload.id, ending);
    let answer: AttachmentCard | string = "network";
    for (let tries = 0; tries < TRIES && !ending.signal.aborted; tries++) {
      if (tries) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * tries));
      answer = await this.send(upload.file, (part) => this.at(upload, part), ending.signal);
      if (typeof answer !== "string" || !AGAIN.has(answer)) break;
    }
    this.running.delete(upload.id);
    if (!this.all.includes(upload)) return this.go();
    if (typeof answer === "string") upload.failed = answer;
    else {
      this.all = this.all.filter((one) => one !== upload);
      this.kept(answer, upload.file);
    }
    this.go();
  }

  private at(upload: Upload, part: number): void {
    upload.share = part;
    this.changed();
  }
}

/** What can be told without the node; what a file really is, it says by its content. */
function problemOf(file: File, rules: FilesCard): string | undefined {
  if (file.size > rules.max_bytes) return "size";
  return file.size === 0 ? "bad_field" : undefined;
}

/** By HTTP, for a socket would not tell how far it is. */
export function httpSender(place: () => { base: string; token: string | null }): Sender {
  return (file, share, ending) =>
    new Promise((resolve) => {
      const { base, token } = place();
      if (!token) return resolve("network");
      const request = new XMLHttpRequest();
      const form = new FormData();
      form.append("file", file, file.name);
      request.open("POST", `${base}/chat/v1/attachments`);
      request.setRequestHeader("Authorization", `Bearer ${token}`);
      request.responseType = "json";
      request.upload.onprogress = (event) => {
        if (event.lengthComputable) share(event.loaded / event.total);
      };
      request.onload = () => {
        const said = request.response as (AttachmentCard & { title?: string }) | null;
        if (request.status === 201 && said) resolve(said);
        else resolve(said?.title ?? (request.status >= 500 ? "unavailable" : "refused"));
      };
      request.onerror = request.ontimeout = request.onabort = () => resolve("network");
      ending.addEventListener("abort", () => request.abort());
      request.send(form);
    });
}
