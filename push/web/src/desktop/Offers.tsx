import { signal } from "@preact/signals";
import { Check, ChevronDown, Sparkles, X } from "lucide";
import { locale, t, word } from "../i18n";
import type { OfferView } from "../protocol";
import { Kind, languageName, sameWords, whoIs } from "../ui/bits";
import { DueChip } from "../ui/Due";
import { Icon } from "../ui/Icon";
import { Menu, MenuItem } from "../ui/Menu";
import { now, since } from "../ui/time";
import { accept, answered, decline, dialog } from "./acts";
import { offers } from "./store";
import "./offers.css";

const DECLINE_REASONS = ["not_my_skill", "busy_now", "conflict"] as const;

/** Without a customer column that is wide enough to lie over, cards would hide the conversation's buttons. */
const middling = matchMedia("(min-width: 761px) and (max-width: 1399px)");
export const docked = signal(middling.matches);
middling.addEventListener("change", (event) => (docked.value = event.matches));

/**
 * Offers take no focus: typing goes on undisturbed. They lie above everything, or stand at the
 * head of the list (`inList`).
 */
export function Offers({ inList = false }: { inList?: boolean }) {
  const open = offers.value.filter((offer) => !answered.value.has(offer.offer));
  return (
    <>
      <section class={inList ? "offers in-list" : "offers"} aria-label={t("offer.many")}>
        {open.map((offer, index) => (
          <OfferCard key={offer.offer} offer={offer} first={index === 0} />
        ))}
      </section>
      <div class="sr" aria-live="assertive">
        {open.map((offer) => (
          <p key={offer.offer}>
            {t("offer.announce", {
              kind: t(`kind.${offer.item.kind}`),
              who: whoIs(offer.item, offer.customer),
              subject: offer.item.subject,
            })}
          </p>
        ))}
      </div>
    </>
  );
}

function OfferCard({ offer, first }: { offer: OfferView; first: boolean }) {
  const { item, customer } = offer;
  const who = whoIs(item, customer);
  const whole = offer.bundle ?? offer.offer;
  const together = offers.value.filter((one) => (one.bundle ?? one.offer) === whole).length;
  return (
    <article class="offer" aria-label={t("offer.from", { who })}>
      <div class="offer-head">
        <Kind kind={item.kind} />
        <div class="offer-who">
          <strong class="cut">{who}</strong>
          <span class="cut muted">
            {item.queue}
            {item.language && ` · ${languageName(item.language, locale.value)}`} ·{" "}
            <span class="num">{t("item.waiting_for", { time: since(item.queued_at ?? item.created_at) })}</span>
          </span>
        </div>
        <Ring deadline={offer.deadline} />
      </div>
      <div class="offer-what">
        {!sameWords(item) && <h3 dir="auto">{item.subject || t("item.no_subject")}</h3>}
        {item.preview && <p dir="auto">{item.preview}</p>}
      </div>
      {item.due_at && (
        <p class="offer-due">
          <DueChip item={item} />
        </p>
      )}
      {together > 1 && <p class="chip info">{t("offer.together", { n: together })}</p>}
      <p class="offer-why">
        <Icon of={Sparkles} size={14} />
        <span>
          <b>{t("offer.why")}</b> {offer.reason}
        </span>
      </p>
      <div class="offer-acts">
        <button class="btn primary" onClick={() => void accept(offer)}>
          <Icon of={Check} />
          {t("offer.accept")}
          {first && <kbd>Alt A</kbd>}
        </button>
        <button class="btn" onClick={() => void decline(offer)}>
          <Icon of={X} />
          {t("offer.decline")}
        </button>
        <Menu
          label={t("offer.decline_because")}
          align="right"
          up
          buttonClass="btn icon"
          button={<Icon of={ChevronDown} />}
        >
          {DECLINE_REASONS.map((reason) => (
            <MenuItem key={reason} onChoose={() => void decline(offer, reason)}>
              {word("decline", reason)}
            </MenuItem>
          ))}
          <hr />
          <MenuItem onChoose={() => (dialog.value = { kind: "not_for_me", offer })}>{t("misrouted.ask")}</MenuItem>
        </Menu>
      </div>
    </article>
  );
}

const spans = new Map<string, number>();

/** The time that is left, as a ring that closes. */
function Ring({ deadline }: { deadline: string }) {
  const left = Math.max(0, Date.parse(deadline) - now.value);
  // the whole is not told: it is what was left when the card first appeared
  const whole = spans.get(deadline) ?? Math.max(left, 1000);
  spans.set(deadline, whole);
  const share = Math.min(1, left / whole);
  const seconds = Math.floor(left / 1000);
  const around = 2 * Math.PI * 19;
  return (
    <span class={seconds <= 10 ? "ring soon" : "ring"} role="timer" aria-label={t("offer.left", { n: seconds })}>
      <svg width="46" height="46" viewBox="0 0 46 46" aria-hidden="true">
        <circle cx="23" cy="23" r="19" />
        <circle
          class="ring-left"
          cx="23"
          cy="23"
          r="19"
          stroke-dasharray={around}
          stroke-dashoffset={around * (1 - share)}
        />
      </svg>
      <span class="num">{seconds}</span>
    </span>
  );
}
