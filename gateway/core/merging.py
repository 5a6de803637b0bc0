"""Two cases about one matter become one, and one again that should not have been. Pure.

Nothing that was said changes its place: each message keeps its case and its number, and whoever
reads the case that stays reads both, in the order in which they came. So a customer's window, which
counts the messages of its own case, goes on undisturbed, and a merge can be taken back. What is
open goes along; where both cases have work that one answer settles, the one that is further stays.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from gateway.core import events as e
from gateway.core.assurance import kept_by
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, Context
from gateway.core.lifecycle import allows
from gateway.core.model import (
    ADDRESSED,
    AgentProfile,
    Case,
    CaseStatus,
    ChannelKind,
    Item,
    ItemState,
)
from gateway.core.opening import open_case
from gateway.core.parties import others_in, party
from gateway.core.pending import pending
from gateway.core.reaching import talk_kind
from gateway.core.service_level import joined
from gateway.core.state import NodeState
from gateway.core.ties import CaseLink, Ties
from gateway.core.waking import reopened

MOST_TAGS = 50
MOST_COPIES = 50
"""Written to the same customer on the same channel, one answer settles both."""
_FURTHER = (ItemState.WRAPPING, ItemState.ASSIGNED, ItemState.OFFERED, ItemState.QUEUED)
_IN_HAND = frozenset({ItemState.ASSIGNED, ItemState.WRAPPING})


class Pair(Struct, frozen=True):
    """Of two open items that are one piece of work: which goes on, and which ends."""

    stays: Item
    ends: Item


class Plan(Struct, frozen=True):
    """What merging does: ``moves`` go to the case that stays, of each pair one ends."""

    moves: tuple[Item, ...]
    pairs: tuple[Pair, ...]


class Merge(Struct, frozen=True, kw_only=True):
    """Who merges ``case`` into another one, and why; ``strangers``: of another customer, yes."""

    case: Case
    into: Case
    by: AgentProfile
    reason: str
    strangers: bool = False


# -- what will be done ------------------------------------------------------------------------


def plan(case_items: Iterable[Item], into_items: Iterable[Item]) -> Plan:
    """What becomes of the open items of both."""
    there = list(into_items)
    moves: list[Item] = []
    pairs: list[Pair] = []
    for item in case_items:
        twin = next((one for one in there if _one_work(item, one)), None)
        stays = twin if twin is None or _rank(twin) <= _rank(item) else item
        ends = item if stays is twin else twin
        if twin is None or ends is None or not _can_end(ends):
            moves.append(item)
            continue
        there.remove(twin)
        pairs.append(Pair(stays=twin if stays is twin else item, ends=ends))
        if stays is item:
            moves.append(item)
    return Plan(tuple(moves), tuple(pairs))


def _one_work(one: Item, other: Item) -> bool:
    if one.promise is not None or other.promise is not None:
        return False
    if one.callback is not None or other.callback is not None:
        return one.callback is not None and other.callback is not None
    same_way = one.kind in ADDRESSED and one.channel == other.channel
    return same_way and _whose(one) == _whose(other)


def _whose(item: Item) -> str:
    return item.customer.id if item.customer is not None else ""


def _rank(item: Item) -> int:
    return _FURTHER.index(item.state) if item.state in _FURTHER else len(_FURTHER)


def _can_end(item: Item) -> bool:
    kept_back = item.state is ItemState.SCHEDULED and item.wake_at is None
    held_reply = item.watch is not None and item.watch.holds_reply()
    may = item.state is ItemState.OFFERED or allows(item.state, e.ItemCanceled)
    return may and not kept_back and not held_reply and pending(item) is None


def strangers(case: Case, into: Case) -> bool:
    """Whether they are of different customers, as far as is known."""
    ours, theirs = case.customer, into.customer
    return ours is not None and theirs is not None and ours.id != theirs.id


def hindrance(
    case: Case, into: Case, case_items: Sequence[Item], into_items: Sequence[Item]
) -> Refused | None:
    """Why it cannot be done at all, whoever asks."""
    if case.id == into.id:
        return Refused("bad_field", "a case cannot be merged into itself", "into")
    if (why := _unfit(case, "number") or _unfit(into, "into")) is not None:
        return why
    if into.status is CaseStatus.CLOSED and case_items:
        said = f"#{into.number} is closed and #{case.number} has open work"
        return Refused("wrong_state", f"{said}: merge the other way round", "into")
    return _window(case, into, case_items, into_items) or _two_calls(case_items, into_items)


def _window(
    case: Case, into: Case, case_items: Sequence[Item], into_items: Sequence[Item]
) -> Refused | None:
    """A visitor's window stays with its case, and shows all that is said to customers there."""
    different = strangers(case, into)
    if any(item.kind is ChannelKind.WEBCHAT for item in case_items):
        said = f"the chat of #{case.number} is still open: its window stays with its own case"
        way = "End it first" if different else "End it first, or merge the other way round"
        return Refused("wrong_state", f"{said}. {way}", "number")
    shown = into.kind is ChannelKind.WEBCHAT or any(
        item.kind is ChannelKind.WEBCHAT for item in into_items
    )
    if different and shown:
        said = f"the window of #{into.number} would show another customer what goes to this one"
        return Refused("wrong_state", f"{said}: merge the other way round", "into")
    return None


