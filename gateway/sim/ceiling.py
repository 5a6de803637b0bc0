"""What share of a made-up day could be answered in time at all, whoever was chosen."""

from collections.abc import Iterable, Iterator

from gateway.core.ids import QueueName
from gateway.core.model import ChannelKind
from gateway.sim.day import Contact, Day, Shift
from gateway.sim.floor import ANSWERED_BY_WORK

_Key = tuple[ChannelKind, QueueName, tuple[tuple[str, int], ...]]


def possible(day: Day) -> float:
    """The share for whom somebody who can is there in time, as if all had nothing else to do.

    No choice of agent can do better; whether any can do as well, nobody knows. Rings, declared
    languages and what queues ask by themselves are not looked at: made-up days have none.
    """
    if not day.contacts:
        return 1.0
    having: dict[str, list[Shift]] = {}
    for shift in day.shifts:
        for skill in shift.profile.skills:
            having.setdefault(skill, []).append(shift)
    known: dict[_Key, list[Shift]] = {}
    return sum(_in_time(day, one, known, having) for one in day.contacts) / len(day.contacts)


def _in_time(
    day: Day, one: Contact, known: dict[_Key, list[Shift]], having: dict[str, list[Shift]]
) -> bool:
    key = one.kind, one.queue, tuple(sorted(one.skills.items()))
    able = known.get(key)
    if able is None:
        # Whoever has what is rarest of all that is asked: few, where a great house asks for much.
        few = min((having.get(skill, []) for skill in one.skills), key=len, default=day.shifts)
        able = known[key] = list(_able(few, one))
    work = one.handle if one.kind in ANSWERED_BY_WORK else 0.0
    latest = min(one.at + one.within, day.seconds) - one.reaction - work
    latest = min(latest, one.at + one.patience)
    return latest >= one.at and any(
        begins <= latest and ends > one.at for shift in able for begins, ends in shift.ready
    )


def _able(few: Iterable[Shift], one: Contact) -> Iterator[Shift]:
    asked = one.skills.items()
    for shift in few:
        profile = shift.profile
        if profile.queues and one.queue not in profile.queues:
            continue
        if profile.capacity.get(one.kind) == 0:
            continue
        if all(profile.skills.get(skill, 0) >= level for skill, level in asked):
            yield shift
