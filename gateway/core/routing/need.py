"""What an item asks of an agent: a small hashable value shared by all items that ask the same.

It is worked out anew whenever the item, its queue or the directory changes, never when the item
comes in: so whoever learns a language today gets what has waited for it since yesterday.
"""

from collections.abc import Mapping

from msgspec import Struct

from gateway.core.capacity import Takes, takes
from gateway.core.ids import QueueName, SiteName, SkillName
from gateway.core.languages import canonical
from gateway.core.model import ChannelKind, Item, Queue
from gateway.core.policy import ALL, Ring
from gateway.core.state import NodeState


class Need(Struct, frozen=True, order=True, cache_hash=True):
    """Kind, queue and skills with minimum levels, in a canonical order; and who may take it.

    Of ``languages`` one will do, the first best; of ``queues`` (besides the item's own),
    ``groups``, ``sites`` and levels of the help desk (``desk``) one as well. None named asks for
    nothing. ``cost`` is what it takes (``capacity.Takes``), if not the usual.
    """

    kind: ChannelKind
    queue: QueueName
    skills: tuple[tuple[SkillName, int], ...]
    languages: tuple[SkillName, ...] = ()
    queues: tuple[QueueName, ...] = ()
    groups: tuple[str, ...] = ()
    sites: tuple[SiteName, ...] = ()
    desk: tuple[int, ...] = ()
    cost: tuple[int, int, int] | None = None

    def __str__(self) -> str:
        words = [f"{s} {n}" if n > 1 else s for s, n in self.skills]
        if self.languages:
            words.append(" or ".join(self.languages))
        said = ", ".join(words) or "no particular skill"
        if self.desk and self.desk != (1,):
            said += f", help desk level {' or '.join(map(str, self.desk))}"
        if self.groups:
            said += f", group {' or '.join(self.groups)}"
        if self.sites:
            said += f", site {' or '.join(self.sites)}"
        return said


def need_of(state: NodeState, item: Item, *, rings: int | None = None) -> Need:
    """What the item and its queue ask, less what the rings that have opened let go.

    ``rings``: as if so many had opened.
    """
    queue = state.queues.get(item.queue)
    case = state.cases.get(item.case)
    skills = item.requirement.skills
    if queue is not None and queue.skills:
        own, skills = skills, dict(queue.skills)
        for skill, level in own.items():
            skills[skill] = max(level, skills.get(skill, 0))
    asked = tuple(sorted(skills.items()))
    desk = (case.level,) if case is not None else (1,)
    if queue is None:
        languages = state.tongues.of(item.language) if item.language else ()
        return Need(item.kind, item.queue, asked, languages, desk=desk)
    opened = queue.rings[: item.ring if rings is None else rings] if queue.rings else ()
    languages = _languages(state, item, queue, opened) if item.language else ()
    if not opened:
        kind, name = item.kind, item.queue
        cost = _cost(queue, kind)
        return Need(kind, name, asked, languages, (), queue.groups, queue.sites, desk, cost)
    return Need(
        kind=item.kind,
        queue=item.queue,
        skills=tuple(sorted(_relaxed(skills, opened).items())),
        languages=languages,
        queues=_either((), [ring.queues for ring in opened]),
        groups=_wider(queue.groups, [ring.groups for ring in opened]),
        sites=_wider(queue.sites, [ring.sites for ring in opened]),
        desk=_either(desk, [ring.desk for ring in opened]),
        cost=_cost(queue, item.kind),
    )


def _cost(queue: Queue, kind: ChannelKind) -> Takes | None:
    own = queue.policy.costs.get(kind)
    return takes(kind, own) if own is not None else None


def _relaxed(skills: dict[SkillName, int], rings: tuple[Ring, ...]) -> dict[SkillName, int]:
    for ring in rings:
        if ALL in ring.drop:
            return {}
        skills = {
            skill: max(min(level - ring.lower, ring.levels.get(skill, level)), 1)
            for skill, level in skills.items()
            if skill not in ring.drop
        }
    return skills


def _languages(
    state: NodeState, item: Item, queue: Queue, rings: tuple[Ring, ...]
) -> tuple[SkillName, ...]:
    also = fallbacks(queue.languages, item.language)
    asked = state.tongues.of(item.language, also)
    more: tuple[str, ...] = ()
    for ring in rings:
        if ALL in ring.languages:
            return ()
        more += ring.languages
    # What is not asked for, for nobody speaks it, a ring must not begin to ask.
    return state.tongues.of(item.language, also + more) if asked and more else asked


def fallbacks(declared: Mapping[str, tuple[str, ...]], tag: str) -> tuple[str, ...]:
    """The languages that are declared to do for ``tag``."""
    if not declared:
        return ()
    asked = canonical(tag)
    return next((also for key, also in declared.items() if canonical(key) == asked), ())


def _wider(own: tuple, more: list[tuple]) -> tuple:  # type: ignore[type-arg]
    """Whom the queue is limited to, and whom rings add; not limited: nobody need be added."""
    if not own or any(ALL in one for one in more):
        return ()
    return _either(own, more)


def _either(own: tuple, more: list[tuple]) -> tuple:  # type: ignore[type-arg]
    return tuple(dict.fromkeys([*own, *(one for names in more for one in names)]))
