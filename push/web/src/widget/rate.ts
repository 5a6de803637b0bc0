/** How did it go? One question, and room for a word about it. */

import type { Chat, Happening } from "./chat.ts";
import { make, write } from "./dom.ts";
import type { Words } from "./words.ts";

const HIGHEST = 5;

export class RatePart {
  readonly root: HTMLFormElement;
  private readonly question = make("legend", {});
  private readonly stars: HTMLInputElement[] = [];
  private readonly comment: HTMLTextAreaElement;
  private readonly send: HTMLElement;
  private shown: string | null = null;

  constructor(
    private readonly words: Words,
    happen: (event: Happening) => void,
    done: () => void,
  ) {
    const choices = make("div", { class: "stars" });
    for (let score = 1; score <= HIGHEST; score++) {
      const input = make("input", { type: "radio", name: "score", value: score, id: `score-${score}`, class: "hide", "data-testid": `score-${score}` });
      input.onchange = () => this.chosen();
      this.stars.push(input);
      choices.append(input, make("label", { for: `score-${score}` }, make("span", { class: "hide" }, words.say("score", { n: score })), make("span", { "aria-hidden": "true" }, "★")));
    }
    this.comment = make("textarea", { rows: 2, maxlength: 2000, placeholder: words.say("rateWhy"), "aria-label": words.say("rateWhy"), "data-testid": "rate-comment" });
    const not = make("button", { type: "button", class: "small", "data-testid": "rate-not" }, words.say("callNot"));
    this.send = make("button", { type: "submit", class: "small go", "data-testid": "rate-send" }, words.say("send"));
    const keys = make("div", { class: "keys" }, not, this.send);
    this.root = make("form", { class: "rate", "data-testid": "rate" }, make("fieldset", {}, this.question, choices), make("div", { class: "more" }, this.comment), keys);
    not.onclick = () => {
      happen({ do: "unrated" });
      done();
    };
    this.root.onsubmit = (event) => {
      event.preventDefault();
      const score = this.stars.findIndex((one) => one.checked) + 1;
      if (!score) return;
      happen({ do: "rate", score, comment: this.comment.value.trim() });
      done();
    };
  }

  draw(chat: Chat): void {
    const asked = chat.survey && !chat.survey.answer ? chat.survey : null;
    this.root.hidden = !asked;
    if (!asked || this.shown === asked.id) return;
    this.shown = asked.id;
    this.root.reset();
    this.comment.hidden = this.send.hidden = true;
    for (const one of this.stars) one.nextElementSibling?.classList.remove("on");
    write(this.question, asked.question || this.words.say("rate"));
  }

  private chosen(): void {
    const score = this.stars.findIndex((one) => one.checked) + 1;
    this.stars.forEach((one, index) => one.nextElementSibling?.classList.toggle("on", index < score));
    this.comment.hidden = this.send.hidden = false;
  }
}
