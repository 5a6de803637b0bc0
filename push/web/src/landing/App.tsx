import { ArrowRight, BookOpen, Cable, DatabaseZap, HeartPulse, LayoutDashboard, MessagesSquare, Route } from "lucide";
import { bootstrap } from "../api/resources";
import { useResource } from "../api/resource";
import { session } from "../api/session";
import { t } from "../i18n";
import { Icon } from "../ui/Icon";
import { LanguagePicker, SignInForm } from "../ui/SignIn";
import { leave } from "../ui/Shell";
import { Toasts } from "../ui/toast";
import { Picture } from "./Picture";
import "./landing.css";

const HOME = { agent: "/desktop/", supervisor: "/supervisor/", admin: "/admin/" };
const FACES = [
  { path: "/desktop/", key: "desktop", icon: MessagesSquare },
  { path: "/supervisor/", key: "supervisor", icon: LayoutDashboard },
  { path: "/admin/", key: "admin", icon: Cable },
] as const;
const FACTS = [
  { key: "fact1", icon: DatabaseZap },
  { key: "fact2", icon: Route },
  { key: "fact3", icon: HeartPulse },
] as const;

/** Whether this node was started as the demo. */
async function isDemo(): Promise<boolean> {
  const response = await fetch("/demo/state", { headers: { Accept: "application/json" } });
  return response.ok && (response.headers.get("content-type") ?? "").includes("json");
}

export function App() {
  const node = useResource("bootstrap", bootstrap);
  const demo = useResource("demo", isDemo);
  const agent = session.value?.agent;
  return (
    <div class="landing">
      <header class="landing-top">
        <a class="brand" href="/">
          <img src="/favicon.svg" alt="" width="30" height="30" />
          Switchroom
        </a>
        <LanguagePicker />
      </header>
      <main class="landing-main">
        <section class="hero">
          <h1>{t("landing.title")}</h1>
          <p class="hero-lead">{t("landing.lead")}</p>
          {demo.data && (
            <p class="hero-demo">
              <a class="btn primary large" href="/demo/">
                {t("landing.demo")}
                <Icon of={ArrowRight} size={18} />
              </a>
              <span class="muted">{t("landing.demo_text")}</span>
            </p>
          )}
          <Picture />
        </section>
        <section class="entrance card" aria-label={t("landing.signin")}>
          {session.value ? (
            <>
              <h2>{t("landing.signed_in", { name: agent?.display_name || agent?.name || "…" })}</h2>
              <ul class="faces">
                {FACES.map(({ path, key, icon }) => (
                  <li key={path}>
                    <a href={path}>
                      <Icon of={icon} size={20} />
                      <span>
                        <b>{t(key)}</b>
                        <span class="muted">{t(`landing.${key}`)}</span>
                      </span>
                      <Icon of={ArrowRight} />
                    </a>
                  </li>
                ))}
              </ul>
              <button class="btn" onClick={() => void leave()}>
                {t("signout")}
              </button>
            </>
          ) : (
            <>
              <h2>{t("landing.signin")}</h2>
              <SignInForm onDone={({ role }) => location.assign(HOME[role] ?? "/desktop/")} />
            </>
          )}
        </section>
        <ul class="facts">
          {FACTS.map(({ key, icon }) => (
            <li key={key}>
              <span class="fact-icon">
                <Icon of={icon} size={20} />
              </span>
              <h2>{t(`landing.${key}`)}</h2>
              <p class="muted">{t(`landing.${key}_text`)}</p>
            </li>
          ))}
        </ul>
      </main>
      <footer class="landing-foot">
        <a href="/api/docs">
          <Icon of={BookOpen} size={15} /> {t("landing.docs")}
        </a>
        {node.data && (
          <span class="muted">{t("landing.node", { node: node.data.node, version: node.data.version })}</span>
        )}
      </footer>
      <Toasts />
    </div>
  );
}
