"""What an item asks of an agent: a small hashable value shared by all items that ask the same."""

from msgspec import Struct

from gateway.core.ids import QueueName, SkillName
from gateway.core.model import ChannelKind, Item, Queue


class Need(Struct, frozen=True):
    """Kind, queue and skills with minimum levels, in a canonical order."""

    kind: ChannelKind
    queue: QueueName
    skills: tuple[tuple[SkillName, int], ...]

    def __str__(self) -> str:
        words = ", ".join(f"{s} {n}" if n > 1 else s for s, n in self.skills)
        return words or "no particular skill"


def need_of(item: Item, queue: Queue | None) -> Need:
    """The item's own requirement and its queue's, the higher level of each skill."""
    skills = dict(queue.skills) if queue else {}
    for skill, level in item.requirement.skills.items():
        skills[skill] = max(level, skills.get(skill, 0))
    return Need(item.kind, item.queue, tuple(sorted(skills.items())))
