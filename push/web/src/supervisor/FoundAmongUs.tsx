import { Check, Eye, ShieldCheck, X } from "lucide";
import { useState } from "preact/hooks";
import { type Found, found, judge } from "../api/colleagues";
import { agentName } from "../api/names";
import { useResource } from "../api/resource";
import { t } from "../i18n";
import { Icon } from "../ui/Icon";
import { Table } from "../ui/Table";
import { clock, since } from "../ui/time";
import { say, sayError } from "../ui/toast";
import { addressOf } from "./address";

const EVERY = 5000;
const ICONS = { released: Check, refused: X, seen: Eye };

/** What rules have found in what colleagues say to each other; what is held waits here. */
export function FoundAmongUs() {
  const list = useResource("found", found, EVERY);
  const [busy, setBusy] = useState("");
  const act = async (one: Found, verdict: keyof typeof ICONS) => {
    setBusy(one.id);
    try {
      await judge(one.id, { verdict, reason: "" });
      say(t("peers.judged"));
    } catch (error) {
      sayError(error);
    }
    setBusy("");
    list.reload();
  };
  return (
    <section class="found-among-us" aria-labelledby="found-title">
      <h2 id="found-title">{t("peers.found")}</h2>
      <Table
        caption={t("peers.found")}
        rows={list.data?.items}
        from={list}
        id={({ id }) => id}
        empty={t("peers.found_none")}
        emptyIcon={ShieldCheck}
        columns={[
          {
            title: t("review.since"),
            cell: ({ at }) => (
              <time class="num" dateTime={at} title={clock(at)}>
                {since(at)}
              </time>
            ),
          },
          {
            title: t("peers.whom"),
            cell: ({ from, agent, group, item, number }) => (
              <span class="item-words">
                <span class="cut">
                  {t("peers.said_to", { from: agentName(from), to: agent ? agentName(agent) : group })}
                </span>
                {item && <a href={addressOf(item)}>{t("peers.about", { number })}</a>}
              </span>
            ),
          },
          {
            title: t("review.rule"),
            cell: ({ rule, reason }) => (
              <span class="review-rule">
                <a href="#/rules">{rule}</a>
                <span dir="auto">{reason}</span>
              </span>
            ),
          },
          {
            title: t("review.what"),
            cell: ({ state, body }) => (
              <span class="item-words">
                <span class={state === "sent" ? "chip found-state" : "chip warn found-state"}>{t(`peers.state.${state}`)}</span>
                <span class="review-text" dir="auto">
                  {body}
                </span>
              </span>
            ),
          },
          {
            title: t("acts"),
            acts: true,
            cell: (one) =>
              (one.state === "held" ? (["released", "refused"] as const) : (["seen"] as const)).map((verdict) => (
                <button
                  key={verdict}
                  class={verdict === "refused" ? "btn small" : "btn small primary"}
                  disabled={busy === one.id}
                  onClick={() => void act(one, verdict)}
                >
                  <Icon of={ICONS[verdict]} size={14} />
                  {t(`review.${verdict}`)}
                </button>
              )),
          },
        ]}
      />
    </section>
  );
}
