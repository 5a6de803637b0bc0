"""Which events, rows and questions a version knows, and which of them may be written already.

While a cluster is upgraded nodes of two adjacent editions share one database. What is new in an
edition is written once every node knows it (``written`` has reached it); what an older node may
pass over or lose without harm is declared ``harmless`` and written at once. See
docs/decisions/0010.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from gateway.core.errors import GatewayError, Refused
from gateway.core.events import Change

EDITION = 2
"""What this version writes as soon as all may; raised when a release adds to ``NEW``."""
FIRST = 1
"""What was stored before there were editions."""


class TooOld(GatewayError):
    """This version must not work with the database; the text says with which one to."""


class Since(Struct, frozen=True):
    """Since which edition there is such a thing.

    ``harmless``: a node that does not know it may pass over it, or leave it out of a row that it
    writes again.
    """

    edition: int
    harmless: bool = False


REFUSED = Since(2, harmless=True)
"""Asked while somebody waits: an older node says that it does not know it, and nothing is done."""

NEW: Mapping[str, Since] = {
    "AgentStatus.set_by": Since(2, harmless=True),
    "Do": REFUSED,
    "Bring": REFUSED,
    "SpareAgent": REFUSED,
    "Told": REFUSED,
    # Only who has asked to be brought something is handed it like that, and no older node asks.
    "Wish.how=take": REFUSED,
    "Wish.command": REFUSED,
    # Routing. What a queue or an agent asks would be lost when an older node writes them again.
    "AgentProfile.level": Since(2),
    "Queue.groups": Since(2),
    "Queue.sites": Since(2),
    "Queue.languages": Since(2),
    "Queue.rings": Since(2),
    "Queue.policy": Since(2),
    # These stand only in the fields above; as by default they stand in every queue.
    "Policy": Since(2, harmless=True),
    "Ring": Since(2, harmless=True),
    "Cost": Since(2, harmless=True),
    # A ring that is lost opens again; and without rings in a queue there is none.
    "Item.ring": Since(2, harmless=True),
    "RingOpened": Since(2, harmless=True),
    # What is lost of these counts as usual again: what an item takes, how many were declined.
    "Item.cost": Since(2, harmless=True),
    "Item.resting": Since(2, harmless=True),
    "Item.rests_at": Since(2, harmless=True),
    "ItemRested": Since(2, harmless=True),
    "AgentStatus.declines": Since(2, harmless=True),
    # An older node may keep somebody free who does not fit: the item waits there, and goes on.
    "Wanted.languages": Since(2, harmless=True),
    "Wanted.queues": Since(2, harmless=True),
    "Wanted.groups": Since(2, harmless=True),
    "Wanted.sites": Since(2, harmless=True),
    "Wanted.desk": Since(2, harmless=True),
    # An older node does it as it always did: twice, should it die before it has answered.
    # An older node takes nothing to wait, and is sent nothing.
    "Wanted.wait": REFUSED,
    # An older node keeps whoever fits best.
    "Wanted.last_agent": Since(2, harmless=True),
    "Wanted.alone": Since(2, harmless=True),
    "Capacity.crew": Since(2, harmless=True),
    "Errand.once": Since(2, harmless=True),
    # Hours and service levels: a node that does not know them would drop the clocks of its items.
    **dict.fromkeys(("Calendar", "ServicePolicy", "Service"), Since(2)),
    **dict.fromkeys(("CalendarDefined", "CalendarRemoved"), Since(2)),
    **dict.fromkeys(("ServicePolicyDefined", "ServicePolicyRemoved"), Since(2)),
    "Queue.hours": Since(2),
    "Queue.service_policy": Since(2),
    "Item.service": Since(2),
    "Case.service": Since(2),
    "ClocksSet": Since(2),
    "ServiceLevelWarned": Since(2),
    "ServiceLevelBreached": Since(2),
    "ServiceLevelEscalated": Since(2),
    "ServiceLevelEnded": Since(2),
    "MessageAdded.automatic": Since(2, harmless=True),
    # An older node ranks by the value that the item came with.
    "CustomerValued": Since(2, harmless=True),
    "ItemRevalued": Since(2, harmless=True),
    # What is lost of these is not counted.
    "ItemAssigned.taken": Since(2, harmless=True),
    "Waiting.taken": Since(2, harmless=True),
    "Waiting.missed": Since(2, harmless=True),
    "Waiting.declined": Since(2, harmless=True),
    # An older node would lose what a queue wants done, or do it to an item again.
    **dict.fromkeys(("Queue.thresholds", "Threshold", "Alarm", "Item.cared"), Since(2)),
    **dict.fromkeys(("AlarmRaised", "AlarmEnded", "ItemCared"), Since(2)),
    # What is lost of these is not measured, or not told among the figures.
    "Forecast": Since(2, harmless=True),
    "Item.told": Since(2, harmless=True),
    "WaitTold": Since(2, harmless=True),
    "WaitMeasured": Since(2, harmless=True),
    "Waiting.told": Since(2, harmless=True),
    "Waiting.told_error": Since(2, harmless=True),
    "Waiting.told_absolute": Since(2, harmless=True),
    # What customers are owed: an older node would make an ordinary item of it.
    **dict.fromkeys(("Item.callback", "Item.promise", "Inbound.callback"), Since(2)),
    **dict.fromkeys(("Callback", "Promise"), Since(2)),
    **dict.fromkeys(("Queue.callbacks", "Queue.abandoned"), Since(2)),
    **dict.fromkeys(("Queue.promise_grace_seconds", "Queue.bundle"), Since(2)),
    **dict.fromkeys(("CallbackChanged", "CallbackTried"), Since(2)),
    **dict.fromkeys(("PromiseKept", "PromiseBroken", "AbandonmentAnswered"), Since(2)),
    # An older node lets a chat wait whose window is gone; it would take a sign for a message.
    "Inbound.sign": Since(2),
    **dict.fromkeys(("Inbound.sign=left", "Inbound.sign=back"), Since(2)),
    "Inbound.sign=": Since(2, harmless=True),
    # What an older node decides about is not counted by it.
    "Inbound.origin": Since(2, harmless=True),
    # An older node joins by references alone, and takes each copy of a mail for a mail.
    **dict.fromkeys(("Inbound.tokens", "Inbound.join_seconds"), Since(2, harmless=True)),
    "Inbound.mark": Since(2, harmless=True),
    "Message.mark": Since(2, harmless=True),
    "CopyCame": Since(2, harmless=True),
    # What is lost of these is not shown beside the mail.
    **dict.fromkeys(("Inbound.signs", "Message.signs", "Signs"), Since(2, harmless=True)),
    **dict.fromkeys(("Item.gone", "Gone"), Since(2, harmless=True)),
    **dict.fromkeys(("CustomerLeft", "CustomerBack"), Since(2, harmless=True)),
    # These stand only in the fields above; as by default they stand in every queue.
    **dict.fromkeys(
        (f"Queue.bundle={one}" for one in ("case", "customer", "off")), Since(2, harmless=True)
    ),
    "Callbacks": Since(2, harmless=True),
    "Abandoned": Since(2, harmless=True),
    "CallbackWish": Since(2, harmless=True),
    # The row has the time since when it waits; the offers of a bundle stand each for itself.
    "ItemQueued.since": Since(2, harmless=True),
    "Offer.bundle": Since(2, harmless=True),
    "OfferDeclined.along": Since(2, harmless=True),
    # A node that does not know the rules would let everything in as it comes.
    **dict.fromkeys(("Rule", "RuleDefined", "RuleRemoved"), Since(2)),
    **dict.fromkeys(("Macro", "MacroDefined", "MacroRemoved"), Since(2)),
    # An older node would not bring them to its desktops, and write mails without them.
    # What is lost of these is sent to everybody again: the same mail, which receivers know.
    **dict.fromkeys(("Outgoing.only", "OutboundSettled.only"), Since(2, harmless=True)),
    **dict.fromkeys(("Canned", "Letter", "WordsDefined", "WordsRemoved"), Since(2)),
    # What rules and macros did. Without rules, which wait, there is none of it but the time since
    # when a customer is silent, which is taken again when we write next.
    **dict.fromkeys(("RuleFired", "MacroRun", "ReviewAsked", "ReviewEnded"), Since(2)),
    **dict.fromkeys(("CustomerAsked", "CustomerAnswered"), Since(2)),
    "Asked": Since(2, harmless=True),
    "Item.asked": Since(2, harmless=True),
    "Message.quick_replies": Since(2, harmless=True),
    "Watch": Since(2, harmless=True),
    "Item.watch": Since(2, harmless=True),
    "Case.automatic": Since(2, harmless=True),
    # An older node has no colleague chat: nobody there is told, and nothing of it is lost.
    **dict.fromkeys(("ColleagueWrote", "ColleagueMarked"), Since(2, harmless=True)),
    **dict.fromkeys(("ColleagueReviewed", "ColleaguesOverseen"), Since(2, harmless=True)),
    **dict.fromkeys(("ColleagueMessage", "ColleagueMark"), Since(2, harmless=True)),
    "ContentRemoved.colleagues": Since(2, harmless=True),
    # The page on which a customer follows a case. An older node would make a message of a rating,
    # and bring an address back that was replaced.
    **dict.fromkeys(("CaseRated", "Inbound.rating"), Since(2)),
    **dict.fromkeys(("Case.link", "CaseChanged.link"), Since(2)),
    "Case.rating": Since(2, harmless=True),
    # What is written by itself: where it is lost, the customer is told less, and nothing twice. An
    # older node would lose what a queue declares.
    "Queue.courtesy": Since(2),
    **dict.fromkeys(("Courtesy", "Assured", "Solving"), Since(2, harmless=True)),
    **dict.fromkeys(("Item.assured", "Case.solving"), Since(2, harmless=True)),
    **dict.fromkeys(("AnswerAssured", "AutomaticWithheld"), Since(2, harmless=True)),
    **dict.fromkeys(("ScoreAsked", "CaseChanged.item"), Since(2, harmless=True)),
    "MessageAdded.hush": Since(2, harmless=True),
    # Second thoughts: an older node would make a message of what an inbound amends.
    **dict.fromkeys(("MessageEdited", "MessageDeleted", "Amended", "Inbound.amend"), Since(2)),
    **dict.fromkeys(("Message.edited_at", "Message.deleted_at"), Since(2, harmless=True)),
    "Amend": Since(2, harmless=True),
    # An older node does not follow them: its agents are not warned.
    **dict.fromkeys(("AddressFailed", "AddressWorks", "BadAddress"), Since(2)),
    "Item.undeliverable": Since(2, harmless=True),
    # An older node would go on writing to who has said stop.
    **dict.fromkeys(("ContactStopped", "ContactResumed", "Stop"), Since(2)),
    "Item.stopped": Since(2, harmless=True),
    "Item.window_ends": Since(2, harmless=True),
    "ChannelKind=telegram": Since(2),
    "MessageAdded.guest": Since(2, harmless=True),
    # What is lost of these is not in the routing report.
    "ItemMisrouted": Since(2, harmless=True),
    "ItemQueued.rule": Since(2, harmless=True),
    "Item.ruled_by": Since(2, harmless=True),
    # Cases that were merged: an older node would take them for cases of their own, and look for
    # what was split where it stood.
    **dict.fromkeys(("CaseMerged", "CaseSeparated", "CaseLinked", "Case.ties"), Since(2)),
    **dict.fromkeys(("MessagesSplit", "ItemRefiled", "CopiesJoined"), Since(2)),
    **dict.fromkeys(("CasePlace", "MessagePlace", "ItemPlace"), Since(2)),
    "Message.moved_to": Since(2, harmless=True),
    # They stand only in the field above.
    "Ties": Since(2, harmless=True),
    # A node's share of the wallboard: what an older node adds to it is not there.
    **dict.fromkeys(("Capacity.board", "BoardShare"), Since(2, harmless=True)),
}
"""By ``Kind``, ``Kind.field`` or ``Kind=value``: all that the first edition does not have.

