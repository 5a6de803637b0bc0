"""Whether an agent meets a need, and what stands in the way."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from gateway.core.capacity import has_room
from gateway.core.ids import AgentName, QueueName
from gateway.core.model import AgentProfile, Item, Passed, Presence
from gateway.core.policy import ALL
from gateway.core.routing.need import Need
from gateway.core.sites import why
from gateway.core.state import NodeState
from gateway.core.times import PASS_SECONDS

NO_CAPACITY = "has no capacity left"
_READY = Presence.READY
RESERVED = "is kept free for an item that comes from another node"


def meets(profile: AgentProfile, need: Need) -> bool:
    """Whether the agent is one who may take it: ``lacks`` without words."""
    skills = profile.skills
    for skill, level in need.skills:
        if skills.get(skill, 0) < level:
            return False
    queues = profile.queues
    if queues and need.queue not in queues and not _member(queues, need):
        return False
    if need.languages and not _speaks(profile, need):
        return False
    if profile.capacity and profile.capacity.get(need.kind) == 0:
        return False
    return not (need.groups or need.sites or profile.level) or _belongs(profile, need) is None


def lacks(profile: AgentProfile, need: Need) -> str | None:
    """What the agent is missing for this need; ``None`` when it fits."""
    if profile.queues and need.queue not in profile.queues and not _member(profile.queues, need):
        return f"is not in queue {need.queue!r}"
    for skill, level in need.skills:
        if profile.skills.get(skill, 0) < level:
            return f"lacks {skill} {level}" if level > 1 else f"lacks {skill}"
    if need.languages and not _speaks(profile, need):
        return f"does not speak {' or '.join(need.languages)}"
    if profile.capacity.get(need.kind) == 0:
        return f"takes no {need.kind.value}"
    return _belongs(profile, need)


def _belongs(profile: AgentProfile, need: Need) -> str | None:
    if need.groups and not _either(profile.groups, need.groups):
        return f"is not in group {' or '.join(need.groups)}"
    if need.sites and profile.site not in need.sites:
        return f"is not at site {' or '.join(need.sites)}"
    if need.desk and profile.level and profile.level not in need.desk:
        return f"is on level {profile.level} of the help desk"
    return None


def _member(queues: tuple[QueueName, ...], need: Need) -> bool:
    return ALL in need.queues or _either(queues, need.queues)


def _speaks(profile: AgentProfile, need: Need) -> bool:
    return any(profile.skills.get(language, 0) for language in need.languages)


def _either(have: Iterable[str], asked: Iterable[str]) -> bool:
    return any(one in asked for one in have)


def ready(state: NodeState, agent: AgentName) -> bool:
    """Whether this agent takes anything at all now: ``absent`` without words."""
    status = state.statuses.get(agent)
    return (
        status is not None
        and status.tabs > 0
        and status.presence is _READY
        and agent in state.profiles
        and agent not in state.reserved
        and agent not in state.closed
    )


def unavailable(state: NodeState, agent: AgentName, need: Need) -> str | None:
    """Why this agent cannot take such an item now, although the profile fits."""
    return absent(state, agent) or _full(state, agent, need)


def absent(state: NodeState, agent: AgentName) -> str | None:
    """Why this agent takes nothing at all now."""
    return RESERVED if agent in state.reserved else _away(state, agent)


def busy(state: NodeState, agent: AgentName, need: Need) -> str | None:
    """As ``unavailable``, for the item that the agent is kept for."""
    return _away(state, agent) or _full(state, agent, need)


def _away(state: NodeState, agent: AgentName) -> str | None:
    status = state.statuses.get(agent)
    if status is None or status.tabs == 0:
        return "is not connected"
    if agent not in state.profiles:
        return "is not in the directory"
    if (closed := state.closed.get(agent)) is not None:
        return f"gets nothing: {why(closed)}"
    if status.presence is not Presence.READY:
        return f"is not ready ({status.reason})" if status.reason else "is not ready"
    return None


def _full(state: NodeState, agent: AgentName, need: Need) -> str | None:
    return None if fits(state, agent, need) else NO_CAPACITY


def fits(state: NodeState, agent: AgentName, need: Need) -> bool:
    """Whether the agent has room for it."""
    profile, hands = state.profiles[agent], state.in_hand(agent)
    if not hands and not profile.capacity and need.cost is None:
        return True
    return has_room(profile, hands, need.kind, need.cost)


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
