/** Small pieces that many screens share. */

import {
  AtSign,
  ClipboardList,
  type IconNode,
  Mail,
  MessageCircle,
  MessageSquareText,
  MessagesSquare,
  Phone,
  PhoneCall, Send,
} from "lucide";
import type { ComponentChildren } from "preact";
import { t } from "../i18n";
import type { ChannelKind, CustomerBrief, ItemView } from "../protocol";
import { Icon } from "./Icon";
import { say } from "./toast";

type Addressed = Pick<ItemView, "kind" | "address"> & Partial<Pick<ItemView, "callback" | "attributes">>;

/** The customer in words: a chat's address is a random id and a task's a URL, which name nobody. */
export function whoIs(item: Addressed | null, customer: CustomerBrief | null): string {
  if (customer?.name) return customer.name;
  if (item?.callback?.number) return item.callback.number;
  if ((item?.callback?.via ?? item?.kind) === "webchat") return t("customer.anonymous");
  if (item?.kind === "task") return t("customer.none");
  const number = item?.attributes?.number_shown; // as people write it
  if (typeof number === "string") return number;
  return item?.address || t("customer.unknown");
}

/** A chat has no subject of its own: it begins with the customer's first words. */
export function sameWords({ subject, preview }: Pick<ItemView, "subject" | "preview">): boolean {
  return subject !== "" && preview.startsWith(subject.slice(0, 60));
}

const KINDS: Record<ChannelKind, IconNode> = {
  email: Mail,
  webchat: MessagesSquare,
  sms: MessageSquareText,
  whatsapp: MessageCircle,
  telegram: Send,
  voice: Phone,
  task: ClipboardList,
  callback: PhoneCall,
};

export function Kind({ kind, small }: { kind: ChannelKind; small?: boolean }) {
  const known = kind in KINDS;
  const color = known ? `var(--${kind})` : "var(--text-2)";
  const background = known ? `var(--${kind}-soft)` : "var(--hover)";
  return (
    <span class={small ? "kind small" : "kind"} style={{ color, background }}>
      <Icon of={KINDS[kind] ?? AtSign} size={small ? 13 : 17} label={t(`kind.${kind}`)} />
    </span>
  );
}

export function initials(name: string): string {
  if (/^\+[\d ()-]+$/.test(name)) return "#"; // a number has none
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = words[0] ?? "?";
  const last = words.length > 1 ? words.at(-1)! : "";
  return ([...first][0] ?? "?").toUpperCase() + ([...last][0] ?? "").toUpperCase();
}

export function Avatar({ name, small }: { name: string; small?: boolean }) {
  return (
    <span class={small ? "avatar small" : "avatar"} data-initials={initials(name)} aria-hidden="true" />
  );
}

export function Empty(props: {
  icon: IconNode;
  title: string;
  text?: string;
  children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon of={props.icon} size={24} />
      </span>
      <p class="empty-title">{props.title}</p>
      {props.text && <p>{props.text}</p>}
      {props.children}
    </div>
  );
}

/** Lines in the place of text that is on its way. */
export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div role="status" aria-label={t("loading")} style={{ display: "grid", gap: "12px", padding: "16px" }}>
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} class="skeleton" style={{ width: `${[92, 74, 84, 60][index % 4]}%` }} />
      ))}
    </div>
  );
}

export async function copyText(text: string, done = t("copied", { text })): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(done);
  } catch {
    say(t("copy.failed"), true);
  }
}

const languageNames = new Map<string, Intl.DisplayNames>();

/** "es" → "Spanish", in the language of the page. */
export function languageName(tag: string, locale: string): string {
  if (!tag) return "";
  try {
    let names = languageNames.get(locale);
    if (!names) languageNames.set(locale, (names = new Intl.DisplayNames(locale, { type: "language" })));
    return names.of(tag) ?? tag;
  } catch {
    return tag;
  }
}

export function fileSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