def _unfit(case: Case, field: str) -> Refused | None:
    if (into_what := _merged_into(case)) is not None:
        said = f"#{case.number} is part of #{into_what} already"
        return Refused("wrong_state", f"{said}: take that one", field)
    if case.emptied_at is not None:
        return Refused("wrong_state", f"what was said in #{case.number} was removed", field)
    return None


def _two_calls(case_items: Sequence[Item], into_items: Sequence[Item]) -> Refused | None:
    done = plan(case_items, into_items)
    ended = {pair.ends.id for pair in done.pairs}
    left = [item for item in (*into_items, *done.moves) if item.id not in ended]
    if sum(item.callback is not None for item in left) > 1:
        return Refused("wrong_state", "both have a call that is under way: end one first", "into")
    return None


def _merged_into(case: Case) -> int | None:
    if case.ties is None or case.ties.into is None:
        return None
    return case.ties.how("merged_into")[-1].number


def refuse_others_work(by: AgentProfile, items: Iterable[Item]) -> None:
    """An agent merges what is in no other agent's hands. Raises ``Refused``."""
    if by.role != "agent":
        return
    for item in items:
        if item.state in _IN_HAND and item.agent != by.name:
            said = f"{item.agent} works on #{item.number} just now"
            raise Refused("not_allowed", f"{said}: ask them, or a supervisor", "into")


def refuse_empty_handed(by: AgentProfile, items: Iterable[Item]) -> None:
    """An agent does it with one of the cases in hand. Raises ``Refused``."""
    if by.role == "agent" and by.name not in {holder(item) for item in items}:
        raise Refused("not_yours", "none of this is in your hands", "number")


def holder(item: Item) -> AgentName | None:
    """Whose work it is: in hand, or put aside."""
    if item.state in (ItemState.HELD, ItemState.SCHEDULED):
        return item.last_agent
    return item.agent if item.state in _IN_HAND else None


# -- merging ----------------------------------------------------------------------------------


def merge(state: NodeState, ctx: Context, wish: Merge) -> list[e.Change]:
    """The case becomes part of the other. Raises ``Refused``."""
    case, into, by = wish.case, wish.into, wish.by.name
    here, there = state.items_of_case(case.id), state.items_of_case(into.id)
    refuse_empty_handed(wish.by, (*here, *there))
    if (why := hindrance(case, into, here, there)) is not None:
        raise why
    refuse_others_work(wish.by, (*here, *there))
    different = strangers(case, into)
    if different and not (wish.strangers and wish.reason.strip()):
        detail = (
            f"#{case.number} and #{into.number} are of different customers:"
            " confirm that with `other_customer` and say why in `reason`"
        )
        raise Refused("not_allowed", detail, "other_customer")
    done = plan(here, there)
    words = f"#{case.number} was merged into #{into.number} by {by}"
    words = f"{words}: {wish.reason}" if wish.reason else words
    changes = [e.Change(_refiled(item, into, case, words)) for item in done.moves]
    for pair in done.pairs:
        changes += _settled(state, ctx, pair, by, words, together=not different)
        changes += kept_by(pair.stays, pair.ends, into.id)
    moved = tuple(item.id for item in done.moves)
    changes += _header(into, case, done, words)
    merged = e.CaseMerged(
        case=case.id,
        number=case.number,
        into=into.id,
        into_number=into.number,
        by=by,
        reason=wish.reason,
        link=into.link,
        items=moved,
        ended=any(pair.ends.case == case.id for pair in done.pairs),
        ended_there=any(pair.ends.case == into.id for pair in done.pairs),
        strangers=different,
    )
    link = CaseLink(
        case=case.id,
        number=case.number,
        how="merged_here",
        at=ctx.now,
        by=by,
        reason=wish.reason,
        customers=others_in(case, into),
    )
    linked = e.CaseLinked(case=into.id, number=case.number, link=link)
    return [*changes, e.Change(merged), e.Change(linked)]


def _refiled(item: Item, to: Case, was: Case, why: str) -> e.ItemRefiled:
    return e.ItemRefiled(
        item=item.id, case=to.id, number=to.number, was=was.id, was_number=was.number, reason=why
    )


def _settled(
    state: NodeState, ctx: Context, pair: Pair, by: AgentName, why: str, *, together: bool
) -> list[e.Change]:
    """The one ends; what it promised, and who was to read along, goes over to the other."""
    stays, ends = pair.stays, pair.ends
    changes: list[e.Change] = []
    if ends.offer is not None:
        gone = e.OfferWithdrawn(
            item=ends.id, offer=ends.offer.id, agent=ends.offer.agent, reason=why
        )
        changes.append(e.Change(gone))
    changes.append(e.Change(e.ItemCanceled(item=ends.id, by=by, reason=why)))
    changes += joined(state, stays, ends, ctx, why)
    if together and stays.kind is ChannelKind.EMAIL:
        copies = _copies(stays, ends)
        if copies != stays.copies:
            changes.append(e.Change(e.CopiesJoined(item=stays.id, copies=copies, reason=why)))
    if stays.priority < ends.priority:
        raised = e.ItemReprioritised(item=stays.id, by=by, priority=ends.priority, reason=why)
        changes.append(e.Change(raised))
    return changes


