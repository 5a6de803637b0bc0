import { ArrowRightLeft } from "lucide";
import { useState } from "preact/hooks";
import { agents, queues } from "../api/resources";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import type { ItemView, NotForMe, Transfer } from "../protocol";
import { Avatar, Skeleton } from "../ui/bits";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { say } from "../ui/toast";
import { NotForMeFields } from "./NotForMe";
import { closeConversation } from "./route";
import { desk, order } from "./store";
import "./transfer.css";

interface Target {
  key: string;
  name: string;
  detail: string;
  tone: "good" | "warn" | "";
}

export function TransferDialog({ item, onClose }: { item: ItemView; onClose(): void }) {
  const [kind, setKind] = useState<"queue" | "agent">("queue");
  const [chosen, setChosen] = useState("");
  const [note, setNote] = useState("");
  const [wrong, setWrong] = useState<NotForMe | null>(null);
  const [search, setSearch] = useState("");
  const [busy, setBusy] = useState(false);
  const people = useResource(kind === "agent" ? "agents" : null, agents, 10_000);
  const places = useResource("queues", queues);
  const me = desk.value.session?.agent.name;

  const targets: Target[] =
    kind === "queue"
      ? (places.data?.items ?? []).map(({ name, display_name }) => ({
          key: name,
          name: display_name || name,
          detail: name === item.queue ? t("transfer.here") : "",
          tone: "",
        }))
      : (people.data?.items ?? [])
          .filter(({ name, active }) => active && name !== me)
          .sort((a, b) => Number(b.connected) - Number(a.connected) || a.name.localeCompare(b.name))
          .map((agent) => ({
            key: agent.name,
            name: agent.display_name || agent.name,
            detail: !agent.connected
              ? t("presence.away")
              : agent.presence === "ready"
                ? t("presence.ready")
                : word("reason", agent.reason || "not_ready"),
            tone: agent.connected ? (agent.presence === "ready" ? "good" : "warn") : "",
          }));
  const wanted = search.trim().toLowerCase();
  const shown = targets.filter((target) => `${target.name} ${target.key}`.toLowerCase().includes(wanted));
  const loading = kind === "queue" ? places.loading && !places.data : people.loading && !people.data;

  const submit = async () => {
    if (!chosen || busy) return;
    setBusy(true);
    try {
      await order<Transfer>({ t: "transfer", item: item.id, [kind]: chosen, note: note.trim(), misrouted: wrong });
      say(t("transfer.done", { number: item.number, to: targets.find(({ key }) => key === chosen)?.name ?? chosen }));
      onClose();
      closeConversation();
    } catch {
      setBusy(false);
    }
  };

  return (
    <Dialog
      title={t("transfer.title", { number: item.number })}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>
            {t("cancel")}
          </button>
          <button class="btn primary" disabled={!chosen || busy}>
            <Icon of={ArrowRightLeft} />
            {t("transfer")}
          </button>
        </>
      }
    >
      <div class="transfer-top">
        <div class="seg" role="tablist" aria-label={t("transfer.to")}>
          {(["queue", "agent"] as const).map((name) => (
            <button
              key={name}
              type="button"
              role="tab"
              aria-selected={kind === name}
              onClick={() => {
                setKind(name);
                setChosen("");
              }}
            >
              {t(name)}
            </button>
          ))}
        </div>
        <input
          class="input"
          type="search"
          autoFocus
          placeholder={t("search")}
          aria-label={t("search")}
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      </div>
      <div class="targets scroll" role="radiogroup" aria-label={t("transfer.to")}>
        {loading && <Skeleton lines={4} />}
        {!loading && shown.length === 0 && <p class="muted targets-none">{t("search.none")}</p>}
        {shown.map((target) => (
          <label key={target.key} class="target">
            <input
              type="radio"
              name="target"
              class="sr"
              checked={chosen === target.key}
              onChange={() => setChosen(target.key)}
            />
            {kind === "agent" && <Avatar name={target.name} small />}
            <span class="cut target-name">{target.name}</span>
            {target.tone && <span class={`dot ${target.tone}`} />}
            <span class="muted">{target.detail}</span>
          </label>
        ))}
      </div>
      <label class="field">
        <span>{t("transfer.note")}</span>
        <textarea
          class="input"
          rows={3}
          maxLength={500}
          dir="auto"
          value={note}
          placeholder={t("transfer.note_hint")}
          onInput={(event) => setNote(event.currentTarget.value)}
        />
      </label>
      <NotForMeFields value={wrong} onChange={setWrong} right={kind === "queue" && chosen !== item.queue ? chosen : ""} />
    </Dialog>
  );
}
