"""The first word on an item and every later one: what rules and questions make of it. Pure."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.arrival import Past, greet
from gateway.core.asking import answered, ask_first, late
from gateway.core.assurance import assure
from gateway.core.closed_hours import reply_while_closed
from gateway.core.correlate import Join
from gateway.core.effects import Matter
from gateway.core.inbound import Inbound
from gateway.core.model import CustomerBrief
from gateway.core.open_matters import tell
from gateway.core.returning import speaks_for_itself
from gateway.core.rules.run import Outcome as Looked
from gateway.core.scrutiny import heed, of_message

THREAD_KEPT = 20


class Word(Struct, frozen=True):
    """The first word on an item with what it does; ``since`` is the place that its customer had."""

    said: e.Change
    kept: list[e.Change]
    woken: list[e.Change]
    gone: list[e.Change]
    since: datetime | None


def met(matter: Matter, inbound: Inbound, join: Join, door: Looked, word: Word) -> list[e.Change]:
    """A new item, by what the rules at the door have decided."""
    state, ctx, case = matter.state, matter.ctx, matter.case
    case = replace(case, last_seq=case.last_seq + 1)
    item = replace(matter.item, thread=thread_of(inbound) or ())
    so = Matter(state, ctx, case, item)
    new = join.case is None and join.follows is None
    asked = ask_first(so, inbound, door, word.since) if new else []
    now = [word.said, *word.kept, *([*asked, *word.gone] if asked else word.woken)]
    if not asked and not speaks_for_itself(inbound):
        now += reply_while_closed(state, ctx, case, item, language=inbound.language)
    now += greet(matter, door, now, fresh=join.case is None)
    if join.case is None:
        now += assure(so, inbound, now)
    return now if new else [*now, *tell(so, inbound, door, now)]


def heeded(
    matter: Matter,
    inbound: Inbound,
    door: Looked | None,
    past: Past,
    customer: CustomerBrief | None,
    now: list[e.Change],
) -> list[e.Change]:
    """What rules make of a word in a matter that goes on; ``door`` are those of a new contact."""
    if any(type(one.event) is e.ItemCompleted for one in now):
        return []
    looked = door or of_message(matter, inbound, past.wrote, customer=customer, owners=past.owners)
    more = heed(matter, looked, "contact" if door is not None else "message", now)
    return [*more, *tell(matter, inbound, looked, [*now, *more])]


def answered_or_woken(
    matter: Matter, inbound: Inbound, said: e.Change, woken: list[e.Change]
) -> list[e.Change]:
    """What a word on an item does that the front door may have asked something about."""
    heard = answered(matter, inbound, [said])
    return heard if heard is not None else [*late(matter, inbound, [said]), *woken]


def thread_of(inbound: Inbound) -> tuple[str, ...] | None:
    """Outside ids an answer refers to, oldest first, the first and the newest kept."""
    ids = tuple(dict.fromkeys((*reversed(inbound.references), inbound.external_id)))
    ids = tuple(i for i in ids if i)
    if not ids:
        return None
    return ids if len(ids) <= THREAD_KEPT else (ids[0], *ids[-(THREAD_KEPT - 1) :])
