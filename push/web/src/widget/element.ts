/** `<switchroom-chat channel="site" server="https://host">`: the launcher, the window, the wiring. */

import { CallPart } from "./call.ts";
import type { Chat, Happening, Said, Who } from "./chat.ts";
import { step } from "./chat.ts";
import { icon, KeyedList, linked, make, newId, put, write } from "./dom.ts";
import type { AttachmentCard, Profile, ServerFrame } from "./frames.ts";
import { MAX_BODY } from "./frames.ts";
import { asText, IntroPart } from "./intro.ts";
import { Line } from "./line.ts";
import { Files } from "./files.ts";
import { rowsOf } from "./log.ts";
import { Memory } from "./memory.ts";
import type { Parts } from "./parts.ts";
import { buildParts, ended, keepWithin, placeText, standingText } from "./parts.ts";
import { RatePart } from "./rate.ts";
import { CSS } from "./style.ts";
import { httpSender, Uploads } from "./uploads.ts";
import { Words } from "./words.ts";

/** Trouble with the line is mentioned only when it lasts. */
const CALM_MS = 3_000;
const LONG_MS = 30_000;
/** A message unanswered for so long is repeated over a new connection. */
const ANSWER_MS = 10_000;
const TYPING_EVERY_MS = 3_000;
const TYPING_ENDS_MS = 4_000;
const NEAR_PX = 60;

export interface Identity extends Profile {
  /** A JWT signed by the host site with the channel's `identity_key`. */
  token?: string;
}

export class SwitchroomChat extends HTMLElement {
  private chat!: Chat;
  private memory!: Memory;
  private words = new Words(["en"]);
  private line: Line | null = null;
  private identity: Identity = {};
  private built = false;
  /** To be opened as soon as it is there. */
  private wanted = false;
  private refused = false;
  private upSince: number | null = null;
  private downSince = Date.now();
  private typedAt = 0;
  private typingEnds: ReturnType<typeof setTimeout> | undefined;
  private drawing = false;
  private stuck = true;
  /** The message that is being said otherwise, and what had been written before. */
  private editing: { message: string; draft: string } | null = null;
  private waitingSince = new Map<string, number>();
  private parts!: Parts;
  private log!: KeyedList;
  private calls!: CallPart;
  private rate!: RatePart;
  private intro!: IntroPart;
  private readonly place = () => ({ base: this.line?.base ?? "", token: this.chat.token });
  private readonly files = new Files(this.place);
  private readonly uploads = new Uploads(
    httpSender(this.place),
    (card, file) => this.sendFile(card, file),
    () => this.schedule(),
  );

  connectedCallback(): void {
    void this.arrive();
  }

  private async arrive(): Promise<void> {
    if (!this.built) {
      const wanted = this.getAttribute("locale");
      this.words = await Words.fetched(wanted ? [wanted] : navigator.languages, this.server);
    }
    if (!this.isConnected) return;
    if (!this.built) this.build();
    if (this.wanted) this.open();
    addEventListener("focus", this.onLook);
    document.addEventListener("visibilitychange", this.onLook);
    if (this.chat.conversation || this.chat.pending.length || this.opened) this.begin();
    this.draw();
  }

  disconnectedCallback(): void {
    removeEventListener("focus", this.onLook);
    document.removeEventListener("visibilitychange", this.onLook);
    visualViewport?.removeEventListener("resize", this.onResize);
    this.line?.stop();
    this.line = null;
    this.files.end();
  }

  // -- what a page may call ------------------------------------------------------------------

  open(): void {
    this.wanted = !this.built;
    if (!this.built) return;
    this.toggleAttribute("open", true);
    this.memory.set("open", true);
    this.begin();
    this.stuck = true;
    this.calls.again();
    this.draw();
    this.onLook();
    this.parts.text.focus({ preventScroll: true });
  }

  close(): void {
    if (!this.built || !this.opened) return;
    const within = this.shadowRoot?.activeElement;
    this.toggleAttribute("open", false);
    this.memory.set("open", false);
    this.draw();
    if (within) this.parts.launcher.focus({ preventScroll: true });
  }

  /** Say who the visitor is: claims, or with `token` what the host site vouches for. */
  identify(identity: Identity): void {
    this.identity = { ...identity };
    this.line?.renew();
  }

  private introduce(profile: Profile): void {
    this.memory.set("profile", profile);
    this.identify({ ...this.identity, ...profile });
    this.draw();
    this.parts.text.focus();
  }

