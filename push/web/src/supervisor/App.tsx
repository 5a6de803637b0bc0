import { signal } from "@preact/signals";
import { RefreshCw, Search } from "lucide";
import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { itemById, items, queues } from "../api/resources";
import { agentName } from "../api/names";
import { useResource } from "../api/resource";
import { session } from "../api/session";
import { type Key, t, word } from "../i18n";
import type { ItemState, ItemView } from "../protocol";
import { HoursSetup } from "../setup/HoursSetup";
import { PromiseSetup } from "../setup/PromiseSetup";
import { QueueSetup } from "../setup/QueueSetup";
import { RuleSetup } from "../setup/RuleSetup";
import { Sites } from "../sites/Sites";
import { DueLeft } from "../ui/Due";
import { Kind, whoIs } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { Shell } from "../ui/Shell";
import { SignInPage } from "../ui/SignIn";
import { type Column, Table } from "../ui/Table";
import { since } from "../ui/time";
import { Toasts } from "../ui/toast";
import { ItemPanel } from "./ItemPanel";
import { Unsents } from "../admin/Outbox";
import { Misrouted } from "./Misrouted";
import { Reports } from "../reports/Reports";
import { Reviews } from "./Reviews";
import { Withheld } from "./Withheld";
import { Wallboard, WallboardAside } from "./wallboard/Wallboard";
import "./supervisor.css";

const OPEN: ItemState[] = ["queued", "offered", "assigned", "wrapping", "held", "scheduled"];
const EVERY = 4000;

export function App() {
  return (
    <>
      {session.value ? (
        <Shell here="supervisor">
          <Parts />
        </Shell>
      ) : (
        <SignInPage what={t("supervisor")} />
      )}
      <Toasts />
    </>
  );
}

const PARTS = ["work", "wallboard", "reviews", "outbox", "withheld", "reports", "misrouted", "sites", "queues", "hours", "promises", "rules"] as const;
type Part = (typeof PARTS)[number];

function read(): Part {
  const name = location.hash.slice(2).split("/")[0];
  return PARTS.find((part) => part === name) ?? "work";
}

/** The item that an address names; see `addressOf`. */
const named = () => (read() === "work" ? (location.hash.split("/")[2] ?? "") : "");

const part = signal<Part>(read());
const linked = signal(named());
addEventListener("hashchange", () => {
  part.value = read();
  linked.value = named();
});

function PartsNav() {
  return (
    <nav class="board-parts" aria-label={t("supervisor")}>
      {PARTS.map((name) => (
        <a key={name} href={`#/${name}`} aria-current={part.value === name ? "page" : undefined}>
          {t(`supervisor.part_${name}`)}
        </a>
      ))}
    </nav>
  );
}

/** Every part but the work itself: what stands above it, and the page. */
const PAGES = {
  wallboard: { title: "wallboard.title", lead: "wallboard.lead", page: Wallboard, bare: true },
  reviews: { title: "review.title", lead: "review.lead", page: Reviews, bare: false },
  outbox: { title: "admin.outbox", lead: "admin.outbox_lead", page: Unsents, bare: false },
  withheld: { title: "withheld.title", lead: "withheld.lead", page: Withheld, bare: true },
  reports: { title: "report.title", lead: "report.lead", page: Reports, bare: true },
  misrouted: { title: "misrouted.title", lead: "misrouted.report_lead", page: Misrouted, bare: true },
  sites: { title: "sites.title", lead: "sites.lead", page: Sites, bare: false },
  queues: { title: "setup.queues", lead: "setup.queues_lead", page: QueueSetup, bare: false },
  hours: { title: "setup.hours", lead: "setup.hours_lead", page: HoursSetup, bare: false },
  promises: { title: "setup.promises", lead: "setup.promises_lead", page: PromiseSetup, bare: false },
  rules: { title: "setup.rules", lead: "setup.rules_lead", page: RuleSetup, bare: true },
} satisfies Record<Exclude<Part, "work">, { title: Key; lead: Key; page: FunctionComponent; bare: boolean }>;

function Parts() {
  if (part.value === "work") return <Board />;
  const { title, lead, page: Page, bare } = PAGES[part.value];
  return (
    <div class="board">
      <main class="board-main">
        <PartsNav />
        <div class="board-head">
          <h1>{t(title)}</h1>
          <span class="muted">{t(lead)}</span>
        </div>
        {bare ? (
          <Page />
        ) : (
          <div class="card board-table">
            <Page />
          </div>
        )}
      </main>
      {part.value === "wallboard" && <WallboardAside />}
    </div>
  );
}