A test compares it with what that edition had (``tests/vectors/edition``).
"""


def refuse_newer(changes: Iterable[Change], written: int, new: Mapping[str, Since] = NEW) -> None:
    """Raises ``Refused('wrong_state')`` if one has what not every node knows yet."""
    for change in changes:
        _refuse(_structs(change), written, new)


def refuse_unknown(said: Struct, written: int, new: Mapping[str, Since] = NEW) -> None:
    """The same for what another node is asked, or handed, with what stands in it."""
    _refuse(_nested(said), written, new)


def _refuse(values: Iterable[Struct], written: int, new: Mapping[str, Since]) -> None:
    for value in values:
        what = _newer_than(written, value, new)
        if what is not None:
            raise Refused(
                "wrong_state",
                f"{what} has to wait until every node runs the new version:"
                " a node of the version before does not know it",
            )


def require_known(newest: int, written: int) -> None:
    """Raises ``TooOld`` if a database is beyond what this version may touch."""
    if written > EDITION:
        raise TooOld(
            f"the database is written in edition {written}, and this version knows up to"
            f" {EDITION}: start the version that the other nodes run"
        )
    if newest > EDITION + 1:
        raise TooOld(
            f"the database was migrated to edition {newest}, and this version is of edition"
            f" {EDITION}: only adjacent editions run side by side; start a newer version"
        )


def _structs(change: Change) -> Iterable[Struct]:
    """The event, what stands in it, and its rows."""
    yield from _nested(change.event)
    yield from change.rows


def _nested(whole: Struct) -> Iterable[Struct]:
    yield whole
    for field in whole.__struct_fields__:
        value = getattr(whole, field)
        if isinstance(value, Struct):
            yield value


def _newer_than(written: int, value: Struct, new: Mapping[str, Since]) -> str | None:
    kind = type(value).__name__
    if _waits(new.get(kind), written):
        return kind
    defaults = _defaults(type(value))
    for field in value.__struct_fields__:
        if _waits(new.get(f"{kind}.{field}"), written) and (
            getattr(value, field) != defaults[field]
        ):
            return f"{kind}.{field}"
        if _waits(new.get(f"{_type_name(value, field)}={getattr(value, field)}"), written):
            return f"{kind}.{field}={getattr(value, field)}"
    return None


def _waits(since: Since | None, written: int) -> bool:
    return since is not None and since.edition > written and not since.harmless


def _type_name(value: Struct, field: str) -> str:
    return type(getattr(value, field)).__name__


@cache
def _defaults(kind: type[Struct]) -> Mapping[str, Any]:
    """What each field is when nobody says; the field itself where it has no default."""
    found: dict[str, Any] = {}
    for field in fields(kind):
        made = field.default_factory
        found[field.name] = made() if callable(made) else field.default
    return found
