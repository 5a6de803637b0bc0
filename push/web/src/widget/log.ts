/** The transcript as rows: what is shown, in which order, grouped how. */

import type { Chat, Mark, Pending, Said } from "./chat.ts";
import { markOf } from "./chat.ts";
import type { Keyed } from "./dom.ts";
import { icon, linked, make } from "./dom.ts";
import type { Files } from "./files.ts";
import { quickRow } from "./quick.ts";
import type { Upload } from "./uploads.ts";
import type { Words } from "./words.ts";

const TOGETHER_MS = 5 * 60_000;

export interface Acts {
  again(id: string): void;
  discard(id: string): void;
  /** Says one of the answers that can be pressed. */
  answer(text: string): void;
  /** Says it otherwise, or takes it back. */
  edit(said: Said): void;
  takeBack(said: Said): void;
  uploadAgain(id: string): void;
  uploadDrop(id: string): void;
}

export interface Shown {
  chat: Chat;
  words: Words;
  files: Files;
  uploads: readonly Upload[];
}

export function rowsOf({ chat, words, files, uploads }: Shown, acts: Acts, now: Date): Keyed[] {
  const rows: Keyed[] = [];
  const greeting = chat.site.greeting || words.say("greeting");
  rows.push(greetingRow(greeting));
  let before: Said | null = null;
  const lastMine = chat.said.findLast((s) => s.author.kind === "customer");
  for (const said of chat.said) {
    rows.push(...dividers(before, said, words, now));
    rows.push(saidRow(said, before, words, files));
    if (said.mine && !said.changed?.startsWith("d")) rows.push(amendRow(said, words, acts));
    if (said === lastMine) rows.push(footRow(said.clientId ?? said.id, markOf(chat, said), words, said.at));
    before = said;
  }
  chat.pending.forEach((pending, index) => {
    const first = index === 0 && before?.author.kind !== "customer";
    rows.push(...pendingRows(pending, first, index === chat.pending.length - 1, words, acts, files));
  });
  for (const upload of uploads) rows.push(uploadRow(upload, words, acts));
  rows.push(...quickRow(chat, acts.answer));
  if (chat.typing) rows.push(typingRow(chat.typing.name, words));
  return rows;
}

function greetingRow(text: string): Keyed {
  return {
    key: "greeting",
    from: text,
    make: () => make("div", { class: "greeting bubble", part: "greeting", "data-testid": "greeting" }, text),
  };
}

function dividers(before: Said | null, said: Said, words: Words, now: Date): Keyed[] {
  const rows: Keyed[] = [];
  if (before && before.conversation !== said.conversation) {
    const text = words.say("start");
    rows.push({ key: `rule:${said.conversation}`, from: text, make: () => make("div", { class: "rule", "aria-hidden": "true" }, text) });
  }
  const day = words.day(new Date(said.at), now);
  if (!before || words.day(new Date(before.at), now) !== day) {
    rows.push({ key: `day:${said.conversation}:${said.seq}`, from: day, make: () => make("div", { class: "day", "aria-hidden": "true" }, day) });
  }
  return rows;
}

function together(a: Said | null, b: Said): boolean {
  return (
    a !== null &&
    a.conversation === b.conversation &&
    a.author.kind === b.author.kind &&
    a.author.name === b.author.name &&
    Date.parse(b.at) - Date.parse(a.at) < TOGETHER_MS
  );
}

function saidRow(said: Said, before: Said | null, words: Words, files: Files): Keyed {
  const first = !together(before, said);
  // A sent message keeps the element it had while pending: no flicker, nothing read out twice.
  const key = said.clientId ? `mine:${said.clientId}` : `said:${said.id}`;
  const mine = said.author.kind === "customer";
  const from = JSON.stringify([said.body, said.attachments, first, mine || said.author.name, said.changed]);
  if (said.author.kind === "system" && !said.quickReplies) {
    return { key, from, make: () => make("div", { class: "event", "data-testid": "event", "data-seq": said.seq }, said.body) };
  }
  return {
    key,
    from,
    make: () => {
      const row = bubbleRow(mine, first, said.body, mine ? words.say("you") : said.author.name || words.say("support"));
      const bubble = row.querySelector(".bubble")!;
      bubble.append(...(said.attachments ?? []).map((file) => files.part(file, words)));
      if (said.changed) bubble.append(make("i", { class: "changed", "data-testid": said.changed }, words.say(said.changed)));
      return row;
    },
    adjust: (row) => {
      row.classList.remove("waits");
      delete row.dataset["pending"];
      row.dataset["seq"] = String(said.seq);
      row.title = words.clock(new Date(said.at));
    },
  };
}

function bubbleRow(mine: boolean, first: boolean, body: string, name: string): HTMLElement {
  const kind = mine ? "customer" : "agent";
  const row = make("div", {
    class: `row${first ? " first" : ""}${mine ? " mine" : ""}`,
    part: `message ${kind}`,
    "data-testid": "message",
    "data-author": kind,
  });
  if (mine || !first) row.append(make("span", { class: "hide" }, `${name}: `));
  else row.append(make("div", { class: "name", "data-testid": "author" }, name));
  row.append(make("div", { class: "bubble", part: "bubble", "data-testid": "body" }, ...(body ? [make("span", {}, ...linked(body))] : [])));
  return row;
}

