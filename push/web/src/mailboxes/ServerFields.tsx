import { TextField } from "../admin/EditDialog";
import { t } from "../i18n";
import type { Security, Server } from "./form";

const SECURITIES: Security[] = ["tls", "starttls", "none"];
const PORTS = { imap: { tls: "993", starttls: "143", none: "143" }, smtp: { tls: "465", starttls: "587", none: "25" } };

interface Props {
  kind: "imap" | "smtp";
  server: Server & { folder?: string };
  wrong(field: string): string | undefined;
  onChange(part: Partial<Server & { folder: string }>): void;
}

/** Where it is; a port that is the usual one follows the security. */
export function ServerFields({ kind, server, wrong, onChange }: Props) {
  const secure = (security: Security) => {
    const usual = PORTS[kind][server.security] === server.port;
    onChange({ security, ...(usual && { port: PORTS[kind][security] }) });
  };
  return (
    <fieldset class="mailset-server">
      <legend class="label">{t(`mailset.${kind}`)}</legend>
      <TextField label={t("mailset.host")} value={server.host} wrong={wrong(`${kind}.host`)} onChange={(host) => onChange({ host })} />
      <div class="mailset-port">
        <label class="field">
          <span>{t("mailset.security")}</span>
          <select class="input" value={server.security} onChange={({ currentTarget }) => secure(currentTarget.value as Security)}>
            {SECURITIES.map((one) => (
              <option key={one} value={one}>
                {t(`mailset.security_${one}`)}
              </option>
            ))}
          </select>
        </label>
        <TextField number label={t("mailset.port")} value={server.port} wrong={wrong(`${kind}.port`)} onChange={(port) => onChange({ port })} />
      </div>
      {server.folder !== undefined && <TextField label={t("mailset.folder")} value={server.folder} wrong={wrong(`${kind}.folder`)} onChange={(folder) => onChange({ folder })} />}
    </fieldset>
  );
}
