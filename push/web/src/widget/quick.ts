/** Answers to press under a question of the house. Pressing one says it, as if it had been written. */

import type { Chat } from "./chat.ts";
import type { Keyed } from "./dom.ts";
import { make } from "./dom.ts";

/** The answers that can be given now: those of the last thing said, while nothing is on its way. */
export function answersOf(chat: Chat): readonly string[] {
  const last = chat.said.at(-1);
  if (!last?.quickReplies || last.conversation !== chat.conversation) return [];
  return chat.pending.length > 0 || chat.standing.state === "closed" ? [] : last.quickReplies;
}

export function quickRow(chat: Chat, say: (answer: string) => void): Keyed[] {
  const answers = answersOf(chat);
  if (answers.length === 0) return [];
  return [
    {
      key: `quick:${chat.said.at(-1)!.id}`,
      from: JSON.stringify(answers),
      make: () => {
        const row = make("div", { class: "quick", role: "group", "data-testid": "quick", part: "quick" });
        for (const answer of answers) {
          const button = make("button", { type: "button", class: "choice", part: "choice", dir: "auto" }, answer);
          button.onclick = () => say(answer);
          row.append(button);
        }
        return row;
      },
    },
  ];
}
