"""The journal's entries in words, for people who ask what happened to an item."""

from datetime import UTC, datetime
from typing import Any

from gateway.store.views import Traced

# What each kind of event says; names in braces are fields of the event as it is stored.
SENTENCES: dict[str, str] = {
    "case_opened": "The case was opened",
    "case_changed": "The case was changed by {by}: {changes}",
    "case_rated": "The customer rated the case {score} of 5",
    "message_added": "{what}",
    "message_edited": "The {by} said it otherwise; it was: {was}",
    "message_deleted": "The {by} took back what they had said: {was}",
    "copy_came": "The same mail came to {to} too",
    "delivery_changed": "The message is {state}",
    "item_created": "The work item was made",
    "item_queued": "It was put into queue {queue!r}",
    "item_scheduled": "It sleeps until {until}",
    "offer_made": "It was offered to {agent} until {deadline}",
    "offer_accepted": "{agent} accepted it",
    "offer_declined": "{agent} declined it",
    "offer_missed": "{agent} did not answer the offer",
    "offer_withdrawn": "The offer to {agent} was withdrawn",
    "item_assigned": "It was given to {agent}",
    "item_held": "It was put aside",
    "wrap_up_started": "{agent} began to wrap up",
    "item_completed": "It was completed",
    "item_abandoned": "The customer gave up",
    "item_canceled": "It was canceled by {by}",
    "item_rejected": "It was rejected",
    "item_reprioritised": "{by} set the priority to {priority}",
    "item_revalued": "Its customer is worth {value} points now",
    "item_cared": "A threshold of its queue was crossed ({act})",
    "address_failed": "Mail to this address came back for good",
    "address_works": "Mail to this address is taken to arrive again",
    "contact_stopped": "The customer wants no more messages here",
    "contact_resumed": "The customer wants messages here again",
    "answer_assured": "What the customer is told of when a person answers",
    "automatic_withheld": "An automatic mail was not sent: a budget is used up",
    "score_asked": "A closing mail asked how it went",
    "alarm_raised": "A threshold was crossed",
    "alarm_ended": "A threshold is over",
    "wait_told": "The customer was told: place {place}, about {seconds} s",
    "wait_measured": "It took {waited} s from when {told} s were told",
    "clocks_set": "The clocks of its service level were set",
    "service_level_warned": "Most of the time for the {measured} is used up",
    "service_level_breached": "The {measured} is overdue since {due_at}",
    "service_level_escalated": "The {measured} is overdue: {done}",
    "service_level_ended": "The clocks of its service level have ended",
    "item_rested": "It takes nothing of its agent for now",
    "rule_fired": "Rule {rule!r} held ({because}){done}",
    "customer_asked": "The customer is asked, until {until}",
    "customer_answered": "The customer was asked: {ended}",
    "customer_left": "The customer's window has gone",
    "customer_back": "The customer's window is back",
    "macro_run": "{by} ran the macro {macro!r}",
    "item_misrouted": "{agent} said that it was not for them{right}",
    "review_asked": "{what}",
    "review_ended": "{by} {verdict} it",
    "callback_changed": "{by} asked for the call-back otherwise",
    "callback_tried": "{agent} tried to call back: {outcome}",
    "promise_kept": "What {agent} had promised was done, {late} s late",
    "promise_broken": "What {agent} had promised by {due_at} was not done",
    "abandonment_answered": "The customer left after {waited} s: {then}",
    "ring_opened": "Ring {ring} opened for it",
    "item_adopted": "This node took it over from {from_node}",
    "item_handed_over": "It was handed over to {to}",
    "outbound_handed_over": "The sending was handed over to {to}",
    "outbound_adopted": "This node took over the sending from {from_node}",
    "item_repaired": "The reconciler repaired it: {problem}",
    "case_merged": "The case was merged into #{into_number} by {by}",
    "case_separated": "The case was taken out of #{into_number} by {by}",
    "case_linked": "{what}",
    "messages_split": "{count} of its messages became #{into_number}, by {by}",
    "item_refiled": "It belongs to #{number} now, and no more to #{was_number}",
    "copies_joined": "Copies of what is answered go to {copies}",
    "outbound_queued": "A {purpose} is to be sent",
    "outbound_attempted": "Attempt {attempt} to send it",
    "outbound_settled": "The sending is {state}",
    "inbound_decided": "What arrived was {status}",
}

