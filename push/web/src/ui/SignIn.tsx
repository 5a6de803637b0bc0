import { KeyRound, LogIn } from "lucide";
import { useState } from "preact/hooks";
import { Problem } from "../api/http";
import { signInWith } from "../api/resources";
import { expired, signIn } from "../api/session";
import { LANGUAGES, locale, setLocale, t } from "../i18n";
import type { AgentCard } from "../protocol";
import { Icon } from "./Icon";
import { sayError } from "./toast";
import "./signin.css";

export function SignInForm({ onDone }: { onDone?(agent: AgentCard): void }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      const answer = await signInWith(name.trim(), password);
      signIn(answer.token, answer.agent);
      onDone?.(answer.agent);
    } catch (problem) {
      setError(problem as Error);
      setBusy(false);
    }
  };
  const wrong = error instanceof Problem && error.status === 401 ? t("signin.wrong") : error?.message;

  return (
    <form class="signin-form" onSubmit={submit}>
      <label class="field">
        <span>{t("signin.name")}</span>
        <input
          class="input"
          name="username"
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          required
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        <span>{t("signin.password")}</span>
        <input
          class="input"
          type="password"
          name="password"
          autocomplete="current-password"
          required
          value={password}
          aria-invalid={wrong ? true : undefined}
          aria-describedby="signin-error"
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
      </label>
      <p id="signin-error" class="wrong" role="alert">
        {wrong}
      </p>
      <button class="btn primary large" disabled={busy || !name || !password}>
        <Icon of={busy ? KeyRound : LogIn} size={18} />
        {busy ? t("signin.busy") : t("signin.go")}
      </button>
    </form>
  );
}

export function LanguagePicker() {
  return (
    <nav class="languages" aria-label={t("language")}>
      {LANGUAGES.map(({ tag, name }) => (
        <button
          key={tag}
          type="button"
          class="btn quiet small"
          lang={tag}
          aria-pressed={locale.value === tag}
          onClick={() => void setLocale(tag).catch(sayError)}
        >
          {name}
        </button>
      ))}
    </nav>
  );
}

/** The whole page that stands where a page needs somebody signed in. */
export function SignInPage({ what }: { what: string }) {
  return (
    <main class="signin-page">
      <div class="signin-card card">
        <a class="brand" href="/">
          <img src="/favicon.svg" alt="" width="28" height="28" />
          Switchroom
        </a>
        <h1>{what}</h1>
        {expired.value ? (
          <p class="wrong" role="alert">
            {t("signin.expired")}
          </p>
        ) : (
          <p class="muted">{t("signin.lead")}</p>
        )}
        <SignInForm />
        <LanguagePicker />
      </div>
    </main>
  );
}