  private saveText(): void {
    const lines = this.chat.said.map(({ author, body, at, attachments }) => ({
      author: author.kind === "customer" ? this.words.say("you") : author.name || this.words.say("support"),
      body,
      at: new Date(at).toLocaleString(this.words.language),
      files: (attachments ?? []).map((file) => file.name),
    }));
    const url = URL.createObjectURL(new Blob([asText(lines)], { type: "text/plain" }));
    make("a", { href: url, download: `chat-${this.chat.number ?? ""}.txt` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  private get opened(): boolean {
    return this.hasAttribute("open");
  }

  private get looking(): boolean {
    return this.opened && document.visibilityState === "visible" && document.hasFocus();
  }

  // -- the machine ---------------------------------------------------------------------------

  private happen(event: Happening): void {
    const before = this.chat;
    const { chat, send, move } = step(before, event);
    this.chat = chat;
    if (chat !== before) {
      this.memory.save(before, chat);
      this.schedule();
    }
    const now = Date.now();
    for (const frame of send) {
      if (frame.t === "send" && !this.waitingSince.has(frame.id)) this.waitingSince.set(frame.id, now);
      this.line?.send(frame);
    }
    if (move !== undefined) this.line?.renew(move);
  }

  private begin(): void {
    if (this.line || this.refused) return;
    this.downSince = Date.now();
    const kept = this.memory.get<string[]>("nodes");
    const nodes = Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
    this.line = new Line([...new Set([this.url(), ...nodes])], {
      opened: () => this.happen({ do: "opened", who: this.who() }),
      closed: (final) => this.lineClosed(final),
      frame: (frame) => this.frame(frame),
      beat: (now) => this.beat(now),
    });
    this.line.start();
  }

  private get server(): string {
    return (this.getAttribute("server") || location.origin).replace(/\/$/, "");
  }

  private url(): string {
    return `${this.server.replace(/^http/, "ws")}/chat/v1`;
  }

  private who(): Who {
    const { token, ...profile } = this.identity;
    const who: Who = { channel: this.getAttribute("channel") || "", locale: this.words.spoken, page: location.href.slice(0, 2000) };
    if (Object.keys(profile).length) who.profile = profile;
    if (token) who.identity = token;
    return who;
  }

  private frame(frame: ServerFrame): void {
    this.happen({ do: "frame", frame, now: Date.now(), looking: this.looking });
    if (frame.t === "welcome") {
      this.upSince ??= Date.now();
      this.line?.welcome(frame.peers ?? [], frame.heartbeat);
      this.memory.set("nodes", this.line?.known ?? []);
      if (this.looking) this.happen({ do: "look" });
      this.schedule();
    }
    for (const id of this.waitingSince.keys()) {
      if (!this.chat.pending.some((p) => p.id === id && !p.failed && !p.heldUntil)) this.waitingSince.delete(id);
    }
  }

  private lineClosed(final: boolean): void {
    if (this.upSince !== null) this.downSince = Date.now();
    this.upSince = null;
    this.waitingSince.clear();
    if (final) {
      this.refused = true;
      this.line = null;
    }
    this.happen({ do: "closed" });
    this.schedule();
  }

  private beat(now: number): void {
    this.happen({ do: "time", now });
    if ([...this.waitingSince.values()].some((since) => now - since > ANSWER_MS)) this.line?.renew();
    if (this.upSince === null) this.schedule();
  }

  private readonly onLook = (): void => {
    if (this.looking) this.happen({ do: "look" });
  };

  // -- building ------------------------------------------------------------------------------

  private build(): void {
    this.built = true;
    this.memory = new Memory(this.getAttribute("server") || location.origin, this.getAttribute("channel") || "");
    this.chat = this.memory.load();
    put(this, { dir: this.words.direction, lang: this.words.language });
    if (this.memory.get<boolean>("open") && !matchMedia("(max-width:480px)").matches) this.toggleAttribute("open", true);
    const shadow = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    shadow.adoptedStyleSheets = [sheet];
    this.parts = buildParts(this.words);
    this.log = new KeyedList(this.parts.log);
    this.calls = new CallPart(this.words, (event) => this.happen(event), () => this.parts.text.focus());
    this.rate = new RatePart(this.words, (event) => this.happen(event), () => this.parts.text.focus());
    this.parts.strip.after(this.calls.root);
    this.parts.form.before(this.rate.root);
    this.intro = new IntroPart(this.words, (profile) => this.introduce(profile));
    this.parts.form.before(this.intro.root);
    this.identity = { ...this.memory.get<Profile>("profile"), ...this.identity };
    shadow.append(this.parts.root);
    this.wire();
    this.parts.text.value = this.memory.get<string>("draft") ?? "";
  }

  private wire(): void {
    const { launcher, close, end, text, form, scroll, fresh, endYes, endNo, ask, panel } = this.parts;
    launcher.onclick = () => (this.opened ? this.close() : this.open());
    close.onclick = () => this.close();
    end.onclick = () => {
      ask.hidden = !ask.hidden;
      if (!ask.hidden) endNo.focus();
    };
    endNo.onclick = () => {
      ask.hidden = true;
      text.focus();
    };
    endYes.onclick = () => {
      ask.hidden = true;
      this.happen({ do: "end" });
      text.focus();
    };
    form.onsubmit = (event) => {
      event.preventDefault();
      this.submit();
    };
    text.oninput = () => this.typed();
    text.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    };
    panel.onkeydown = (event) => this.key(event);
    scroll.onscroll = () => {
      this.stuck = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_PX;
      if (this.stuck) fresh.hidden = true;
    };
    fresh.onclick = () => this.toEnd();
    this.parts.save.onclick = () => this.saveText();
    this.parts.dropEdit.onclick = () => this.edit(null);
    this.wireFiles();
    visualViewport?.addEventListener("resize", this.onResize);
  }

  private wireFiles(): void {
    const { attach, pick, panel, text } = this.parts;
    attach.onclick = () => pick.click();
    pick.onchange = () => {
      this.attach(pick.files);
      pick.value = "";
    };
    text.onpaste = (event) => {
      if (event.clipboardData?.files.length && this.attach(event.clipboardData.files)) event.preventDefault();
    };
    panel.ondragover = (event) => {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
    };
    panel.ondrop = (event) => {
      event.preventDefault();
      this.attach(event.dataTransfer?.files);
    };
  }

  private readonly onResize = (): void => {
    // On a phone the keyboard covers part of the page: the window keeps to what can be seen.
    this.style.setProperty("--view-height", `${Math.round(visualViewport?.height ?? innerHeight)}px`);
    if (this.stuck) this.toEnd();
  };

  private key(event: KeyboardEvent): void {
    const { ask, panel } = this.parts;
    if (event.key === "Escape") {
      event.stopPropagation();
      if (this.editing) this.edit(null);
      else if (ask.hidden) this.close();
      else ask.hidden = true;
    }
    if (event.key === "Tab" && matchMedia("(max-width:480px)").matches) keepWithin(panel, event, this.shadowRoot);
  }

  // -- writing -------------------------------------------------------------------------------

  private submit(): void {
    const { text } = this.parts;
    const body = text.value.trim();
    if (!body || [...body].length > MAX_BODY) return;
    clearTimeout(this.typingEnds);
    this.typedAt = 0;
    if (this.editing) {
      this.happen({ do: "amend", id: newId(), message: this.editing.message, body });
      this.edit(null);
      return;
    }
    text.value = "";
    this.memory.remove("draft");
    this.say(body);
  }

  /** Say this otherwise; `null`: go on with what was being written. */
  private edit(said: Said | null): void {
    const { text, editing } = this.parts;
    const draft = this.editing?.draft ?? text.value;
    this.editing = said && { message: said.id, draft };
    editing.hidden = !said;
    text.value = said ? said.body : draft;
    this.grow();
    text.focus();
  }

  private say(body: string): void {
    this.happen({ do: "write", id: newId(), body, at: new Date().toISOString() });
    this.stuck = true;
    this.begin();
    this.grow();
    this.draw();
    this.parts.text.focus();
  }

  private attach(files: FileList | null | undefined): boolean {
    const rules = this.chat.site.files;
    if (!rules || !files?.length) return false;
    this.stuck = true;
    this.begin();
    this.uploads.add(files, rules);
    return true;
  }

  private sendFile(card: AttachmentCard, file: File): void {
    this.files.keep(card.id, file);
    this.happen({ do: "write", id: newId(), body: "", at: new Date().toISOString(), files: [card] });
    this.stuck = true;
  }

  /** What the server refused it refuses for ever under that id: say it anew. */
  private writeAgain(id: string): void {
    const old = this.chat.pending.find((p) => p.id === id);
    if (!old) return;
    this.happen({ do: "discard", id });
    const anew: Happening = { do: "write", id: newId(), body: old.body, at: new Date().toISOString() };
    if (old.files) anew.files = old.files;
    this.happen(anew);
  }

  private typed(): void {
    const { text } = this.parts;
    if (this.editing) {
      // what was being written stays as it was
    } else if (text.value) this.memory.set("draft", text.value);
    else this.memory.remove("draft");
    this.grow();
    const now = Date.now();
    if (now - this.typedAt > TYPING_EVERY_MS && text.value) {
      this.typedAt = now;
      this.happen({ do: "typing", on: true });
    }
    clearTimeout(this.typingEnds);
    this.typingEnds = setTimeout(() => {
      if (this.typedAt) this.happen({ do: "typing", on: false });
      this.typedAt = 0;
    }, TYPING_ENDS_MS);
  }

  private grow(): void {
    const { text, send, over } = this.parts;
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight + 2}px`;
    const excess = [...text.value.trim()].length - MAX_BODY;
    over.hidden = excess <= 0 && !this.chat.amendFailed;
    write(over, excess > 0 ? this.words.say("long", { n: excess }) : this.chat.amendFailed ? this.words.say("editLate") : "");
    put(text, { dir: text.value ? "auto" : this.words.direction });
    send.disabled = !text.value.trim() || excess > 0;
  }

  // -- drawing -------------------------------------------------------------------------------

  private schedule(): void {
    if (this.drawing) return;
    this.drawing = true;
    queueMicrotask(() => {
      this.drawing = false;
      if (this.isConnected) this.draw();
    });
  }

  private draw(): void {
    const { launcher, badge, panel, news, title, sub, number, end } = this.parts;
    const { chat, words, opened } = this;
    put(launcher, { "aria-expanded": String(opened), "aria-label": words.say(opened ? "close" : "open") });
    launcher.replaceChildren(icon(opened ? "down" : "chat", 26), badge);
    badge.hidden = opened || chat.unread === 0;
    write(badge, chat.unread > 99 ? "99+" : String(chat.unread));
    write(news, chat.unread && !opened ? words.say("unread", { n: chat.unread }) : "");
    panel.hidden = !opened;
    put(panel, { "aria-modal": String(matchMedia("(max-width:480px)").matches) });
    if (!opened) return;
    write(title, chat.site.title || words.say("title"));
    write(sub, standingText(chat, words));
    number.hidden = chat.number === null;
    write(number, chat.number === null ? "" : words.say("ticket", { n: String(chat.number) }));
    const talking = chat.standing.state === "queued" || chat.standing.state === "active";
    end.hidden = !talking || chat.line !== "live";
    if (end.hidden) this.parts.ask.hidden = true;
    const { attach, pick } = this.parts;
    attach.hidden = !chat.site.files;
    put(pick, { accept: chat.site.files?.types.join(",") });
    this.drawStrip();
    this.calls.draw(chat);
    this.rate.draw(chat);
    const { save, consent, form } = this.parts;
    save.hidden = chat.said.length === 0;
    const fresh = chat.conversation === null && !chat.pending.length;
    form.hidden = this.intro.draw(chat.site, fresh && chat.token !== null && this.memory.get("profile") === null);
    consent.hidden = !fresh || !chat.site.consent;
    if (consent.textContent !== (chat.site.consent ?? "")) consent.replaceChildren(...linked(chat.site.consent ?? ""));
    this.drawLog();
    this.grow();
  }

  private drawStrip(): void {
    const { strip } = this.parts;
    const { words, chat } = this;
    const down = this.line !== null && chat.line !== "live" && Date.now() - this.downSince > CALM_MS;
    let text = "";
    if (this.refused) text = words.say("nowhere");
    else if (!navigator.onLine) text = words.say("network");
    else if (down) text = words.say(Date.now() - this.downSince > LONG_MS ? "kept" : "back");
    else if (chat.standing.state === "offline") text = words.say("offline");
    else if (chat.standing.state === "queued" && !chat.standing.callback) text = placeText(chat, words);
    else if (ended(chat)) text = words.say("closed");
    const warn = this.refused || down || !navigator.onLine;
    strip.hidden = text === "";
    strip.className = `strip${warn ? " warn" : ""}`;
    const mail = chat.site.offline_email;
    if (mail && (this.refused || chat.standing.state === "offline")) text += ` ${words.say("mail", { mail })}`;
    if (strip.textContent !== text) {
      const pulse = make("i", { class: "pulse" });
      const waits = (warn && !this.refused) || chat.standing.state === "queued";
      strip.replaceChildren(...(waits ? [pulse] : []), make("span", {}, text));
    }
  }

  private drawLog(): void {
    const { scroll, fresh } = this.parts;
    const newest = this.chat.said.at(-1);
    this.log.show(
      rowsOf(
        { chat: this.chat, words: this.words, files: this.files, uploads: this.uploads.list },
        {
          again: (id) => this.writeAgain(id),
          discard: (id) => this.happen({ do: "discard", id }),
          answer: (text) => this.say(text),
          edit: (said) => this.edit(said),
          takeBack: (said) => this.happen({ do: "amend", id: newId(), message: said.id }),
          uploadAgain: (id) => this.uploads.again(id),
          uploadDrop: (id) => this.uploads.drop(id),
        },
        new Date(),
      ),
    );
    if (this.stuck) this.toEnd();
    else if (newest && newest.author.kind === "agent" && newest.seq > Number(fresh.dataset["seq"] ?? 0)) fresh.hidden = false;
    fresh.dataset["seq"] = String(newest?.seq ?? 0);
    put(scroll, { "data-state": this.chat.standing.state, "data-line": this.chat.line });
  }

  private toEnd(): void {
    const { scroll, fresh } = this.parts;
    scroll.scrollTop = scroll.scrollHeight;
    this.stuck = true;
    fresh.hidden = true;
  }
}
