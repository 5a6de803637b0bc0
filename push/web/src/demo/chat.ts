import type {} from "../widget/main"; // what the script adds to `window`

/** Puts the embeddable chat into the demo page, by the one script tag that any page would use. */
export function mountChat(host: HTMLElement): void {
  const chat = document.createElement("switchroom-chat");
  chat.setAttribute("channel", "site");
  chat.setAttribute("side", "left"); // the customer's side of the page
  host.append(chat);
  document.addEventListener("switchroom:ready", () => window.Switchroom?.open(), { once: true });
  const script = document.createElement("script");
  script.src = "/widget.js";
  script.async = true;
  document.head.append(script);
}
