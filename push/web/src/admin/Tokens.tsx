import { Ban, Copy, KeyRound } from "lucide";
import { useState } from "preact/hooks";
import { Problem } from "../api/http";
import { makeToken, revokeToken, tokens } from "../api/resources";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import type { Role } from "../protocol";
import { copyText } from "../ui/bits";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { Table } from "../ui/Table";
import { clock } from "../ui/time";
import { say, sayError } from "../ui/toast";
import { EditDialog, TextField } from "./EditDialog";
import { Section } from "./Section";

export function Tokens() {
  const list = useResource("tokens", tokens, 10_000);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState("");
  const revoke = async (id: string) => {
    if (!confirm(t("token.revoke_sure"))) return;
    try {
      await revokeToken(id);
      say(t("token.revoked"));
      list.reload();
    } catch (error) {
      sayError(error);
    }
  };
  const when = (time: string | null | undefined) => (time ? <span class="num">{clock(time)}</span> : "");
  return (
    <Section title={t("admin.tokens")} lead={t("admin.tokens_lead")} add={{ label: t("token.make"), onClick: () => setMaking(true) }}>
      <Table
        caption={t("admin.tokens")}
        rows={list.data?.items}
        from={list}
        id={({ id }) => id}
        empty={t("token.none")}
        emptyIcon={KeyRound}
        columns={[
          { title: t("agent"), cell: ({ agent }) => <b>{agent ?? ""}</b> },
          { title: t("role"), cell: ({ role }) => (role ? word("role", role) : "") },
          { title: t("label"), cell: ({ label }) => label ?? "" },
          { title: t("token.made"), cell: ({ created_at }) => when(created_at) },
          { title: t("token.expires"), cell: ({ expires_at }) => when(expires_at) || t("token.never") },
          {
            title: t("acts"),
            acts: true,
            cell: ({ id }) => (
              <button class="btn small" onClick={() => void revoke(id)}>
                <Icon of={Ban} size={14} />
                {t("token.revoke")}
              </button>
            ),
          },
        ]}
      />
      {making && (
        <Make
          onClose={() => setMaking(false)}
          onMade={(token) => {
            setMaking(false);
            setMade(token);
            list.reload();
          }}
        />
      )}
      {made && <Once token={made} onClose={() => setMade("")} />}
    </Section>
  );
}

const ROLES: Role[] = ["agent", "supervisor", "admin"];

function Make({ onClose, onMade }: { onClose(): void; onMade(token: string): void }) {
  const [agent, setAgent] = useState("");
  const [role, setRole] = useState<Role>("agent");
  const [label, setLabel] = useState("");
  const [hours, setHours] = useState("12");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      const lasting = hours.trim() === "" ? null : Number(hours);
      const { token } = await makeToken({ agent: agent.trim(), role, label: label.trim(), hours: lasting });
      onMade(token);
    } catch (problem) {
      setError(problem as Error);
      setBusy(false);
    }
  };
  const wrong = (field: string) => (error instanceof Problem ? error.of(field) : undefined);
  return (
    <EditDialog
      title={t("token.make")}
      busy={busy}
      problem={error && !["agent", "hours", "label"].some(wrong) ? error.message : ""}
      ready={agent.trim() !== "" && !Number.isNaN(Number(hours))}
      onSave={() => void save()}
      onClose={onClose}
    >
      <TextField label={t("token.for")} value={agent} hint={t("token.for_hint")} wrong={wrong("agent")} onChange={setAgent} />
      <label class="field">
        <span>{t("role")}</span>
        <select class="input" value={role} onChange={(event) => setRole(event.currentTarget.value as Role)}>
          {ROLES.map((name) => (
            <option key={name} value={name}>
              {word("role", name)}
            </option>
          ))}
        </select>
      </label>
      <TextField label={t("label")} value={label} wrong={wrong("label")} onChange={setLabel} />
      <TextField number label={t("token.hours")} value={hours} hint={t("token.hours_hint")} wrong={wrong("hours")} onChange={setHours} />
    </EditDialog>
  );
}

/** The one moment in which a token can be read. */
function Once({ token, onClose }: { token: string; onClose(): void }) {
  return (
    <Dialog title={t("token.once")} onClose={onClose}>
      <p>{t("token.once_text")}</p>
      <pre class="raw">{token}</pre>
      <button class="btn primary" onClick={() => void copyText(token)}>
        <Icon of={Copy} />
        {t("copy.this")}
      </button>
    </Dialog>
  );
}