def _copies(stays: Item, ends: Item) -> tuple[str, ...]:
    """Everybody who takes part, once; the customer is written to, and gets no copy besides."""
    found: dict[str, str] = {}
    for address in (*stays.copies, *ends.copies, ends.address):
        found.setdefault(address.strip().casefold(), address)
    found.pop(stays.address.strip().casefold(), None)
    found.pop("", None)
    return tuple(found.values())[:MOST_COPIES]


def _header(into: Case, case: Case, done: Plan, why: str) -> list[e.Change]:
    """Tags unite, and a case that has work again is open."""
    changes: list[e.Change] = []
    tags = tuple(dict.fromkeys((*into.tags, *case.tags)))[:MOST_TAGS]
    if tags != into.tags:
        changes.append(e.Change(e.CaseChanged(case=into.id, by="system", tags=tags, reason=why)))
    if any(item.state in _FURTHER or item.state is ItemState.NEW for item in done.moves):
        return changes + reopened(into, why)
    if done.moves and into.status is CaseStatus.SOLVED:
        owed = any(item.promise is not None for item in done.moves)
        status = CaseStatus.PROMISED if owed else CaseStatus.WAITING
        changed = e.CaseChanged(case=into.id, by="system", status=status, reason=why)
        changes.append(e.Change(changed))
    return changes


# -- taking it back ---------------------------------------------------------------------------


class Separate(Struct, frozen=True, kw_only=True):
    """Who takes a case out of the one that it was merged into; the last items of either."""

    case: Case
    into: Case
    by: AgentProfile
    reason: str
    last: Item | None = None
    into_last: Item | None = None


def separate(state: NodeState, ctx: Context, wish: Separate) -> list[e.Change]:
    """The case is one of its own again. Raises ``Refused``.

    What had come with it and is open goes back; was its own work ended, there is new work.
    """
    case, into, by = wish.case, wish.into, wish.by.name
    ties = case.ties or Ties()
    there = state.items_of_case(into.id)
    refuse_empty_handed(wish.by, there)
    if ties.into != into.id:
        raise Refused("wrong_state", f"#{case.number} is not part of another case", "number")
    if (upper := _merged_into(into)) is not None:
        said = f"#{into.number} is part of #{upper} itself"
        raise Refused("wrong_state", f"{said}: take that out first", "number")
    words = f"#{case.number} was taken out of #{into.number} by {by}"
    words = f"{words}: {wish.reason}" if wish.reason else words
    back = [item for item in there if item.id in ties.items]
    refuse_others_work(wish.by, back)
    apart = e.CaseSeparated(
        case=case.id,
        number=case.number,
        into=into.id,
        into_number=into.number,
        by=by,
        reason=wish.reason,
    )
    link = CaseLink(
        case=case.id,
        number=case.number,
        how="separated",
        at=ctx.now,
        by=by,
        reason=wish.reason,
    )
    changes = [e.Change(apart)]
    changes += [e.Change(_refiled(item, case, into, words)) for item in back]
    changes.append(e.Change(e.CaseLinked(case=into.id, number=case.number, link=link)))
    made: list[e.Change] = []
    if ties.ended and not _talks(back) and wish.last is not None:
        made = _work_again(state, ctx, case, wish.last, words)
    status = CaseStatus.OPEN if back or made else CaseStatus.SOLVED
    changed = e.CaseChanged(case=case.id, by=by, status=status, reason=words)
    left = [item for item in there if item not in back]
    again: list[e.Change] = []
    if ties.ended_there and not _talks(left) and wish.into_last is not None:
        again = _work_again(state, ctx, into, wish.into_last, words)
    elif not left and into.status not in (CaseStatus.SOLVED, CaseStatus.CLOSED):
        solved = e.CaseChanged(case=into.id, by="system", status=CaseStatus.SOLVED, reason=words)
        again = [e.Change(solved)]
    return [*changes, e.Change(changed), *made, *again]


def _talks(items: Iterable[Item]) -> bool:
    return any(item.promise is None and item.callback is None for item in items)


def _work_again(state: NodeState, ctx: Context, case: Case, last: Item, why: str) -> list[e.Change]:
    queue = last.queue if last.queue in state.queues else next(iter(state.queues))
    _, item, changes = open_case(
        state,
        ctx,
        number=case.number,
        case=case,
        channel=last.channel,
        kind=talk_kind(last),
        queue=queue,
        customer=party(case, last.customer),
        subject=last.subject,
        address=last.address,
        copies=last.copies,
        thread=last.thread,
        language=last.language,
        skills=last.requirement.skills,
        priority=last.priority,
        preview=last.preview,
        reason=why,
    )
    return [*changes, e.Change(e.ItemQueued(item=item.id, queue=queue, reason=why))]
