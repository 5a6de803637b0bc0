import { Ban, KeyRound } from "lucide";
import { deleteFrom, tokens } from "../api/resources";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import { Icon } from "../ui/Icon";
import { Table } from "../ui/Table";
import { clock } from "../ui/time";
import { say, sayError } from "../ui/toast";
import { Section } from "./Section";

export function Tokens() {
  const list = useResource("tokens", tokens, 10_000);
  const revoke = async (id: string) => {
    if (!confirm(t("token.revoke_sure"))) return;
    try {
      await deleteFrom("tokens", id);
      say(t("token.revoked"));
      list.reload();
    } catch (error) {
      sayError(error);
    }
  };
  const when = (time: string | null | undefined) => (time ? <span class="num">{clock(time)}</span> : "");
  return (
    <Section title={t("admin.tokens")} lead={t("admin.tokens_lead")}>
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
          { title: t("token.used"), cell: ({ used_at }) => when(used_at) },
          { title: t("token.expires"), cell: ({ expires_at }) => when(expires_at) },
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
    </Section>
  );
}