function footRow(id: string, mark: Mark, words: Words, at: string): Keyed {
  const said = words.say(mark === "failed" ? "failed" : mark);
  const time = words.clock(new Date(at));
  return {
    key: `foot:${id}`,
    from: mark + time,
    make: () => {
      const sign = icon(mark === "failed" ? "sending" : mark, 15);
      if (mark === "read") sign.classList.add("seen");
      return make(
        "div",
        { class: "row mine", "aria-live": "off" },
        make("div", { class: "foot", "data-testid": "mark", "data-mark": mark }, time, sign, make("span", {}, said)),
      );
    },
  };
}

function pendingRows(pending: Pending, first: boolean, last: boolean, words: Words, acts: Acts, files: Files): Keyed[] {
  const key = `mine:${pending.id}`;
  const rows: Keyed[] = [
    {
      key,
      from: JSON.stringify([pending.body, pending.files, first, true]),
      make: () => {
        const row = bubbleRow(true, first, pending.body, words.say("you"));
        row.querySelector(".bubble")!.append(...(pending.files ?? []).map((file) => files.part(file, words)));
        return row;
      },
      adjust: (row) => {
        row.classList.add("waits");
        row.dataset["pending"] = pending.id;
      },
    },
  ];
  if (!pending.failed) return last ? [...rows, footRow(pending.id, "sending", words, pending.at)] : rows;
  rows.push({
    key: `failed:${pending.id}`,
    from: pending.failed,
    make: () => {
      const again = make("button", { type: "button", "data-testid": "again" }, words.say("again"));
      const discard = make("button", { type: "button", "data-testid": "discard" }, words.say("discard"));
      again.onclick = () => acts.again(pending.id);
      discard.onclick = () => acts.discard(pending.id);
      const foot = make("div", { class: "foot bad", role: "alert", "data-testid": "mark", "data-mark": "failed" });
      foot.append(words.say("failed"), again, discard);
      return make("div", { class: "row mine" }, foot);
    },
  });
  return rows;
}

/** For as long as second thoughts count. */
function amendRow(said: Said, words: Words, acts: Acts): Keyed {
  return {
    key: `amend:${said.id}`,
    from: said.body,
    make: () => {
      const edit = make("button", { type: "button", "data-testid": "edit" }, words.say("edit"));
      const back = make("button", { type: "button", "data-testid": "take-back" }, words.say("delete"));
      edit.onclick = () => acts.edit(said);
      back.onclick = () => acts.takeBack(said);
      return make("div", { class: "row mine", "aria-live": "off" }, make("div", { class: "foot" }, ...(said.body ? [edit] : []), back));
    },
  };
}

const REASONS: Record<string, Parameters<Words["say"]>[0]> = {
  size: "fileLarge",
  too_long: "fileLarge",
  bad_type: "fileKind",
  infected: "fileBad",
  too_fast: "fileMany",
};

/** A file on its way, or why it is not. */
function uploadRow(upload: Upload, words: Words, acts: Acts): Keyed {
  const name = upload.file.name;
  const cancel = () => acts.uploadDrop(upload.id);
  return {
    key: `upload:${upload.id}`,
    from: upload.failed ?? "",
    make: () => {
      const row = make("div", { class: "row mine first waits", "data-testid": "upload", "data-state": upload.failed ? "failed" : "sending" });
      const line = make("span", { class: "file-line" }, icon("clip", 15), make("bdi", { class: "cut" }, name), make("span", { class: "size" }, words.bytes(upload.file.size)));
      const bubble = make("div", { class: "bubble" }, line);
      row.append(bubble);
      const drop = make("button", { type: "button", "data-testid": "upload-drop" }, words.say("discard"));
      drop.onclick = cancel;
      if (upload.failed) {
        const again = make("button", { type: "button", "data-testid": "upload-again" }, words.say("again"));
        again.onclick = () => acts.uploadAgain(upload.id);
        const repeatable = !(upload.failed in REASONS) || upload.failed === "too_fast";
        row.append(make("div", { class: "foot bad", role: "alert" }, words.say(REASONS[upload.failed] ?? "failed"), ...(repeatable ? [again] : []), drop));
      } else {
        bubble.append(make("progress", { max: 1, value: 0, "aria-label": words.say("uploading", { name }) }));
        row.append(make("div", { class: "foot" }, words.say("sending"), drop));
      }
      return row;
    },
    adjust: (row) => {
      const bar = row.querySelector("progress");
      if (bar) bar.value = upload.share;
    },
  };
}

function typingRow(name: string, words: Words): Keyed {
  const said = name ? words.say("typing", { name }) : words.say("typingSome");
  return {
    key: "typing",
    from: said,
    make: () => {
      const dots = make("div", { class: "bubble dots", "aria-hidden": "true" }, make("i"), make("i"), make("i"));
      return make("div", { class: "row first", "data-testid": "typing", title: said, "aria-live": "off" }, dots, make("span", { class: "hide" }, said));
    },
  };
}