_SAID = {
    "in": "The customer wrote",
    "out": "An answer was written",
    "note": "A note was added",
    "system": "A message was added",
}
_MEASURED = {"first_reply": "first reply", "next_reply": "next reply"}
_DONE = {
    "raise": "it was given more priority",
    "notify": "people were told",
    "level": "it goes to the next level",
}
_MOMENTS = ("until", "deadline", "due_at")
_INNER = {
    "offer_made": "offer",
    "outbound_queued": "outbound",
    "customer_asked": "asked",
    "customer_answered": "asked",
}
_CASE_FIELDS = ("status", "tags", "category", "stage", "type", "level", "subject")


class _Fields(dict[str, Any]):
    """What is not there reads as a dash, so that an old or new event still has its words."""

    def __missing__(self, key: str) -> str:
        return "–"


def words(entry: Traced) -> str:
    """One line for one entry, its reason included."""
    data = entry.data
    sentence = SENTENCES.get(entry.kind, entry.kind.replace("_", " ").capitalize())
    text = sentence.format_map(
        _Fields(_readable(_flat(entry.kind, data) | _of_ties(entry.kind, data)))
    )
    reason = _reason(entry.kind, data)
    return f"{text}: {reason}" if reason else text


def _readable(fields: dict[str, Any]) -> dict[str, Any]:
    """Moments as people write them."""
    return fields | {name: _moment(fields[name]) for name in _MOMENTS if name in fields}


def _moment(value: Any) -> Any:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _flat(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    match kind:
        case _ if kind in _INNER:
            return {**data, **(data.get(_INNER[kind]) or {})}
        case "message_added":
            said = _SAID.get(str(data.get("direction")), _SAID["system"])
            preview = data.get("preview")
            return {"what": f"{said}: “{preview}”" if preview else said}
        case "service_level_warned" | "service_level_breached" | "service_level_escalated":
            clock = str(data.get("clock"))
            measured = _MEASURED.get(clock, clock)
            return {**data, "measured": measured, "done": _DONE.get(str(data.get("act")), "–")}
        case "rule_fired" | "review_asked" | "item_misrouted":
            return {**data, **_of_rules(data)}
        case "case_changed":
            changed = [f"{f} = {data[f]}" for f in _CASE_FIELDS if data.get(f) is not None]
            return {**data, "changes": ", ".join(changed) or "nothing"}
        case _:
            return data


_LINKED = {
    "merged_here": "#{number} was merged into the case by {by}",
    "split_from": "The case was split from #{number} by {by}",
    "separated": "#{number} was taken out of the case by {by}",
}


def _of_ties(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    if kind == "case_linked":
        return {"what": _linked(data)}
    if kind == "messages_split":
        return {"count": len(data.get("messages") or ())}
    copies = data.get("copies") if kind == "copies_joined" else None
    return {} if copies is None else {"copies": ", ".join(copies) or "nobody"}


def _linked(data: dict[str, Any]) -> str:
    link = data.get("link") or {}
    words = _LINKED.get(str(link.get("how")), "The case is linked with #{number} by {by}")
    return words.format(number=data.get("number", "–"), by=link.get("by", "–"))


def _of_rules(data: dict[str, Any]) -> dict[str, str]:
    if "how" in data:
        return {"right": _right(data)}
    did = ", ".join(map(str, data.get("did") or ()))
    review = data.get("review") or {}
    held = "A reply is held back until a supervisor has read it"
    what = held if review.get("message") else "A supervisor is asked to look at it"
    return {"done": f": {did}" if did else "", "what": f"{what}: {review.get('reason', '')}"}


def _right(data: dict[str, Any]) -> str:
    """What would have been right, if that was said."""
    named = (("queue", data.get("right_queue")), ("skill", data.get("right_skill")))
    right = " and ".join(f"{what} {name!r}" for what, name in named if name)
    return f"; right: {right}" if right else ""


def _reason(kind: str, data: dict[str, Any]) -> str:
    if kind in ("offer_made", "case_linked"):
        inner = data.get("offer" if kind == "offer_made" else "link") or {}
        return str(inner.get("reason") or "")
    code = data.get("code")
    reason = str(data.get("reason") or "")
    return f"{reason} (code {code!r})" if code else reason
