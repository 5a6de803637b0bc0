import { CloudOff, MessageCircle, Search, Users, X } from "lucide";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Colleague, type Group, who } from "../api/colleagues";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import { Empty, Skeleton } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { since } from "../ui/time";
import { type Chat, inOrder, keyOf } from "./chats";
import { PeerChat } from "./PeerChat";
import { Face, presenceOf } from "./PeerFace";
import {
  about,
  chats,
  close,
  failed,
  learn,
  load,
  loaded,
  nameOf,
  note,
  opened,
  shown,
  titleOf,
  toggle,
  unread,
  wanted,
  writeTo,
} from "./peers";
import "./composer.css";
import "./peers.css";

const EVERY = 15_000;

/** In the head of the page: how much is unread, whatever else is open. */
export function PeersButton() {
  const count = unread.value;
  const text = count > 0 ? t("peers.unread", { n: count }) : t("peers.title");
  return (
    <button
      class={count > 0 ? "btn icon peers-button unread" : "btn icon peers-button"}
      aria-expanded={opened.value}
      aria-controls="peers"
      aria-label={text}
      title={`${text} (Alt+C)`}
      onClick={toggle}
    >
      <Icon of={Users} size={17} />
      {count > 0 && <span class="peers-count num">{count > 99 ? "99+" : count}</span>}
    </button>
  );
}

export function Peers() {
  // the focus goes back to where it was when the panel was opened
  const before = useRef<Element | null>(null);
  const open = opened.value;
  useEffect(() => {
    if (open) return;
    const old = before.current;
    before.current = null;
    if (old instanceof HTMLElement && old.isConnected && !isWriting(document.activeElement)) old.focus();
  }, [open]);
  useEffect(() => {
    if (open && before.current === null) before.current = document.activeElement;
  }, [open]);
  if (!open) return null;
  return (
    <aside
      id="peers"
      class="peers"
      aria-label={t("peers.title")}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.preventDefault();
        event.stopPropagation();
        close();
      }}
    >
      {shown.value ? <PeerChat key={keyOf(shown.value)} whom={shown.value} /> : <PeerList />}
    </aside>
  );
}

const isWriting = (at: Element | null) => at !== null && at !== document.body && /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName);

