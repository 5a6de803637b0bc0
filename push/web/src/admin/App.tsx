import { signal } from "@preact/signals";
import {
  Building2,
  Cable,
  CalendarClock,
  DoorOpen,
  Flag,
  Handshake,
  type IconNode,
  Inbox,
  KeyRound,
  MailOpen,
  MessageSquareQuote,
  OctagonAlert,
  Send,
  Sparkles,
  Users,
} from "lucide";
import type { FunctionComponent } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { session } from "../api/session";
import { t, type Key } from "../i18n";
import { Icon } from "../ui/Icon";
import { Shell } from "../ui/Shell";
import { SignInPage } from "../ui/SignIn";
import { Toasts } from "../ui/toast";
import { Agents } from "./Agents";
import { Channels } from "./Channels";
import { Codes, Skills } from "./Names";
import { Outbox } from "./Outbox";
import { Quarantine } from "./Quarantine";
import { Queues } from "./Queues";
import { HoursPart, PromisesPart, RulesPart } from "./SetupParts";
import { SitesPart } from "./SitesPart";
import { CannedPart } from "../wordings/CannedPart";
import { LettersPart } from "../wordings/LettersPart";
import { Tokens } from "./Tokens";
import "./admin.css";

const PARTS = {
  channels: { icon: Cable, page: Channels },
  agents: { icon: Users, page: Agents },
  sites: { icon: Building2, page: SitesPart },
  queues: { icon: Inbox, page: Queues },
  hours: { icon: CalendarClock, page: HoursPart },
  promises: { icon: Handshake, page: PromisesPart },
  rules: { icon: DoorOpen, page: RulesPart },
  canned: { icon: MessageSquareQuote, page: CannedPart },
  letters: { icon: MailOpen, page: LettersPart },
  skills: { icon: Sparkles, page: Skills },
  codes: { icon: Flag, page: Codes },
  quarantine: { icon: OctagonAlert, page: Quarantine },
  outbox: { icon: Send, page: Outbox },
  tokens: { icon: KeyRound, page: Tokens },
} satisfies Record<string, { icon: IconNode; page: FunctionComponent }>;
type Part = keyof typeof PARTS;

function read(): Part {
  const name = location.hash.slice(2);
  return name in PARTS ? (name as Part) : "channels";
}

const part = signal<Part>(read());
addEventListener("hashchange", () => (part.value = read()));

/** Where the row is longer than the screen, the chosen part is brought into sight. */
function Parts({ here }: { here: Part }) {
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    const watch = new ResizeObserver(() => {
      nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    });
    watch.observe(nav.current!);
    return () => watch.disconnect();
  }, [here]);
  return (
    <nav ref={nav} class="admin-nav" aria-label={t("admin")}>
      {(Object.keys(PARTS) as Part[]).map((name) => (
        <a key={name} href={`#/${name}`} aria-current={here === name ? "page" : undefined}>
          <Icon of={PARTS[name].icon} size={17} />
          {t(`admin.${name}` as Key)}
        </a>
      ))}
    </nav>
  );
}

export function App() {
  if (!session.value) {
    return (
      <>
        <SignInPage what={t("admin")} />
        <Toasts />
      </>
    );
  }
  const Page = PARTS[part.value].page;
  return (
    <>
      <Shell here="admin">
        <div class="admin">
          <Parts here={part.value} />
          <main class="admin-main" key={part.value}>
            <Page />
          </main>
        </div>
      </Shell>
      <Toasts />
    </>
  );
}
