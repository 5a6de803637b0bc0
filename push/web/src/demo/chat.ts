/** Puts the embeddable chat into the demo page, by the one script tag that any page would use. */
export function mountChat(host: HTMLElement): void {
  const chat = document.createElement("switchroom-chat");
  chat.setAttribute("channel", "site");
  host.append(chat);
  const script = document.createElement("script");
  script.src = "/widget.js";
  script.async = true;
  document.head.append(script);
}