function Board() {
  const [state, setState] = useState<ItemState>("queued");
  const [queue, setQueue] = useState("");
  const [typed, setTyped] = useState("");
  const q = useSettled(typed.trim(), 250);
  const [chosen, setChosen] = useState<ItemView | null>(null);
  const places = useResource("queues", queues);
  const lists = useResource(
    `open ${queue} ${q}`,
    async () => {
      const pages = await Promise.all(OPEN.map((name) => items({ state: name, queue, q, limit: 200 })));
      return Object.fromEntries(OPEN.map((name, index) => [name, pages[index]!]));
    },
    EVERY,
  );
  const rows = lists.data?.[state]?.items;
  const shownAs = (name: string) => places.data?.items.find((one) => one.name === name)?.display_name || name;
  // the open panel follows the item, whatever list it has moved to
  const all = Object.values(lists.data ?? {}).flatMap((page) => page.items);
  // whoever follows a link sees its item, ended or not
  const target = useResource(linked.value ? `item ${linked.value}` : null, () => itemById(linked.value));
  const open = chosen ?? target.data;
  const shown = open && (all.find(({ id }) => id === open.id) ?? open);
  const close = () => {
    setChosen(null);
    if (linked.value) location.hash = "#/work";
  };

  return (
    <div class="board">
      <main class="board-main">
        <PartsNav />
        <div class="board-head">
          <h1>{t("supervisor.title")}</h1>
          <span class="muted live">
            <Icon of={RefreshCw} size={13} />
            {lists.error ? lists.error.message : t("supervisor.live", { n: EVERY / 1000 })}
          </span>
        </div>
        <div class="board-tools">
          <div class="seg states" role="tablist" aria-label={t("state")}>
            {OPEN.map((name) => {
              const page = lists.data?.[name];
              return (
                <button key={name} role="tab" aria-selected={state === name} onClick={() => setState(name)}>
                  {word("state", name)}{" "}
                  {page && (
                    <span class="num count">
                      {page.items.length}
                      {page.next && "+"}
                    </span>
                  )}
                </button>
              );
            })}
          </div>
          <select class="input" aria-label={t("queue")} value={queue} onChange={(event) => setQueue(event.currentTarget.value)}>
            <option value="">{t("queue.all")}</option>
            {places.data?.items.map(({ name, display_name }) => (
              <option key={name} value={name}>
                {display_name || name}
              </option>
            ))}
          </select>
          <label class="search">
            <Icon of={Search} size={15} />
            <input
              class="input"
              type="search"
              placeholder={t("supervisor.search")}
              aria-label={t("supervisor.search")}
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
        </div>
        <div class="card board-table">
          <Table
            caption={word("state", state)}
            rows={rows && [...rows].sort(byDue)}
            from={lists}
            id={(item) => item.id}
            columns={columns(setChosen, shownAs)}
            empty={t("supervisor.empty")}
          />
        </div>
      </main>
      {shown && <ItemPanel key={shown.id} item={shown} onClose={close} onActed={lists.reload} />}
    </div>
  );
}

/** A value that has stayed the same for `ms`: not every letter is a question to the node. */
function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/** What is due first comes first; where nothing is due, as the routing would have it. */
export function byDue(a: ItemView, b: ItemView): number {
  const late = "9999";
  return (a.due_at ?? late).localeCompare(b.due_at ?? late) || byUrgency(a, b);
}

function byUrgency(a: ItemView, b: ItemView): number {
  return b.priority - a.priority || (a.queued_at ?? a.created_at).localeCompare(b.queued_at ?? b.created_at);
}

function columns(open: (item: ItemView) => void, shownAs: (queue: string) => string): Column<ItemView>[] {
  return [
    { title: t("number"), cell: (item) => <span class="num">#{item.number}</span>, order: ({ number }) => number },
    {
      title: t("item"),
      order: (item) => item.subject,
      cell: (item) => (
        <span class="item-cell">
          <Kind kind={item.kind} small />
          <span class="item-words">
            <button class="link cut" dir="auto" onClick={() => open(item)}>
              {item.subject || t("item.no_subject")}
            </button>
            <span class="muted cut">{whoIs(item, item.customer)}</span>
          </span>
        </span>
      ),
    },
    { title: t("queue"), cell: (item) => shownAs(item.queue), order: (item) => shownAs(item.queue) },
    {
      title: t("waits"),
      cell: (item) => <span class="num">{since(item.queued_at ?? item.created_at)}</span>,
      order: (item) => item.queued_at ?? item.created_at,
    },
    { title: t("due"), cell: (item) => (item.due_at ? <DueLeft item={item} /> : ""), order: ({ due_at }) => due_at },
    { title: t("agent"), cell: (item) => agentName(item.agent), order: (item) => agentName(item.agent) },
    {
      title: t("priority"),
      cell: (item) => (item.priority ? <span class="chip info">{item.priority}</span> : ""),
      order: ({ priority }) => -priority,
    },
    { title: t("reason"), cell: (item) => (item.reason ? <span class="reason">{item.reason}</span> : "") },
  ];
}
