"""Whether an agent meets a need, how well, and what stands in the way."""

from collections.abc import Mapping, Sized
from datetime import datetime, timedelta

from gateway.core.capacity import has_room
from gateway.core.ids import AgentName, SkillName
from gateway.core.model import AgentProfile, Item, Passed, Presence
from gateway.core.routing.need import Need
from gateway.core.sites import why
from gateway.core.state import NodeState
from gateway.core.times import PASS_SECONDS

NO_CAPACITY = "has no capacity left"
RESERVED = "is kept free for an item that comes from another node"


def lacks(profile: AgentProfile, need: Need) -> str | None:
    """What the agent is missing for this need; ``None`` when it fits."""
    if profile.queues and need.queue not in profile.queues:
        return f"is not in queue {need.queue!r}"
    for skill, level in need.skills:
        if profile.skills.get(skill, 0) < level:
            return f"lacks {skill} {level}" if level > 1 else f"lacks {skill}"
    if profile.capacity.get(need.kind) == 0:
        return f"takes no {need.kind.value}"
    return None


def unavailable(state: NodeState, agent: AgentName, need: Need) -> str | None:
    """Why this agent cannot take such an item now, although the profile fits."""
    if agent in state.reserved:
        return RESERVED
    return busy(state, agent, need)


def busy(state: NodeState, agent: AgentName, need: Need) -> str | None:
    """The same for the item that the agent is kept for."""
    status, profile = state.statuses.get(agent), state.profiles.get(agent)
    if status is None or status.tabs == 0:
        return "is not connected"
    if profile is None:
        return "is not in the directory"
    if (closed := state.closed.get(agent)) is not None:
        return f"gets nothing: {why(closed)}"
    if status.presence is not Presence.READY:
        return f"is not ready ({status.reason})" if status.reason else "is not ready"
    if not has_room(profile, state.in_hand(agent), need.kind):
        return NO_CAPACITY
    return None


def passed_lately(item: Item, agent: AgentName, now: datetime) -> Passed | None:
    """How this agent let the item go by so recently that it is not offered again yet."""
    for passed in reversed(item.passed):
        if passed.agent == agent:
            return passed if now < pass_ends(passed) else None
    return None


def pass_ends(passed: Passed) -> datetime:
    """From when on the item may be offered to that agent again."""
    return passed.at + timedelta(seconds=PASS_SECONDS)


def how_passed(passed: Passed, now: datetime) -> str:
    """In words, for those who ask why an item waits."""
    return f"{passed.how} it {(now - passed.at).total_seconds():.0f} s ago"


def waste(profile: AgentProfile, need: Need, holders: Mapping[SkillName, Sized]) -> int:
    """How much of what is scarce this agent would bring for nothing, in twentieths.

    A skill that few people have weighs more; so the only Hungarian speaker is kept for Hungarian.
    """
    wanted = {skill for skill, _ in need.skills}
    spare = sum(1.0 / max(len(holders.get(s, ())), 1) for s in profile.skills if s not in wanted)
    return round(spare * 20)