function PeerList() {
  const [typed, setTyped] = useState("");
  const box = useRef<HTMLInputElement>(null);
  const query = typed.trim();
  const found = useResource(`who ${query}`, () => who(query), EVERY);
  useEffect(() => {
    if (found.data) note(found.data.agents);
  }, [found.data]);
  useEffect(() => {
    if (wanted.value !== "search") return;
    wanted.value = null;
    box.current?.focus();
  }, [wanted.value]);
  const known = inOrder(chats.value);
  const listed = known.filter(({ whom }) => titleOf(whom).toLowerCase().includes(query.toLowerCase()));
  const there = new Set(known.map(({ whom }) => keyOf(whom)));
  const agents = (found.data?.agents ?? []).filter(({ name }) => query || !there.has(`a ${name}`));
  const groups = (found.data?.groups ?? []).filter(({ name }) => query || !there.has(`g ${name}`));
  const logins = known.flatMap(({ whom }) => whom.agent ?? []).join();
  // who is there changes while one looks
  useEffect(() => {
    const again = () => void learn(logins.split(","), true).catch(() => undefined);
    again();
    const timer = setInterval(again, EVERY);
    return () => clearInterval(timer);
  }, [logins]);

  return (
    <>
      <header class="peers-head">
        <h2>{t("peers.title")}</h2>
        <button class="btn quiet icon small" aria-label={t("close")} title={`${t("close")} (Esc)`} onClick={close}>
          <Icon of={X} />
        </button>
      </header>
      {about.value && (
        <p class="peers-about">
          {t("peers.about_whom", { number: about.value.number })}
          <button class="btn quiet icon small" aria-label={t("peers.not_about")} onClick={() => (about.value = null)}>
            <Icon of={X} size={14} />
          </button>
        </p>
      )}
      <label class="peers-search">
        <Icon of={Search} size={15} />
        <input
          ref={box}
          class="input"
          type="search"
          value={typed}
          aria-label={t("peers.search")}
          placeholder={t("peers.search")}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            const first = listed[0]?.whom ?? (agents[0] ? { agent: agents[0].name } : groups[0] && { group: groups[0].name });
            if (first) writeTo(first);
          }}
        />
      </label>
      <div class="peers-body scroll">
        {failed.value && (
          <p class="peers-wrong wrong" role="alert">
            {t("peers.failed")}: {failed.value}
            <button class="btn small" onClick={() => void load()}>
              {t("retry")}
            </button>
          </p>
        )}
        {!loaded.value && !failed.value && <Skeleton lines={4} />}
        <ul aria-label={t("peers.chats")}>
          {listed.map((chat) => (
            <ChatRow key={keyOf(chat.whom)} chat={chat} />
          ))}
        </ul>
        {groups.length > 0 && <h3 class="list-sub">{t("peers.groups")}</h3>}
        <ul>
          {groups.map((group) => (
            <GroupRow key={group.name} group={group} />
          ))}
        </ul>
        {agents.length > 0 && <h3 class="list-sub">{t("peers.people")}</h3>}
        <ul>
          {agents.map((one) => (
            <PersonRow key={one.name} one={one} />
          ))}
        </ul>
        {found.data?.more && <p class="muted peers-more">{t("peers.more")}</p>}
        {found.error && !found.data && (
          <Empty icon={CloudOff} title={t("peers.failed")} text={found.error.message}>
            <button class="btn" onClick={found.reload}>
              {t("retry")}
            </button>
          </Empty>
        )}
        {found.data && listed.length + agents.length + groups.length === 0 && (
          <Empty icon={MessageCircle} title={query ? t("search.none") : t("peers.nobody")} />
        )}
      </div>
    </>
  );
}

function ChatRow({ chat: { whom, last, unread: count } }: { chat: Chat }) {
  const mine = last.from !== whom.agent && (whom.agent !== undefined || nameOf(last.from) === t("peers.you"));
  const by = mine ? `${t("peers.you")}: ` : whom.group !== undefined ? `${nameOf(last.from)}: ` : "";
  return (
    <li>
      <button class={count > 0 ? "row unread" : "row"} onClick={() => writeTo(whom)}>
        <Face whom={whom} />
        <span class="row-main">
          <span class="row-line">
            <span class="cut row-who">{titleOf(whom)}</span>
            <span class="row-time num">{since(last.at)}</span>
          </span>
          <span class="row-line">
            <span class="cut muted" dir="auto">
              {by}
              {last.body}
            </span>
            {count > 0 && (
              <span class="peers-count num" role="img" aria-label={t("peers.unread", { n: count })}>
                {count > 99 ? "99+" : count}
              </span>
            )}
          </span>
        </span>
      </button>
    </li>
  );
}

function PersonRow({ one }: { one: Colleague }) {
  return (
    <li>
      <button class="row slim" onClick={() => writeTo({ agent: one.name })}>
        <Face whom={{ agent: one.name }} />
        <span class="cut row-who">{one.display_name || one.name}</span>
        <span class="muted cut">
          {one.role !== "agent" && `${t(`role.${one.role}`)} · `}
          {presenceOf(one)}
        </span>
      </button>
    </li>
  );
}

function GroupRow({ group: { name, members, mine } }: { group: Group }) {
  return (
    <li>
      <button class="row slim" onClick={() => writeTo({ group: name })}>
        <Face whom={{ group: name }} />
        <span class="cut row-who">{name}</span>
        <span class="muted cut">{mine ? t("peers.members_mine", { n: members }) : t("peers.members", { n: members })}</span>
      </button>
    </li>
  );
}
