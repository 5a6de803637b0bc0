"""How much an agent can carry: 100 units, a cost per kind, and what may interrupt what.

A call takes everything; mail and tasks are put aside for a call or a chat, so they do not
count against one.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from gateway.core.model import AgentProfile, ChannelKind, Item
from gateway.core.model import ChannelKind as K

TOTAL = 100
COST = {
    K.VOICE: 100,
    K.CALLBACK: 100,
    K.WEBCHAT: 34,
    K.SMS: 25,
    K.WHATSAPP: 25,
    K.EMAIL: 50,
    K.TASK: 50,
}
_KINDS = tuple(ChannelKind)
INTERRUPTIBLE = frozenset({K.EMAIL, K.TASK})
INTERRUPTING = frozenset({K.VOICE, K.WEBCHAT})


def cost(profile: AgentProfile, kind: ChannelKind) -> int:
    """Units one item of this kind takes of this agent.

    ``capacity`` in the profile says how many of a kind at once; 0 means none of it.
    """
    at_once = profile.capacity.get(kind)
    if at_once is None:
        return COST[kind]
    return TOTAL + 1 if at_once <= 0 else TOTAL // at_once


def used(profile: AgentProfile, items: Iterable[Item], *, by: ChannelKind | None = None) -> int:
    """Units in use; with ``by``, as an item of that kind sees it (interruptible work aside)."""
    aside = by in INTERRUPTING
    return sum(
        cost(profile, item.kind) for item in items if not (aside and item.kind in INTERRUPTIBLE)
    )


def room(profile: AgentProfile, items: Iterable[Item]) -> int:
    """Of which kinds one more item fits, as a number for ``kinds_of``: quick to compare."""
    firm = aside = 0
    for item in items:
        units = cost(profile, item.kind)
        if item.kind in INTERRUPTIBLE:
            aside += units
        else:
            firm += units
    if not profile.capacity:
        return _usual_room(firm, aside)
    return _room(firm, aside, tuple(cost(profile, kind) for kind in _KINDS))


def kinds_of(room: int) -> tuple[ChannelKind, ...]:
    """The kinds that there is room for."""
    return tuple(kind for place, kind in enumerate(_KINDS) if room >> place & 1)


@lru_cache(maxsize=1_000)
def _usual_room(firm: int, aside: int) -> int:
    return _room(firm, aside, tuple(COST[kind] for kind in _KINDS))


def _room(firm: int, aside: int, costs: Sequence[int]) -> int:
    free = 0
    for place, (kind, units) in enumerate(zip(_KINDS, costs, strict=True)):
        in_use = firm if kind in INTERRUPTING else firm + aside
        free |= (in_use + units <= TOTAL) << place
    return free


def has_room(profile: AgentProfile, items: Iterable[Item], kind: ChannelKind) -> bool:
    """Whether one more item of this kind fits."""
    return used(profile, items, by=kind) + cost(profile, kind) <= TOTAL
