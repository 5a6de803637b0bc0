import { CalendarDays, CalendarX, ExternalLink } from "lucide";
import { invitationsIn, type Guest, type Invitation } from "../api/mails";
import { useResource } from "../api/resource";
import { type Key, region, t } from "../i18n";
import type { Attachment } from "../protocol";
import { Icon } from "../ui/Icon";
import { repeats, when } from "./eventwords";
import { isCalendar } from "./mail";

/** The invitations that came with a mail; many programs send the same one twice. */
export function Invitations({ files }: { files: Attachment[] }) {
  const calendars = files.filter(isCalendar).filter(({ sha256 }, index, all) => all.findIndex((one) => one.sha256 === sha256) === index);
  return (
    <>
      {calendars.map(({ id }) => (
        <InvitationOf key={id} id={id} />
      ))}
    </>
  );
}

export function InvitationOf({ id, inside = "" }: { id: string; inside?: string }) {
  const events = useResource(`invitations ${id} ${inside}`, () => invitationsIn(id, inside));
  // where nobody can make sense of it the file is there all the same
  return (
    <>
      {events.data?.items.map((event, index) => (
        <Card key={index} event={event} />
      ))}
    </>
  );
}

function standing(event: Invitation): "cancelled" | "reply" | "changed" | "invited" | "event" {
  if (event.method === "cancel" || event.status === "cancelled") return "cancelled";
  if (event.method === "reply" || event.method === "counter") return "reply";
  if (event.method === "request") return event.revision > 0 ? "changed" : "invited";
  return "event";
}

function Card({ event }: { event: Invitation }) {
  const state = standing(event);
  const times = when(event, region.value, Intl.DateTimeFormat().resolvedOptions().timeZone);
  const answer = event.guests[0];
  return (
    <section class={`invitation ${state}`} aria-label={t("event.title")}>
      <span class="invitation-icon">
        <Icon of={state === "cancelled" ? CalendarX : CalendarDays} size={18} />
      </span>
      <div class="invitation-body">
        <p class="invitation-state">
          {state === "reply" && answer
            ? t("event.answered", { who: answer.name || answer.address, answer: answerWord(answer) })
            : t(`event.state_${state}`)}
        </p>
        <h3 dir="auto">{event.title || t("event.untitled")}</h3>
        <dl>
          {times.here && (
            <Fact label={t("event.when")}>
              {times.here}
              {times.there && <span class="muted"> · {times.there}</span>}
            </Fact>
          )}
          {event.recurs && <Fact label={t("event.repeats")}>{repeats(event.recurs, region.value)}</Fact>}
          {event.occurrence && <Fact label={t("event.occurrence")}>{event.occurrence.replace("T", " ")}</Fact>}
          {event.where && <Fact label={t("event.where")}>{event.where}</Fact>}
          {event.link && (
            <Fact label={t("event.link")}>
              <a href={event.link} target="_blank" rel="noopener noreferrer">
                <Icon of={ExternalLink} size={12} /> {event.link}
              </a>
            </Fact>
          )}
          {event.organiser && <Fact label={t("event.organiser")}>{named(event.organiser)}</Fact>}
        </dl>
        {event.guests.length > 0 && (
          <details>
            <summary>{t("event.guests", { n: event.guests.length + event.more_guests })}</summary>
            <ul>
              {event.guests.map((guest, index) => (
                <li key={index} dir="auto">
                  {named(guest)} <span class="muted">{answerWord(guest)}</span>
                </li>
              ))}
              {event.more_guests > 0 && <li class="muted">{t("event.more", { n: event.more_guests })}</li>}
            </ul>
          </details>
        )}
        {event.text && (
          <details>
            <summary>{t("event.text")}</summary>
            <p class="invitation-text" dir="auto">
              {event.text}
            </p>
          </details>
        )}
      </div>
    </section>
  );
}

function Fact({ label, children }: { label: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd dir="auto">{children}</dd>
    </div>
  );
}

const named = ({ name, address }: Guest) => (name && address ? `${name} <${address}>` : name || address);

const ANSWERS = new Set(["accepted", "declined", "tentative"]);

function answerWord({ answer }: Guest): string {
  return t((ANSWERS.has(answer) ? `event.${answer}` : "event.no_answer") as Key);
}
