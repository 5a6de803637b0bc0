"""What is wrong with a declared queue: refused where it cannot work, else warned about. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from gateway.core.errors import Refused
from gateway.core.ids import AgentName, QueueName
from gateway.core.languages import canonical, nearness
from gateway.core.model import TEXTED, AgentProfile, ChannelKind, Queue
from gateway.core.policy import ALL, Ring

WRITTEN_TO = TEXTED | {ChannelKind.WEBCHAT}
"""Where somebody waits for a person; a mail might be a machine's."""


def check_rings(queue: Queue, known: Collection[QueueName], field: str = "") -> None:
    """Raises ``Refused`` for what can never be. ``known``: the queues that there will be."""
    last = 0.0
    for n, ring in enumerate(queue.rings):
        where = f"{field}rings[{n}]"
        if ring.after is None and ring.expected_wait is None:
            raise Refused(
                "bad_field", "it never opens: say `after` or `expected_wait`", f"{where}.after"
            )
        if ring.after is not None:
            if ring.after < last:
                raise Refused(
                    "bad_field",
                    f"rings open one after the other: not before {last:.0f} s",
                    f"{where}.after",
                )
            last = ring.after
        if strange := [q for q in ring.queues if q != ALL and q not in known]:
            raise Refused("bad_field", f"there is no queue {strange[0]!r}", f"{where}.queues")


def check_thresholds(queue: Queue, known: Collection[QueueName], field: str = "") -> None:
    """Raises ``Refused`` for what can never be. ``known``: the queues that there will be."""
    names = [one.name for one in queue.thresholds]
    for n, one in enumerate(queue.thresholds):
        where = f"{field}thresholds[{n}]"
        if names.index(one.name) != n:
            raise Refused("bad_field", f"there are two named {one.name!r}", f"{where}.name")
        if one.back is not None and one.crossed(one.back):
            side = "above" if one.when == "agents_free" else "below"
            raise Refused("bad_field", f"it would never be over: say {side} `at`", f"{where}.back")
        if one.when != "agents_free" and one.at <= 0:
            raise Refused("bad_field", "it would always be crossed", f"{where}.at")
        if one.rings > len(queue.rings):
            raise Refused("bad_field", f"it has {len(queue.rings)} rings", f"{where}.rings")
        if one.overflow_to and (one.overflow_to == queue.name or one.overflow_to not in known):
            said = f"there is no other queue {one.overflow_to!r}"
            raise Refused("bad_field", said, f"{where}.overflow_to")
        if strange := [kind for kind in one.message if kind not in WRITTEN_TO]:
            said = f"who waits in {strange[0].value!r} is not written to; there are: " + ", ".join(
                sorted(kind.value for kind in WRITTEN_TO)
            )
            raise Refused("bad_field", said, f"{where}.message")


def warnings(queue: Queue, profiles: Mapping[AgentName, AgentProfile]) -> list[str]:
    """What to say about it, given who works here."""
    found = [
        *_unknown(queue, profiles),
        *_idle_rings(queue),
        *_idle_thresholds(queue),
        *_unserved(queue, profiles),
    ]
    return [f"queue {queue.name!r}: {text}" for text in dict.fromkeys(found)]


def unserved(
    queues: Iterable[Queue], profiles: Mapping[AgentName, AgentProfile]
) -> dict[QueueName, str]:
    """The queues that nobody can serve, whichever ring opens, with why."""
    found = {}
    for queue in queues:
        if not queue.rings and (why := next(_unserved(queue, profiles), None)) is not None:
            found[queue.name] = why
    return found


def _unknown(queue: Queue, profiles: Mapping[AgentName, AgentProfile]) -> Iterator[str]:
    people = profiles.values()
    best: dict[str, int] = {}
    for profile in people:
        for skill, level in profile.skills.items():
            best[skill] = max(level, best.get(skill, 0))
    for skill, level in queue.skills.items():
        if skill not in best:
            yield f"nobody has the skill {skill!r}"
        elif best[skill] < level:
            yield f"nobody has {skill!r} at level {level}; the highest is {best[skill]}"
    groups = {group for profile in people for group in profile.groups} | {ALL}
    sites = {profile.site for profile in people} | {ALL}
    for ring in (Ring(groups=queue.groups, sites=queue.sites), *queue.rings):
        yield from (f"nobody is in group {g!r}" for g in ring.groups if g not in groups)
        yield from (f"nobody sits at site {s!r}" for s in ring.sites if s not in sites)
    spoken = [canonical(skill) for skill in best]
    asked = [tag for ring in queue.rings for tag in ring.languages if tag != ALL]
    for tag in (*asked, *(tag for also in queue.languages.values() for tag in also)):
        if all(nearness(canonical(tag), one) is None for one in spoken):
            yield f"nobody speaks {tag}"


def _idle_rings(queue: Queue) -> Iterator[str]:
    for number, ring in enumerate(queue.rings, start=1):
        bare = Ring(after=ring.after, expected_wait=ring.expected_wait)
        if ring == bare:
            yield f"ring {number} lets nothing go"
        if ring.groups and not queue.groups:
            yield f"ring {number} adds groups, but the queue is for all groups"
        if ring.sites and not queue.sites:
            yield f"ring {number} adds sites, but the queue is for all sites"
        for skill in (*ring.levels, *ring.drop):
            # An item may ask for it all the same; a queue that does not is worth a word.
            if skill != ALL and skill not in queue.skills:
                yield f"ring {number} is about {skill!r}, which the queue does not ask for"


def _idle_thresholds(queue: Queue) -> Iterator[str]:
    for one in queue.thresholds:
        if not (one.alert or one.rings or one.message or one.overflow_to or one.offer_callback):
            yield f"threshold {one.name!r} does nothing"


def _unserved(queue: Queue, profiles: Mapping[AgentName, AgentProfile]) -> Iterator[str]:
    def serves(profile: AgentProfile) -> bool:
        if profile.queues and queue.name not in profile.queues:
            return False
        if queue.groups and not set(queue.groups) & set(profile.groups):
            return False
        if queue.sites and profile.site not in queue.sites:
            return False
        return all(profile.skills.get(s, 0) >= level for s, level in queue.skills.items())

    if not any(map(serves, profiles.values())):
        later = " before a ring opens" if queue.rings else ""
        yield f"nobody can serve it{later}"
