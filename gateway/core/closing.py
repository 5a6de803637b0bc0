"""Closing a site and opening it again: what the act is, and what follows for its agents. Pure.

Who is closed out gets nothing new from that moment on; what was offered goes back to the head of
its queue with the waiting time it had. What is in hand the agent may finish, unless whoever
closes wants it back in the queues.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, Context, SiteName
from gateway.core.model import ItemState, Site
from gateway.core.sites import WHOLE, why
from gateway.core.state import NodeState


def set_site(
    state: NodeState,
    name: SiteName,
    *,
    open_percent: int,
    reason: str,
    in_hand: Literal["keep", "return"],
    by: str,
    ctx: Context,
) -> list[e.Change]:
    """Have the site open by so many per cent of its agents. Raises ``Refused``.

    The same act again changes nothing, but for work that is to go back.
    """
    check_known(state, name)
    if not 0 <= open_percent <= WHOLE:
        raise Refused("bad_field", "open_percent goes from 0 to 100", "open_percent")
    if open_percent < WHOLE and not reason.strip():
        raise Refused("bad_field", "say why, for the agents and the record", "reason")
    wanted = Site(
        name=name,
        open_percent=open_percent,
        reason=reason.strip(),
        in_hand=in_hand if open_percent < WHOLE else "keep",
        by=by,
        since=ctx.now,
    )
    known = state.sites.get(name, Site(name=name))
    if replace(wanted, by=known.by, since=known.since) == known:
        return clear_out(state, state.at_site(name), hands=True)
    return [e.Change(e.SiteChanged(site=wanted))]


def check_known(state: NodeState, name: SiteName) -> None:
    """Raises ``Refused`` for a site where nobody sits and that was never acted on."""
    if state.at_site(name) or name in state.sites:
        return
    known = ", ".join(sorted(sites(state))[:20]) or "none yet"
    raise Refused("not_found", f"no agent sits at a site {name!r}; there are: {known}", "name")


def sites(state: NodeState) -> dict[SiteName, Site]:
    """Every site, those that nobody has acted on too."""
    named = {name: Site(name=name) for name in state.seats.names()}
    return named | state.sites


def clear_out(state: NodeState, agents: Iterable[AgentName], *, hands: bool) -> list[e.Change]:
    """Take from those of ``agents`` who are closed out what they may not keep.

    With ``hands`` also what they work on, where the site's act says so.
    """
    changes: list[e.Change] = []
    for agent in agents:
        site = state.closed.get(agent)
        if site is None:
            continue
        reason = f"{agent} gets nothing: {why(site)}"
        for item in state.in_hand(agent):
            if item.state is ItemState.OFFERED and item.offer is not None:
                gone = e.OfferWithdrawn(
                    item=item.id, offer=item.offer.id, agent=agent, reason=reason
                )
                changes.append(e.Change(gone))
            elif hands and site.in_hand == "return" and item.state is ItemState.ASSIGNED:
                back = e.ItemQueued(item=item.id, queue=item.queue, reason=reason)
                changes.append(e.Change(back))
    return changes
