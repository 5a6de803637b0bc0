import { MailX } from "lucide";
import { useState } from "preact/hooks";
import { withheldReport, type WithheldLine } from "../api/resources";
import { useResource } from "../api/resource";
import { t, word } from "../i18n";
import { Table } from "../ui/Table";
import { clock } from "../ui/time";
import { addressOf } from "./address";

const EVERY = 30_000;
const DAY = 86_400_000;
const PERIODS = [1, 7, 30, 90] as const;

/** What was not written by itself because a budget was used up: how many, why, about which tickets. */
export function Withheld() {
  const [days, setDays] = useState<number>(7);
  const report = useResource(`withheld ${days}`, () => withheldReport(new Date(Date.now() - days * DAY).toISOString()), EVERY);
  return (
    <>
      <div class="board-tools report-tools">
        <select class="input" aria-label={t("misrouted.period")} value={days} onChange={({ currentTarget }) => setDays(Number(currentTarget.value))}>
          {PERIODS.map((n) => (
            <option key={n} value={n}>
              {t(n === 1 ? "misrouted.day" : "misrouted.days", { n })}
            </option>
          ))}
        </select>
        {report.data && report.data.withheld > 0 && (
          <span class="muted num report-sum" role="status">
            {t("withheld.sum", { n: report.data.withheld })}
          </span>
        )}
      </div>
      <section class="card board-table" aria-label={t("withheld.title")}>
        <Table<WithheldLine>
          caption={t("withheld.title")}
          rows={report.data?.lines}
          from={report}
          id={({ channel, of, what }) => `${channel}/${of}/${what}`}
          empty={t("withheld.none")}
          emptyText={t("withheld.none_text")}
          emptyIcon={MailX}
          columns={[
            { title: t("withheld.count"), order: ({ withheld }) => -withheld, cell: ({ withheld }) => <b class="num">{withheld}</b> },
            { title: t("withheld.what"), order: ({ what }) => what, cell: ({ what }) => word("withheld_what", what.replaceAll(" ", "_")) },
            { title: t("channel"), order: ({ channel }) => channel, cell: ({ channel }) => channel },
            { title: t("withheld.why"), cell: ({ of }) => <span class="reason">{word("withheld_of", of)}</span> },
            {
              title: t("withheld.latest"),
              cell: ({ latest }) => (
                <span class="chips">
                  {latest.map(({ item, number, at }) => (
                    <a key={`${item}${at}`} class="chip num" href={addressOf(item)} title={clock(at)}>
                      #{number}
                    </a>
                  ))}
                </span>
              ),
            },
          ]}
        />
      </section>
    </>
  );
}
