"""The front door: which queue a new contact belongs to and what it asks of an agent."""

from msgspec import Struct

from gateway.core.ids import QueueName, SkillName
from gateway.core.state import NodeState


class Wish(Struct, frozen=True, kw_only=True):
    """What a contact, or the channel it came by, asks for."""

    queue: QueueName
    language: str = ""
    skills: dict[SkillName, int]
    priority: int = 0


class Route(Struct, frozen=True, kw_only=True):
    """Where it goes, with the reason in words."""

    queue: QueueName
    skills: dict[SkillName, int]
    priority: int
    reason: str


def classify(state: NodeState, wish: Wish) -> Route:
    """Queue, skills and priority of a new contact.

    A language becomes a required skill if anybody in the house speaks it; otherwise the contact
    is not left waiting for someone who does not exist, and the reason says so.
    """
    queue, said = wish.queue, []
    if queue not in state.queues:
        queue = next(iter(state.queues), queue)
        said.append(f"there is no queue {wish.queue!r}, so {queue!r}")
    else:
        said.append(f"queue {queue!r} by its channel")
    skills = dict(wish.skills)
    if wish.language:
        spoken = _spoken(state, wish.language)
        if spoken is None:
            said.append(f"nobody here speaks {wish.language}")
        else:
            skills.setdefault(spoken, 1)
            said.append(f"needs {spoken}")
    return Route(queue=queue, skills=skills, priority=wish.priority, reason="; ".join(said))


def _spoken(state: NodeState, language: str) -> SkillName | None:
    """The language as a skill that somebody has: exactly, or its base (RFC 4647 §3.4 lookup)."""
    parts = language.split("-")
    for n in range(len(parts), 0, -1):
        name = SkillName("-".join(parts[:n]))
        if state.skill_holders.get(name):
            return name
    return None
