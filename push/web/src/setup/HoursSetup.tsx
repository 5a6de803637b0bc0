import { Clock } from "lucide";
import { type Hours, hoursOfHouse } from "../api/setup";
import { useResource } from "../api/resource";
import { locale, region, t, word } from "../i18n";
import { languageName } from "../ui/bits";
import { Table } from "../ui/Table";
import { now } from "../ui/time";
import { Facts } from "./Facts";
import { specialDays, weekLines } from "./words";
import "./setup.css";

const EVERY = 15_000;

/** When each place is open: now, in the week, on days that are not like others; to look at only. */
export function HoursSetup() {
  const list = useResource("hours", hoursOfHouse, EVERY);
  return (
    <Table
      caption={t("setup.hours")}
      rows={list.data?.items}
      from={list}
      id={({ name }) => name}
      empty={t("hours.no_calendars")}
      emptyText={t("hours.no_calendars_text")}
      emptyIcon={Clock}
      columns={[
        {
          title: t("name"),
          cell: ({ name, zone }) => (
            <span>
              <b>{name}</b>
              <br />
              <span class="muted small">{zone}</span>
            </span>
          ),
        },
        { title: t("hours.now"), cell: (hours) => <OpenChip hours={hours} /> },
        { title: t("hours.week"), cell: ({ week }) => <Facts of={weekLines(week)} /> },
        { title: t("hours.special"), cell: (hours) => <Special hours={hours} /> },
        { title: t("hours.replies"), cell: (hours) => <Replies of={hours.closed_replies} /> },
      ]}
    />
  );
}

/** Open or closed now, and until when. Without `hours` they are still on their way. */
export function OpenChip({ hours, name }: { hours: Hours | undefined; name?: string }) {
  if (!hours) return <span class="muted">{name}</span>;
  const next = hours.changes_at;
  return (
    <span class="setup-open">
      <span class={hours.open ? "chip good" : "chip warn"}>
        <span class={hours.open ? "dot good" : "dot warn"} />
        {t(hours.open ? "hours.open" : "hours.closed")}
      </span>
      <span class="muted small">
        {name && `${name} · `}
        {next ? t(hours.open ? "hours.closes" : "hours.opens", { time: there(next, hours.zone) }) : t(hours.open ? "hours.never_closes" : "hours.never_opens")}
      </span>
    </span>
  );
}

/** By the wall clock of the place, as its week is told. */
function there(time: string, zone: string): string {
  const format = new Intl.DateTimeFormat(region.value, {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: zone,
    timeZoneName: "short",
  });
  return format.format(new Date(time));
}

function dated(date: string): string {
  const format = new Intl.DateTimeFormat(region.value, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  return format.format(new Date(`${date}T12:00:00Z`));
}

function Special({ hours }: { hours: Hours }) {
  const today = new Date(now.value).toISOString().slice(0, 10);
  const days = specialDays(hours, today);
  const from = [hours.country, hours.subdivision].filter(Boolean).join("-");
  if (days.length === 0 && !from) return <span class="muted">–</span>;
  return (
    <span class="setup-special">
      {from && <span class="muted small">{t("hours.from_country", { country: from })}</span>}
      <ul>
        {days.map(({ date, label, spans, opens }) => (
          <li key={`${date} ${opens} ${label}`}>
            <span class="num">{dated(date)}</span> {label}
            {(opens || spans) && (
              <span class="muted">
                {" "}
                {t(opens ? "hours.opens_extra" : "hours.closed_part", { time: spans })}
              </span>
            )}
          </li>
        ))}
      </ul>
    </span>
  );
}

function Replies({ of: replies }: { of: Hours["closed_replies"] }) {
  const kinds = Object.entries(replies);
  if (kinds.length === 0) return <span class="muted">{t("hours.no_replies")}</span>;
  return (
    <span class="setup-replies">
      {kinds.map(([kind, texts]) => (
        <details key={kind}>
          <summary>
            {word("kind", kind)} <span class="muted">({Object.keys(texts).length})</span>
          </summary>
          <dl>
            {Object.entries(texts).map(([tag, text]) => (
              <div key={tag}>
                <dt>{tag ? languageName(tag, locale.value) : t("hours.others")}</dt>
                <dd dir="auto" lang={tag || undefined}>
                  {text}
                </dd>
              </div>
            ))}
          </dl>
        </details>
      ))}
    </span>
  );
}
