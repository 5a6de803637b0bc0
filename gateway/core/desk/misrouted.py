"""What the record says of an item that came to the wrong person."""

from gateway.core import events as e
from gateway.core.desk.hand import Desk
from gateway.core.errors import Refused
from gateway.core.ids import QueueName, SkillName
from gateway.core.misrouted import REASONS, How, NotForMe
from gateway.core.model import Item


def told(d: Desk, item: Item, said: NotForMe | None, how: How) -> list[e.Change]:
    """What is recorded beside the act itself. Raises ``Refused`` for what is not on the list."""
    if said is None:
        return []
    words = d.resolved.words
    reasons = words.reasons or REASONS
    if said.reason not in reasons:
        known = ", ".join(reasons)
        raise Refused("not_found", f"there is no such reason; there are {known}", "misrouted")
    if said.queue is not None and said.queue not in d.state.queues:
        raise Refused("not_found", f"there is no queue {said.queue!r}", "misrouted")
    if said.skill is not None and said.skill not in {*words.skills, *d.state.skill_holders}:
        raise Refused("not_found", f"there is no skill {said.skill!r}", "misrouted")
    wrong = e.ItemMisrouted(
        item=item.id,
        case=item.case,
        agent=d.agent.name,
        how=how,
        reason=said.reason,
        queue=item.queue,
        rule=item.ruled_by,
        decision=item.offer.reason if item.offer is not None else item.reason,
        right_queue=said.queue or QueueName(""),
        right_skill=said.skill or SkillName(""),
    )
    return [e.Change(wrong)]
