import { CheckCircle, CloudOff, ExternalLink, Inbox as InboxIcon, LayoutDashboard, Mail, MessagesSquare, ClipboardList, Settings2, Skull, type IconNode } from "lucide";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { Avatar, Empty, Skeleton } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { duration, now } from "../ui/time";
import { sayError, Toasts } from "../ui/toast";
import { mountChat } from "./chat";
import { Inbox, useInbox } from "./Inbox";
import type { DemoNode } from "./api";
import { downSince, failed, kill, killOne, lastOutage, outage, several, state, watch } from "./life";
import { MailForm, TaskForm } from "./forms";
import "./demo.css";

let watching = false;

type Tab = "mail" | "chat" | "task" | "inbox";
const TABS: { tab: Tab; icon: IconNode }[] = [
  { tab: "mail", icon: Mail },
  { tab: "chat", icon: MessagesSquare },
  { tab: "task", icon: ClipboardList },
  { tab: "inbox", icon: InboxIcon },
];

export function App() {
  useEffect(() => {
    if (watching) return;
    watching = true;
    void watch();
  }, []);
  return (
    <div class="demo">
      <header class="demo-top">
        <a class="brand" href="/">
          <img src="/favicon.svg" alt="" width="26" height="26" />
          Switchroom <span class="chip accent">{t("demo")}</span>
        </a>
        {several() ? <Lives /> : <Life />}
      </header>
      {failed.value ? (
        <Empty icon={CloudOff} title={t("demo.failed")} />
      ) : (
        <main class="split">
          <Customer />
          <Agent />
        </main>
      )}
      <Toasts />
    </div>
  );
}

/** The node's pulse, and the button that stops it. */
function Life() {
  const node = state.value?.node;
  const down = downSince.value !== null;
  return (
    <div class="life">
      <p class={down ? "pulse down" : "pulse"} role="status">
        <span class={`dot ${down ? "bad" : node ? "good" : ""}`} />
        {down ? (
          <span>
            {t("demo.down")} <span class="num">{t("demo.down_for", { time: `${(outage.value / 1000).toFixed(0)} s` })}</span>
          </span>
        ) : (
          node && (
            <span>
              <b>{node.name}</b> · <span class="num">{t("demo.pid", { pid: node.pid })}</span> ·{" "}
              <span class="num">{t("demo.up", { time: duration(now.value - Date.parse(node.started_at)) })}</span>
            </span>
          )
        )}
        {!down && lastOutage.value !== null && (
          <span class="chip good">
            <Icon of={CheckCircle} size={13} />
            {t("demo.back", { time: `${(lastOutage.value / 1000).toFixed(1)} s` })}
          </span>
        )}
      </p>
      <button class="btn danger" disabled={down || !node} title={t("demo.kill_hint")} onClick={() => kill().catch(sayError)}>
        <Icon of={Skull} />
        {t("demo.kill")}
      </button>
    </div>
  );
}

/** Two nodes, of which one at least should live. */
function Lives() {
  const nodes = state.value?.nodes ?? [];
  const alone = nodes.filter((node) => node.pid !== null).length < 2;
  return (
    <ul class="lives" aria-label={t("demo.nodes")}>
      {nodes.map((node) => (
        <li key={node.name} class="life">
          <Pulse node={node} />
          <button
            class="btn danger small"
            disabled={node.pid === null || alone}
            title={t("demo.kill_one_hint")}
            onClick={() => killOne(node.name).catch(sayError)}
          >
            <Icon of={Skull} size={14} />
            {t("demo.kill_one", { name: node.name })}
          </button>
        </li>
      ))}
    </ul>
  );
}

function Pulse({ node }: { node: DemoNode }) {
  const { pid, started_at } = node;
  return (
    <p class={pid === null ? "pulse down" : "pulse"} role="status">
      <span class={`dot ${pid === null ? "bad" : "good"}`} />
      {pid === null || started_at === null ? (
        <span>
          <b>{node.name}</b> · {t("demo.one_down")}
        </span>
      ) : (
        <span>
          <b>{node.name}</b> · <span class="num">{t("demo.up", { time: duration(now.value - Date.parse(started_at)) })}</span>
        </span>
      )}
    </p>
  );
}

function Customer() {
  const [tab, setTab] = useState<Tab>("mail");
  const inbox = useInbox(tab === "inbox");
  const customer = state.value?.customer;
  return (
    <section class="pane" aria-label={t("demo.customer")}>
      <header class="pane-head">
        {customer ? <Avatar name={customer.name} /> : <span class="skeleton" style={{ width: "40px", height: "40px" }} />}
        <div>
          <h1>{t("demo.customer")}</h1>
          <p class="muted cut">
            {customer ? `${customer.name} · ${customer.email}` : <span class="skeleton" style={{ width: "180px" }} />}
          </p>
        </div>
      </header>
      <div class="demo-tabs" role="tablist" aria-label={t("demo.customer")}>
        {TABS.map(({ tab: name, icon }) => (
          <button key={name} role="tab" aria-selected={tab === name} onClick={() => setTab(name)}>
            <Icon of={icon} size={17} />
            {t(`demo.${name}`)}
            {name === "inbox" && inbox.fresh > 0 && <span class="badge num">{inbox.fresh}</span>}
          </button>
        ))}
      </div>
      <div class="pane-body scroll">
        {tab === "mail" && <MailForm />}
        {tab === "task" && <TaskForm />}
        {tab === "inbox" && <Inbox mails={inbox.mails} error={inbox.error} />}
        {/* stays mounted: a chat goes on while one looks at the inbox */}
        <div hidden={tab !== "chat"} class="chat-tab">
          <p class="muted">{t("demo.chat_lead")}</p>
          <ChatHost shown={tab === "chat"} />
        </div>
      </div>
    </section>
  );
}

function ChatHost({ shown }: { shown: boolean }) {
  const host = useRef<HTMLDivElement>(null);
  const mounted = useRef(false);
  useEffect(() => {
    if (mounted.current) {
      // it lies over this side of the page: out of the way of the other tabs
      if (shown) window.Switchroom?.open();
      else window.Switchroom?.close();
      return;
    }
    if (!shown) return;
    mounted.current = true;
    mountChat(host.current!);
  }, [shown]);
  return <div class="chat-host" ref={host} />;
}

function Agent() {
  const links = state.value?.links;
  const other = (href: string, icon: IconNode, text: string) => (
    <a class="btn quiet small" href={href} target="_blank" rel="noopener">
      <Icon of={icon} size={14} />
      {text}
    </a>
  );
  return (
    <section class="pane agent-pane" aria-label={t("demo.agent")}>
      <header class="pane-head slim">
        <h1>{t("demo.agent")}</h1>
        {links && (
          <nav>
            {other(links.agent, ExternalLink, t("demo.agent_open"))}
            {other(links.supervisor, LayoutDashboard, t("supervisor"))}
            {other(links.admin, Settings2, t("admin"))}
          </nav>
        )}
      </header>
      {links ? <iframe title={t("demo.agent")} src={links.agent} allow="clipboard-write" /> : <Skeleton lines={8} />}
    </section>
  );
}
