/** Who is writing? Asked before the first word, where the channel wants to know. */

import { make } from "./dom.ts";
import type { Profile, Site } from "./frames.ts";
import type { Words } from "./words.ts";

const FIELDS: Record<keyof Profile, { word: Parameters<Words["say"]>[0]; type: string; fill: AutoFill; needed: boolean }> = {
  name: { word: "preName", type: "text", fill: "name", needed: true },
  email: { word: "preEmail", type: "email", fill: "email", needed: true },
  phone: { word: "prePhone", type: "tel", fill: "tel", needed: false },
};

export class IntroPart {
  readonly root: HTMLFormElement;
  private made = "";

  constructor(
    private readonly words: Words,
    private readonly tell: (profile: Profile) => void,
  ) {
    this.root = make("form", { class: "call intro", "aria-label": words.say("preGo"), "data-testid": "intro" });
    this.root.onsubmit = (event) => {
      event.preventDefault();
      const profile: Profile = {};
      for (const [name, value] of new FormData(this.root)) if (String(value).trim()) profile[name as keyof Profile] = String(value).trim();
      this.tell(profile);
    };
  }

  /** Whether it is asked now; then nothing else can be written. */
  draw(site: Site, wanted: boolean): boolean {
    const ask = wanted ? (site.ask ?? []) : [];
    this.root.hidden = !ask.length;
    if (!ask.length || this.made === ask.join()) return ask.length > 0;
    this.made = ask.join();
    const rows = ask.map((name) => {
      const { word, type, fill, needed } = FIELDS[name];
      const id = `intro-${name}`;
      return make(
        "div",
        {},
        make("label", { for: id }, this.words.say(word)),
        make("input", { id, name, type, autocomplete: fill, maxlength: 200, required: needed, "data-testid": id }),
      );
    });
    const go = make("button", { type: "submit", class: "small go", "data-testid": "intro-go" }, this.words.say("preGo"));
    this.root.replaceChildren(...rows, make("div", { class: "keys" }, go));
    return true;
  }
}

/** The conversation as a text to keep. */
export function asText(lines: readonly { author: string; body: string; at: string; files: string[] }[]): string {
  return lines.map(({ author, body, at, files }) => `${at} ${author}: ${[body, ...files.map((name) => `📎 ${name}`)].filter(Boolean).join("\n")}`).join("\n\n") + "\n";
}
