"""Whether an agent meets a need, how well, and what stands in the way."""

from collections.abc import Mapping, Sized
from datetime import datetime

from gateway.core.capacity import has_room
from gateway.core.ids import AgentName, SkillName
from gateway.core.model import AgentProfile, Item, Presence
from gateway.core.routing.need import Need
from gateway.core.state import NodeState
from gateway.core.times import PASS_SECONDS


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
    status = state.statuses.get(agent)
    if status is None or status.tabs == 0:
        return "is not connected"
    if status.presence is not Presence.READY:
        return f"is not ready ({status.reason})" if status.reason else "is not ready"
    if not has_room(state.profiles[agent], state.in_hand(agent), need.kind):
        return "has no capacity left"
    return None


def passed_lately(item: Item, agent: AgentName, now: datetime) -> str | None:
    """Whether this agent let the item go by so recently that it is not offered again yet."""
    for passed in item.passed:
        ago = (now - passed.at).total_seconds()
        if passed.agent == agent and ago < PASS_SECONDS:
            return f"{passed.how} it {ago:.0f} s ago"
    return None


def waste(profile: AgentProfile, need: Need, holders: Mapping[SkillName, Sized]) -> int:
    """How much of what is scarce this agent would bring for nothing, in twentieths.

    A skill that few people have weighs more; so the only Hungarian speaker is kept for Hungarian.
    """
    wanted = {skill for skill, _ in need.skills}
    spare = sum(1.0 / max(len(holders.get(s, ())), 1) for s in profile.skills if s not in wanted)
    return round(spare * 20)
