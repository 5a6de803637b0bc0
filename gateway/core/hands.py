"""Attaching desktops, and what an agent has in hand: the snapshot."""

from datetime import timedelta

from gateway.core import events as e
from gateway.core.capacity import TOTAL, used
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, Context
from gateway.core.model import AgentProfile, AgentStatus, Item, ItemState, Presence, Site
from gateway.core.sites import why
from gateway.core.state import NodeState
from gateway.core.times import GRACE_SECONDS, GRACE_SECONDS_OTHERS, grace_seconds
from gateway.core.view import CapacityView, SnapshotView, item_view, offer_view, state_view


def profile_of(state: NodeState, agent: AgentName) -> AgentProfile:
    """The agent's directory entry. Raises ``Refused`` for one that is not there."""
    profile = state.profiles.get(agent)
    if profile is None or not profile.active:
        raise Refused("not_found", f"there is no agent {agent!r}", "agent")
    return profile


def attach(state: NodeState, agent: AgentName, tab: str, ctx: Context) -> list[e.Change]:
    """A desktop has come; the first one since the node began claims the agent for it.

    A claim begins a new epoch of the agent's frames. A desktop that comes back after a blip is
    within the old one, so it can resume.
    """
    profile_of(state, agent)
    status = state.status(agent, ctx.now)
    claims = agent not in state.claimed
    epoch = status.epoch + 1 if claims else status.epoch
    return [
        e.Change(e.AgentAttached(agent=agent, node=state.node, epoch=epoch, tab=tab, claims=claims))
    ]


def detach(state: NodeState, agent: AgentName, tab: str, reason: str) -> list[e.Change]:
    """A desktop has gone."""
    return [e.Change(e.AgentDetached(agent=agent, tab=tab, reason=reason))]


def give_back(item: Item, agent: AgentName, reason: str) -> list[e.Change]:
    """Take out of the agent's hand whatever it is doing there."""
    match item.state:
        case ItemState.OFFERED if item.offer is not None:
            withdrawn = e.OfferWithdrawn(
                item=item.id, offer=item.offer.id, agent=agent, reason=reason
            )
            return [e.Change(withdrawn)]
        case ItemState.ASSIGNED:
            return [e.Change(e.ItemQueued(item=item.id, queue=item.queue, reason=reason))]
        case ItemState.WRAPPING:
            return [e.Change(e.ItemCompleted(item=item.id, agent=agent, reason=reason))]
        case _:
            return []


def grace_over(state: NodeState, agent: AgentName, ctx: Context) -> list[e.Change]:
    """What a dropped desktop's silence has cost by now: items whose grace is over go back.

    In the end the agent's home too: who has put nothing aside here may come back anywhere.
    """
    status = state.statuses.get(agent)
    if status is None or status.tabs or status.dropped_at is None:
        return []
    gone = (ctx.now - status.dropped_at).total_seconds()
    changes: list[e.Change] = []
    for item in state.in_hand(agent):
        if gone < grace_seconds(item.kind):
            continue
        changes += give_back(item, agent, f"{agent}'s desktop has been gone for {gone:.0f} s")
    if gone >= GRACE_SECONDS_OTHERS and status.presence is Presence.READY:
        changes.append(
            e.Change(
                e.AgentStateChanged(
                    agent=agent, presence=Presence.NOT_READY, reason="disconnected", by="system"
                )
            )
        )
    if gone >= GRACE_SECONDS_OTHERS and status.home == state.node and not state.parked(agent):
        # By now nothing is in hand, whatever kind it was.
        reason = f"gone for {gone:.0f} s, with nothing in hand"
        changes.append(e.Change(e.AgentReleased(agent=agent, reason=reason)))
    return changes


def grace_deadlines() -> tuple[timedelta, ...]:
    """When after a drop ``grace_over`` must be asked: once for each kind's grace."""
    each = {*GRACE_SECONDS.values(), GRACE_SECONDS_OTHERS}
    return tuple(timedelta(seconds=s) for s in sorted(each))


def capacity_view(state: NodeState, agent: AgentName) -> CapacityView:
    """Units in use and in all."""
    profile = profile_of(state, agent)
    return CapacityView(used=used(profile, state.in_hand(agent)), total=TOTAL)


def set_presence(
    state: NodeState, agent: AgentName, presence: Presence, reason: str, by: str
) -> list[e.Change]:
    """The agent, or a supervisor, says whether the agent takes work."""
    changed = e.AgentStateChanged(agent=agent, presence=presence, reason=reason, by=by)
    changes = [e.Change(changed)]
    if presence is Presence.NOT_READY:
        changes += [
            change
            for item in state.in_hand(agent)
            if item.offer is not None
            for change in give_back(item, agent, "the agent is not ready")
        ]
    return changes


def notice(state: NodeState, agent: AgentName) -> str:
    """What the agent's desktop says beside the presence; empty: nothing."""
    return told(state.statuses.get(agent), state.closed.get(agent))


def told(status: AgentStatus | None, closed: Site | None) -> str:
    """Why nothing is offered, ready or not; and who set the presence, if somebody else did."""
    said = [told_closed(closed)] if closed is not None else []
    if status is not None and status.set_by:
        ready = "ready" if status.presence is Presence.READY else "not ready"
        why = f": {status.reason}" if status.reason else ""
        said.append(f"{status.set_by} has set you {ready}{why}")
    return "; ".join(said)


def told_closed(site: Site) -> str:
    """What an agent is told whom the closing of the site takes out of routing."""
    return f"you get nothing new: {why(site)}"


def snapshot(state: NodeState, agent: AgentName, ctx: Context) -> SnapshotView:
    """All that the agent's desktop shows, as of the state."""
    offers, items = [], []
    for item in state.in_hand(agent):
        case = state.cases[item.case]
        if item.state is ItemState.OFFERED and item.offer is not None:
            offers.append(offer_view(item.offer, item, case))
        else:
            items.append(item_view(item, case))
    items += [item_view(item, state.cases[item.case]) for item in state.parked(agent)]
    return SnapshotView(
        state=state_view(state.status(agent, ctx.now), notice(state, agent)),
        capacity=capacity_view(state, agent),
        offers=tuple(offers),
        items=tuple(items),
    )
