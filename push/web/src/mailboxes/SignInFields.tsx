import { TextField } from "../admin/EditDialog";
import { t } from "../i18n";
import type { Form, OAuth } from "./form";

interface Props {
  form: Form;
  /** Paths of those that are set. */
  secrets: readonly string[];
  wrong(field: string): string | undefined;
  onChange(part: Partial<Form>): void;
}

const WAYS = ["password", "oauth"] as const;

/** By a password, or at the provider in the browser. */
export function SignInFields({ form, secrets, wrong, onChange }: Props) {
  const { imap, smtp, oauth, way, reads, same } = form;
  const kept = (path: string) => (secrets.includes(path) ? t("mailset.kept") : undefined);
  const set = (part: Partial<OAuth>) => onChange({ oauth: { ...oauth, ...part } });
  return (
    <fieldset class="mailset-server">
      <legend class="label">{t("mailset.signing_in")}</legend>
      <div class="mailset-ways">
        {WAYS.map((one) => (
          <label key={one} class="check">
            <input type="radio" name="way" checked={way === one} onChange={() => onChange({ way: one })} />
            {t(`mailset.way_${one}`)}
          </label>
        ))}
      </div>
      {reads && (
        <div class="mailset-two">
          <TextField label={t("mailset.user")} value={imap.user} wrong={wrong("imap.user")} onChange={(user) => onChange({ imap: { ...imap, user } })} />
          {way === "password" && (
            <TextField secret label={t("mailset.password")} value={imap.password} hint={kept("imap.password")} wrong={wrong("imap.password")} onChange={(password) => onChange({ imap: { ...imap, password } })} />
          )}
        </div>
      )}
      {reads && (
        <label class="check">
          <input type="checkbox" checked={same} onChange={({ currentTarget }) => onChange({ same: currentTarget.checked })} />
          {t("mailset.same")}
        </label>
      )}
      {!(reads && same) && (
        <div class="mailset-two">
          <TextField label={t("mailset.smtp_user")} value={smtp.user} wrong={wrong("smtp.user")} hint={t("mailset.smtp_user_hint")} onChange={(user) => onChange({ smtp: { ...smtp, user } })} />
          {way === "password" && (
            <TextField secret label={t("mailset.smtp_password")} value={smtp.password} hint={kept("smtp.password")} wrong={wrong("smtp.password")} onChange={(password) => onChange({ smtp: { ...smtp, password } })} />
          )}
        </div>
      )}
      {reads && same && wrong("smtp.password") && <small class="wrong">{wrong("smtp.password")}</small>}
      {way === "oauth" && (
        <>
          <div class="mailset-two">
            <TextField label={t("mailset.client_id")} value={oauth.client_id} wrong={wrong("imap.oauth2.client_id") ?? wrong("imap.oauth2")} hint={t("mailset.client_hint")} onChange={(client_id) => set({ client_id })} />
            <TextField secret label={t("mailset.client_secret")} value={oauth.client_secret} hint={kept("imap.oauth2.client_secret") ?? t("mailset.client_secret_hint")} wrong={wrong("imap.oauth2.client_secret")} onChange={(client_secret) => set({ client_secret })} />
          </div>
          <details open={oauth.token_url === ""}>
            <summary>{t("mailset.endpoints")}</summary>
            <div class="mailset-two">
              <TextField label={t("mailset.token_url")} value={oauth.token_url} wrong={wrong("imap.oauth2.token_url")} onChange={(token_url) => set({ token_url })} />
              <TextField label={t("mailset.scope")} value={oauth.scope} wrong={wrong("imap.oauth2.scope")} onChange={(scope) => set({ scope })} />
              <TextField label={t("mailset.authorize_url")} value={oauth.authorize_url} hint={t("mailset.known_hint")} onChange={(authorize_url) => set({ authorize_url })} />
              <TextField label={t("mailset.device_url")} value={oauth.device_url} hint={t("mailset.known_hint")} onChange={(device_url) => set({ device_url })} />
            </div>
          </details>
        </>
      )}
    </fieldset>
  );
}
