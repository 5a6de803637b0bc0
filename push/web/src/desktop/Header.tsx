import {
  Check,
  ChevronDown,
  DoorClosed,
  Keyboard,
  LogOut,
  Plus,
  Search,
  Settings2,
  Volume2,
  VolumeX,
} from "lucide";
import { session } from "../api/session";
import { t, word } from "../i18n";
import { Avatar } from "../ui/bits";
import { Icon } from "../ui/Icon";
import { Menu, MenuItem } from "../ui/Menu";
import { leave, Preferences } from "../ui/Shell";
import { since } from "../ui/time";
import { dialog, goNotReady, goReady, REASONS } from "./acts";
import { ConnectionState } from "./ConnectionBar";
import { openPalette } from "./keys";
import { chime, muted, setMuted } from "./ringing";
import { PeersButton } from "./Peers";
import { desk, offline } from "./store";
import "./header.css";

export function Header() {
  return (
    <header class="top">
      <a class="brand" href="/" title="Switchroom">
        <img src="/favicon.svg" alt="" width="26" height="26" />
        <span>Switchroom</span>
      </a>
      <ConnectionState />
      <span class="top-space" />
      <Capacity />
      <Presence />
      <PeersButton />
      <button
        class="btn icon"
        onClick={openPalette}
        aria-label={t("search")}
        title={`${t("search")} (Ctrl+K)`}
      >
        <Icon of={Search} size={17} />
      </button>
      <button
        class="btn new-case"
        onClick={() => (dialog.value = { kind: "new" })}
        aria-label={t("case.new")}
        title={`${t("case.new")} (Alt+N)`}
      >
        <Icon of={Plus} size={17} />
        <span>{t("case.new")}</span>
      </button>
      <Account />
    </header>
  );
}

function Capacity() {
  const capacity = desk.value.capacity;
  if (!capacity) return null;
  const share = Math.min(100, Math.round((100 * capacity.used) / Math.max(1, capacity.total)));
  const text = t("capacity", { used: capacity.used, total: capacity.total });
  return (
    <span class="capacity" title={text}>
      <span
        class="capacity-bar"
        role="meter"
        aria-label={t("capacity.label")}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={share}
      >
        <span style={{ width: `${share}%` }} />
      </span>
      <span class="num" aria-hidden="true">
        {share}%
      </span>
    </span>
  );
}

function Presence() {
  const state = desk.value.state;
  if (!state) return <span class="skeleton presence-skeleton" />;
  const ready = state.state === "ready";
  const reason = ready ? t("presence.ready") : word("reason", state.reason || "not_ready");
  return (
    <span class={ready ? "presence ready" : "presence"}>
      <button
        class="presence-main"
        aria-pressed={ready}
        disabled={offline.value}
        title={`${ready ? t("presence.stop") : t("presence.start")} (Alt+R)`}
        onClick={() => (ready ? goNotReady("break") : goReady())}
      >
        <span class={ready ? "dot good" : "dot warn"} />
        <span class="cut">{reason}</span>
        <span class="num presence-since">{since(state.since)}</span>
      </button>
      <Menu
        label={t("presence.choose")}
        align="right"
        buttonClass="presence-more"
        button={<Icon of={ChevronDown} size={15} />}
      >
        <MenuItem checked={ready} onChoose={goReady}>
          <span class="dot good" />
          {t("presence.ready")}
          {ready ? <Icon of={Check} size={15} /> : <span />}
        </MenuItem>
        <hr />
        <span class="label">{t("presence.not_ready")}</span>
        {REASONS.map((name) => (
          <MenuItem key={name} checked={!ready && state.reason === name} onChoose={() => goNotReady(name)}>
            <span class="dot warn" />
            {word("reason", name)}
          </MenuItem>
        ))}
      </Menu>
    </span>
  );
}

/** Why nothing is offered, ready or not: a closed site, say. */
export function Notice() {
  const notice = desk.value.state?.notice;
  if (!notice) return null;
  return (
    <p class="healing notice" role="status">
      <Icon of={DoorClosed} size={15} />
      <span>{notice.charAt(0).toUpperCase() + notice.slice(1)}</span>
    </p>
  );
}

function Account() {
  const agent = desk.value.session?.agent ?? session.value?.agent;
  const name = agent?.display_name || agent?.name || "";
  return (
    <Menu
      label={t("account")}
      align="right"
      buttonClass="account"
      button={name ? <Avatar name={name} small /> : <Icon of={Settings2} />}
    >
      <span class="label">{name || t("account")}</span>
      <MenuItem onChoose={() => (dialog.value = { kind: "keys" })}>
        <Icon of={Keyboard} />
        {t("keys.title")}
        <kbd>?</kbd>
      </MenuItem>
      <MenuItem
        checked={muted.value}
        onChoose={() => {
          setMuted(!muted.value);
          if (!muted.value) chime();
        }}
      >
        <Icon of={muted.value ? VolumeX : Volume2} />
        {muted.value ? t("sound.off") : t("sound.on")}
      </MenuItem>
      <hr />
      <Preferences />
      <hr />
      <MenuItem onChoose={() => void leave()}>
        <Icon of={LogOut} />
        {t("signout")}
      </MenuItem>
      {desk.value.session && (
        <span class="label node-name">
          {t("node.at", { node: desk.value.session.node })}
        </span>
      )}
    </Menu>
  );
}
