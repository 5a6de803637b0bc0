/**
 * `<script src="https://HOST/widget.js" data-channel="site" async></script>`
 *
 * Puts one `<switchroom-chat>` on the page and `window.Switchroom = {open, close, identify}`;
 * `document` gets the event `switchroom:ready` when they are there. Further attributes:
 * data-locale, data-theme (light, dark), data-side (left), data-identity, data-name, data-email.
 */

import type { Identity } from "./element.ts";
import { SwitchroomChat } from "./element.ts";

export interface SwitchroomApi {
  open(): void;
  close(): void;
  identify(identity: Identity): void;
}

declare global {
  interface Window {
    Switchroom?: SwitchroomApi;
  }
  interface HTMLElementTagNameMap {
    "switchroom-chat": SwitchroomChat;
  }
}

const script =
  document.currentScript instanceof HTMLScriptElement
    ? document.currentScript
    : document.querySelector<HTMLScriptElement>("script[src*='widget.js'][data-channel]");

function start(): void {
  if (!customElements.get("switchroom-chat")) customElements.define("switchroom-chat", SwitchroomChat);
  const chat = document.querySelector("switchroom-chat") ?? fromScript();
  if (!chat || window.Switchroom) return;
  window.Switchroom = {
    open: () => chat.open(),
    close: () => chat.close(),
    identify: (identity) => chat.identify(identity),
  };
  document.dispatchEvent(new CustomEvent("switchroom:ready"));
}

function fromScript(): SwitchroomChat | null {
  if (!script) return null;
  const { channel, locale, theme, side, identity, name, email } = script.dataset;
  if (!channel) {
    console.error("Switchroom: the script tag needs data-channel");
    return null;
  }
  const chat = document.createElement("switchroom-chat");
  const attributes = { channel, locale, theme, side, server: new URL(script.src, location.href).origin };
  for (const [key, value] of Object.entries(attributes)) if (value) chat.setAttribute(key, value);
  const known: Identity = {};
  if (identity) known.token = identity;
  if (name) known.name = name;
  if (email) known.email = email;
  if (Object.keys(known).length) chat.identify(known);
  document.body.append(chat);
  return chat;
}

if (document.body) start();
else document.addEventListener("DOMContentLoaded", start);
