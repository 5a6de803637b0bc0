"""The front door: which queue a new contact belongs to and what it asks of an agent."""

from msgspec import Struct

from gateway.core.ids import QueueName, SkillName
from gateway.core.routing.need import fallbacks
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

    Its language is not decided about here: who meets it is asked when it is routed, so that what
    waits goes to whoever learns the language meanwhile. The reason says how that stands now.
    """
    queue, said = wish.queue, []
    if queue not in state.queues:
        queue = next(iter(state.queues), queue)
        said.append(f"there is no queue {wish.queue!r}, so {queue!r}")
    else:
        said.append(f"queue {queue!r} by its channel")
    if wish.language:
        known = state.queues.get(queue)
        also = fallbacks(known.languages, wish.language) if known else ()
        spoken = state.tongues.of(wish.language, also)
        needs = f"needs {' or '.join(spoken)}"
        said.append(needs if spoken else f"nobody here speaks {wish.language}")
    reason = "; ".join(said)
    return Route(queue=queue, skills=dict(wish.skills), priority=wish.priority, reason=reason)
