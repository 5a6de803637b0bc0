import { X } from "lucide";
import { useEffect, useState } from "preact/hooks";
import { type Code, misroutedReasons, queues, skills } from "../api/resources";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import type { NotForMe, OfferView } from "../protocol";
import { whoIs } from "../ui/bits";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { decline } from "./acts";
import { offers } from "./store";

interface Props {
  value: NotForMe | null;
  onChange(value: NotForMe | null): void;
  /** The queue that it goes to, which is most likely the right one. */
  right?: string;
  /** Whoever opened this has said already that it was not for them. */
  sure?: boolean;
}

/** A reason as people read it: the house's label, or ours in the reader's language. */
export const reasonName = ({ name, label }: Pick<Code, "name" | "label">) => label || word("misrouted_reason", name);

/** "Not for me, because…": a reason out of the house's list, and what would have been right. */
export function NotForMeFields({ value, onChange, right = "", sure }: Props) {
  const known = useResource("misrouted reasons", misroutedReasons);
  const places = useResource(value ? "queues" : null, queues);
  const abilities = useResource(value ? "skills" : null, skills);
  const list = known.data?.items ?? [];
  const [chosen, setChosen] = useState(false);
  useEffect(() => {
    if (value && !chosen && (value.queue ?? "") !== right) onChange({ ...value, queue: right || null });
  }, [right, value?.reason, chosen]);
  if (known.error && list.length === 0) {
    return (
      <p class="wrong" role="alert">
        {t("misrouted.unknown")}{" "}
        <button type="button" class="link" onClick={known.reload}>
          {t("retry")}
        </button>
      </p>
    );
  }
  return (
    <div class="two">
      <label class="field">
        <span>{t("misrouted.ask")}</span>
        <select
          class="input"
          value={value?.reason ?? ""}
          onChange={({ currentTarget: { value: reason } }) => onChange(reason ? { ...value, reason } : null)}
        >
          <option value="">{t(sure ? "choose" : "misrouted.fine")}</option>
          {list.map((code) => (
            <option key={code.name} value={code.name}>
              {reasonName(code)}
            </option>
          ))}
        </select>
      </label>
      {value && (
        <>
          <label class="field">
            <span>{t("misrouted.right_queue")}</span>
            <select
              class="input"
              value={value.queue ?? ""}
              onChange={({ currentTarget: { value: queue } }) => {
                setChosen(true);
                onChange({ ...value, queue: queue || null });
              }}
            >
              <option value="">{t("misrouted.not_said")}</option>
              {places.data?.items.map(({ name, display_name }) => (
                <option key={name} value={name}>
                  {display_name || name}
                </option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>{t("misrouted.right_skill")}</span>
            <select
              class="input"
              value={value.skill ?? ""}
              onChange={({ currentTarget: { value: skill } }) => onChange({ ...value, skill: skill || null })}
            >
              <option value="">{t("misrouted.not_said")}</option>
              {abilities.data?.items.map(({ name, label }) => (
                <option key={name} value={name}>
                  {label || name}
                </option>
              ))}
            </select>
          </label>
        </>
      )}
    </div>
  );
}

/** Declining with the reason why it was not for this agent; it closes when the offer has gone. */
export function NotForMeDialog({ offer, onClose }: { offer: OfferView; onClose(): void }) {
  const [value, setValue] = useState<NotForMe | null>(null);
  const open = offers.value.some((one) => one.offer === offer.offer);
  useEffect(() => {
    if (!open) onClose();
  }, [open]);
  return (
    <Dialog
      title={t("misrouted.decline", { who: whoIs(offer.item, offer.customer) })}
      onClose={onClose}
      onSubmit={() => {
        if (!value) return;
        onClose();
        void decline(offer, "", value);
      }}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>
            {t("cancel")}
          </button>
          <button class="btn primary" disabled={!value}>
            <Icon of={X} />
            {t("offer.decline")}
          </button>
        </>
      }
    >
      <p class="muted">{t("misrouted.lead")}</p>
      <NotForMeFields value={value} onChange={setValue} sure />
    </Dialog>
  );
}
