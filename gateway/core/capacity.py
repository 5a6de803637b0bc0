"""How much an agent can carry: 100 units, a cost per kind, and what may interrupt what.

A call takes everything; mail and tasks are put aside for a call or a chat, so they do not
count against one. A queue's policy may have it otherwise for its own items. An item whose customer
is silent takes nothing while it rests.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from gateway.core.ids import QueueName
from gateway.core.model import AgentProfile, ChannelKind, Item, ItemState, Queue
from gateway.core.model import ChannelKind as K
from gateway.core.policy import Cost

TOTAL = 100
COST = {
    K.VOICE: 100,
    K.CALLBACK: 100,
    K.WEBCHAT: 34,
    K.SMS: 25,
    K.WHATSAPP: 25,
    K.TELEGRAM: 25,
    K.EMAIL: 50,
    K.TASK: 50,
}
_KINDS = tuple(ChannelKind)
_ASSIGNED = ItemState.ASSIGNED
INTERRUPTIBLE = frozenset({K.EMAIL, K.TASK})
INTERRUPTING = frozenset({K.VOICE, K.WEBCHAT})
AWAKE: dict[str, Any] = {"resting": False, "rests_at": None}
"""What an item is as soon as anything happens to it."""


class Takes(NamedTuple):
    """What one item takes: units, whether it is put aside for what interrupts, whether it does."""

    units: int
    interruptible: int
    interrupts: int


_USUAL = {kind: Takes(COST[kind], kind in INTERRUPTIBLE, kind in INTERRUPTING) for kind in _KINDS}


def takes(kind: ChannelKind, own: Cost | None) -> Takes:
    """What an item of this kind takes, with its queue's ``own`` cost, if that has one."""
    usual = _USUAL[kind]
    if own is None:
        return usual
    return Takes(
        usual.units if own.units is None else own.units,
        usual.interruptible if own.interruptible is None else own.interruptible,
        usual.interrupts if own.interrupts is None else own.interrupts,
    )


def cost(profile: AgentProfile, kind: ChannelKind, units: int | None = None) -> int:
    """Units one item of this kind takes of this agent.

    ``capacity`` in the profile says how many of a kind at once; 0 means none of it.
    """
    at_once = profile.capacity.get(kind)
    if at_once is None:
        return COST[kind] if units is None else units
    return TOTAL + 1 if at_once <= 0 else TOTAL // at_once


def _of(profile: AgentProfile, item: Item) -> tuple[int, int]:
    """Units in use by this item, and whether it can be put aside."""
    if item.resting and item.state is _ASSIGNED:
        return 0, 0
    known = takes(item.kind, item.cost)
    return cost(profile, item.kind, known.units), known.interruptible


def used(profile: AgentProfile, items: Iterable[Item], *, by: ChannelKind | None = None) -> int:
    """Units in use; with ``by``, as an item of that kind sees it (interruptible work aside)."""
    return _used(profile, items, aside=by in INTERRUPTING)


def _used(profile: AgentProfile, items: Iterable[Item], *, aside: bool) -> int:
    total = 0
    for item in items:
        units, interruptible = _of(profile, item)
        if not (aside and interruptible):
            total += units
    return total


def room(profile: AgentProfile, items: Iterable[Item], least: Sequence[Takes] | None = None) -> int:
    """Of which kinds one more item fits, as a number for ``kinds_of``: quick to compare.

    ``least``: what each kind takes at least (``usual_costs``); left out: the usual.
    """
    if not profile.capacity and least is None:
        return _usual_room(*_in_use(items))
    firm = aside = 0
    for item in items:
        units, interruptible = _of(profile, item)
        if interruptible:
            aside += units
        else:
            firm += units
    known = least or tuple(_USUAL.values())
    return _room(
        firm,
        aside,
        tuple(
            Takes(cost(profile, kind, one.units), one.interruptible, one.interrupts)
            for kind, one in zip(_KINDS, known, strict=True)
        ),
    )


def _in_use(items: Iterable[Item]) -> tuple[int, int]:
    """Units that nothing puts aside, and those that are; of who takes as many as is usual."""
    firm = aside = 0
    for item in items:
        if not (item.resting and item.state is _ASSIGNED):
            own = item.cost
            units, interruptible, _ = _USUAL[item.kind] if own is None else takes(item.kind, own)
            if interruptible:
                aside += units
            else:
                firm += units
    return firm, aside


@lru_cache(maxsize=128)
def kinds_of(room: int) -> tuple[ChannelKind, ...]:
    """The kinds that there is room for."""
    return tuple(kind for place, kind in enumerate(_KINDS) if room >> place & 1)


def usual_costs(queues: Iterable[Queue]) -> tuple[Takes, ...] | None:
    """What each kind takes at least, in whichever queue; ``None``: the usual everywhere."""
    least = dict(_USUAL)
    for queue in queues:
        for kind, own in queue.policy.costs.items():
            one, known = takes(kind, own), least[kind]
            interrupts = max(known.interrupts, one.interrupts)
            least[kind] = Takes(min(known.units, one.units), known.interruptible, interrupts)
    return None if least == _USUAL else tuple(least.values())


@lru_cache(maxsize=1_000)
def _usual_room(firm: int, aside: int) -> int:
    return _room(firm, aside, tuple(_USUAL.values()))


def _room(firm: int, aside: int, costs: Sequence[Takes]) -> int:
    free = 0
    for place, one in enumerate(costs):
        in_use = firm if one.interrupts else firm + aside
        free |= (in_use + one.units <= TOTAL) << place
    return free


def has_room(
    profile: AgentProfile,
    items: Iterable[Item],
    kind: ChannelKind,
    own: tuple[int, int, int] | None = None,
) -> bool:
    """Whether one more item of this kind fits; ``own``: what it takes, if not the usual."""
    units, _, interrupts = own or _USUAL[kind]
    return _used(profile, items, aside=bool(interrupts)) + cost(profile, kind, units) <= TOTAL


def cost_here(queues: Mapping[QueueName, Queue], item: Item) -> Cost | None:
    """What the item's queue says that it takes; ``None``: the usual."""
    queue = queues.get(item.queue)
    return queue.policy.costs.get(item.kind) if queue is not None else None


def rests_after(queues: Mapping[QueueName, Queue], item: Item) -> float | None:
    """After how many seconds of the customer's silence it takes nothing; ``None``: never."""
    if item.state is not ItemState.ASSIGNED:
        return None
    queue = queues.get(item.queue)
    return queue.policy.inactive_seconds if queue is not None else None
