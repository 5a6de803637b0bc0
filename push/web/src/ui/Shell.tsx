import { Check, LogOut, Monitor, Moon, Settings2, Sun } from "lucide";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { learnNodes, signOutThere } from "../api/resources";
import { session, signOut } from "../api/session";
import { LANGUAGES, locale, setLocale, t } from "../i18n";
import { Avatar } from "./bits";
import { Icon } from "./Icon";
import { Menu, MenuItem } from "./Menu";
import { setTheme, theme, type Theme } from "./theme";
import { sayError } from "./toast";
import "./shell.css";

const FACES = [
  { path: "/desktop/", key: "desktop" },
  { path: "/supervisor/", key: "supervisor" },
  { path: "/admin/", key: "admin" },
] as const;

/** The head of every page but the desktop. */
export function Shell({ here, children }: { here: string; children: ComponentChildren }) {
  useEffect(() => void learnNodes(), []);
  return (
    <div class="shell">
      <header class="shell-top">
        <a class="brand" href="/" aria-label="Switchroom">
          <img src="/favicon.svg" alt="" width="26" height="26" />
          <span>Switchroom</span>
        </a>
        <nav aria-label={t("faces")}>
          {FACES.map(({ path, key }) => (
            <a key={key} href={path} aria-current={here === key ? "page" : undefined}>
              {t(key)}
            </a>
          ))}
        </nav>
        <Settings />
      </header>
      {children}
    </div>
  );
}

const THEMES: { value: Theme; icon: typeof Sun }[] = [
  { value: "system", icon: Monitor },
  { value: "light", icon: Sun },
  { value: "dark", icon: Moon },
];

/** Appearance and language, for every page's menu. */
export function Preferences() {
  const chosen = (
    <span class="muted">
      <Icon of={Check} size={15} />
    </span>
  );
  return (
    <>
      <span class="label">{t("theme")}</span>
      {THEMES.map(({ value, icon }) => (
        <MenuItem key={value} checked={theme.value === value} onChoose={() => setTheme(value)}>
          <Icon of={icon} />
          {t(`theme.${value}`)}
          {theme.value === value && chosen}
        </MenuItem>
      ))}
      <hr />
      <span class="label">{t("language")}</span>
      {LANGUAGES.map(({ tag, name }) => (
        <MenuItem key={tag} checked={locale.value === tag} onChoose={() => void setLocale(tag).catch(sayError)}>
          <span lang={tag}>{name}</span>
          {locale.value === tag && chosen}
        </MenuItem>
      ))}
    </>
  );
}

export async function leave(): Promise<void> {
  await signOutThere().catch(() => undefined); // the token may be gone already
  signOut();
}

function Settings() {
  const agent = session.value?.agent;
  const name = agent?.display_name || agent?.name || "";
  return (
    <Menu
      label={t("account")}
      align="right"
      buttonClass="account"
      button={name ? <Avatar name={name} small /> : <Icon of={Settings2} size={18} />}
    >
      {name && <span class="label">{name}</span>}
      <Preferences />
      {session.value && (
        <>
          <hr />
          <MenuItem onChoose={() => void leave()}>
            <Icon of={LogOut} />
            {t("signout")}
          </MenuItem>
        </>
      )}
    </Menu>
  );
}
