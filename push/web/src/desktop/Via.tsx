/** Another way to the same customer, for one answer. */

import { customerById, channels } from "../api/resources";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import type { ItemView } from "../protocol";
import { changeDraft, type Draft } from "./drafts";
import { waysTo } from "./ways";

export function Via({ item, draft }: { item: ItemView; draft: Draft }) {
  const id = item.customer?.id ?? null;
  const customer = useResource(id && `customer ${id}`, () => customerById(id!));
  const list = useResource("channels", channels);
  const ways = waysTo(item.channel, customer.data?.identities ?? [], list.data?.items ?? []);
  if (ways.length === 0) return null;
  return (
    <select
      class="via"
      aria-label={t("via.label")}
      value={draft.via ?? ""}
      onChange={(event) => changeDraft(item.id, { via: event.currentTarget.value || null })}
    >
      <option value="">{t("via.own", { kind: word("kind", item.kind) })}</option>
      {ways.map(({ channel, kind, shown }) => (
        <option key={channel} value={channel}>
          {t("via.other", { kind: word("kind", kind), address: shown, channel })}
        </option>
      ))}
    </select>
  );
}
