"""How each event changes a node's state: one small function per event, one table.

``apply`` returns every row that the event changed, as it is right after the event; the journal
writes those rows in the same commit.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.capacity import AWAKE, cost_here, rests_after
from gateway.core.courtesy_folds import COURTESY_FOLDS, nothing_more, rated, solved_by, window
from gateway.core.ids import AgentName
from gateway.core.model import Forecast, Item, OutboundState, Passed, Presence
from gateway.core.owed_folds import OWED_FOLDS, called_back
from gateway.core.service_folds import SERVICE_FOLDS
from gateway.core.state import NodeState, Rows
from gateway.core.tie_folds import TIE_FOLDS
from gateway.core.watch_folds import WATCH_FOLDS, automatic_since, put_aside, silent_since

MOST_PASSED = 20
"""Agents remembered on an item who let it go by."""


def apply(state: NodeState, event: e.Event, at: datetime) -> Rows:
    """Change the picture; returns the changed rows. Raises ``IllegalMove``."""
    fold = _FOLDS.get(type(event))
    return fold(state, event, at) if fold else ()


# -- cases and messages ---------------------------------------------------------------------


def _case_opened(s: NodeState, ev: e.CaseOpened, at: datetime) -> Rows:
    s.cases[ev.case.id] = ev.case
    return (ev.case,)


_CASE_FIELDS = ("status", "tags", "category", "stage", "type", "level", "subject", "link")


def _case_changed(s: NodeState, ev: e.CaseChanged, at: datetime) -> Rows:
    changes = {f: v for f in _CASE_FIELDS if (v := getattr(ev, f)) is not None}
    return (s.edit_case(s.cases[ev.case], at, **changes, **solved_by(ev)),)


def _case_rated(s: NodeState, ev: e.CaseRated, at: datetime) -> Rows:
    case = s.cases[ev.case]
    return (s.edit_case(case, at, rating=ev.score, **rated(case, at)),)


def _message_added(s: NodeState, ev: e.MessageAdded, at: datetime) -> Rows:
    said = automatic_since(s.cases[ev.case], ev)
    rows: Rows = (s.edit_case(s.cases[ev.case], at, last_seq=ev.seq, **said),)
    item = s.items.get(ev.item) if ev.item else None
    if item is not None:
        changes: dict[str, Any] = {
            name: value
            for name in ("thread", "address", "copies")
            if (value := getattr(ev, name)) is not None
        }
        if ev.direction == "in":
            changes["preview"] = ev.preview
            if item.resting or item.rests_at is not None:
                changes |= AWAKE
        elif ev.direction == "out" and not ev.automatic:
            if item.answered_at is None:
                changes["answered_at"] = at
            if (after := rests_after(s.queues, item)) is not None:
                changes["rests_at"] = at + timedelta(seconds=after)
        changes |= silent_since(item, ev, at) | nothing_more(item, ev) | window(item, ev, at)
        if changes:
            rows += (s.edit(item, **changes),)
    return rows


def _copy_came(s: NodeState, ev: e.CopyCame, at: datetime) -> Rows:
    item = s.items.get(ev.item) if ev.item else None
    if item is None:
        return ()
    known = str(item.attributes.get("also_came_to") or "").split(", ")
    came = ", ".join(dict.fromkeys(filter(None, (*known, ev.to or ev.channel))))
    return (s.edit(item, attributes=item.attributes | {"also_came_to": came}),)


# -- work items -----------------------------------------------------------------------------


def _item_rested(s: NodeState, ev: e.ItemRested, at: datetime) -> Rows:
    return (s.edit(s.items[ev.item], resting=True, rests_at=None),)


def _item_created(s: NodeState, ev: e.ItemCreated, at: datetime) -> Rows:
    s.put(ev.item)
    return (ev.item,)


def _item_queued(s: NodeState, ev: e.ItemQueued, at: datetime) -> Rows:
    old = s.items[ev.item]
    fresh = ev.restart or old.queued_at is None
    passed = () if fresh else old.passed
    if ev.given_up_by is not None:
        passed += (Passed(agent=ev.given_up_by, how="transferred", at=at),)
    new = s.move(
        ev.item,
        ev,
        queue=ev.queue,
        queued_at=ev.since or (at if fresh else old.queued_at),
        passed=passed[-MOST_PASSED:],
        ring=0 if fresh or ev.queue != old.queue else old.ring,
        told=None if fresh else old.told,
        agent=None,
        offer=None,
        wake_at=None,
        reason=ev.reason,
        ruled_by=old.ruled_by if ev.queue == old.queue else ev.rule,
        **called_back(old, at),
        **AWAKE,
    )
    return (new, *s.touch_idle(old.agent, at))


def _item_scheduled(s: NodeState, ev: e.ItemScheduled, at: datetime) -> Rows:
    old = s.items[ev.item]
    new = s.move(ev.item, ev, wake_at=ev.until, agent=None, reason=ev.reason)
    return (new, *s.touch_idle(old.agent, at))


def _offer_made(s: NodeState, ev: e.OfferMade, at: datetime) -> Rows:
    cost = cost_here(s.queues, s.items[ev.item])
    new = s.move(ev.item, ev, offer=ev.offer, reason=ev.offer.reason, cost=cost)
    if s.kept_for.get(ev.item) == ev.offer.agent:
        return (new, *_free_again(s, ev.offer.agent))
    return (new,)


def _offer_accepted(s: NodeState, ev: e.OfferAccepted, at: datetime) -> Rows:
    item = s.move(
        ev.item, ev, offer=None, agent=ev.agent, last_agent=ev.agent, assigned_at=at, passed=()
    )
    status = s.statuses.get(ev.agent)
    again = (s.edit_status(status, declines=0),) if status and status.declines else ()
    return (item, *_remember_agent(s, item, at), *again)


def _offer_passed(
    s: NodeState, ev: e.OfferDeclined | e.OfferMissed | e.OfferWithdrawn, at: datetime
) -> Rows:
    old = s.items[ev.item]
    passed, reason = old.passed, ""
    match ev:
        case e.OfferDeclined():
            passed += (Passed(agent=ev.agent, how="declined", at=at),)
            reason = f"declined by {ev.agent}"
        case e.OfferMissed():
            passed += (Passed(agent=ev.agent, how="missed", at=at),)
            reason = f"not answered by {ev.agent} in time"
        case e.OfferWithdrawn():
            reason = ev.reason
    new = s.move(ev.item, ev, offer=None, passed=passed[-MOST_PASSED:], reason=reason)
    idle = s.touch_idle(ev.agent, at)
    if (
        isinstance(ev, e.OfferDeclined)
        and not ev.along
        and (status := s.statuses.get(ev.agent)) is not None
    ):
        return (new, *idle, s.edit_status(status, declines=status.declines + 1))
    return (new, *idle)


def _item_assigned(s: NodeState, ev: e.ItemAssigned, at: datetime) -> Rows:
    before, cost = s.items[ev.item].agent, cost_here(s.queues, s.items[ev.item])
    item = s.move(
        ev.item,
        ev,
        offer=None,
        agent=ev.agent,
        last_agent=ev.agent,
        assigned_at=at,
        wrapping_at=None,
        wake_at=None,
        passed=(),
        reason=ev.reason,
        cost=cost,
        **AWAKE,
    )
    return (item, *_remember_agent(s, item, at), *s.touch_idle(before, at))


def _remember_agent(s: NodeState, item: Item, at: datetime) -> Rows:
    case = s.cases[item.case]
    if case.last_agent == item.agent:
        return ()
    return (s.edit_case(case, at, last_agent=item.agent),)


def _item_held(s: NodeState, ev: e.ItemHeld, at: datetime) -> Rows:
    item = s.items[ev.item]
    watch = put_aside(item, at)
    new = s.move(ev.item, ev, agent=None, wake_at=ev.until, reason=ev.reason, watch=watch)
    return (new, *s.touch_idle(item.agent, at))


def _wrapup_started(s: NodeState, ev: e.WrapUpStarted, at: datetime) -> Rows:
    return (s.move(ev.item, ev, wrapping_at=at),)


def _item_completed(s: NodeState, ev: e.ItemCompleted, at: datetime) -> Rows:
    holder = s.items[ev.item].agent
    new = s.move(
        ev.item,
        ev,
        agent=ev.agent,
        ended_at=at,
        wake_at=None,
        code=ev.code,
        categories=ev.categories,
        reason=ev.reason,
    )
    return (new, *s.touch_idle(holder, at))


def _item_ended(
    s: NodeState, ev: e.ItemAbandoned | e.ItemCanceled | e.ItemRejected, at: datetime
) -> Rows:
    agent = s.items[ev.item].agent
    new = s.move(ev.item, ev, ended_at=at, agent=None, wake_at=None, reason=ev.reason)
    return (new, *s.touch_idle(agent, at))


def _item_reprioritised(s: NodeState, ev: e.ItemReprioritised, at: datetime) -> Rows:
    return (s.edit(s.items[ev.item], priority=ev.priority),)


def _item_revalued(s: NodeState, ev: e.ItemRevalued, at: datetime) -> Rows:
    rows: Rows = ()
    item, case = s.items[ev.item], s.cases[s.items[ev.item].case]
    if case.customer is not None and case.customer.value != ev.value:
        rows = (s.edit_case(case, at, customer=replace(case.customer, value=ev.value)),)
    if item.customer is None:
        return rows
    return (*rows, s.edit(item, customer=replace(item.customer, value=ev.value)))


def _item_cared(s: NodeState, ev: e.ItemCared, at: datetime) -> Rows:
    item = s.items[ev.item]
    done = (*(act for act in item.cared if act != ev.act), ev.act)
    return (s.edit(item, cared=done[-MOST_PASSED:]),)


def _wait_told(s: NodeState, ev: e.WaitTold, at: datetime) -> Rows:
    told = Forecast(at=at, place=ev.place, seconds=ev.seconds)
    return (s.edit(s.items[ev.item], told=told),)


def _wait_measured(s: NodeState, ev: e.WaitMeasured, at: datetime) -> Rows:
    return (s.edit(s.items[ev.item], told=None),)


def _ring_opened(s: NodeState, ev: e.RingOpened, at: datetime) -> Rows:
    item = s.items[ev.item]
    return (s.edit(item, ring=max(item.ring, ev.ring)),)


def _item_adopted(s: NodeState, ev: e.ItemAdopted, at: datetime) -> Rows:
    # The header goes along as a row: whoever follows the journal learns of it by rows alone.
    known = s.adopt(ev.case)
    case = s.cases[known.id] = replace(known, version=known.version + 1)
    moved_at = at if ev.overflow else ev.item.moved_at
    return case, s.edit(ev.item, owner=s.node, moved_at=moved_at)


def _item_handed_over(s: NodeState, ev: e.ItemHandedOver, at: datetime) -> Rows:
    s.let_go(ev.item)
    s.forget_idle_case(ev.case)
    return ()


# -- agents and directory -------------------------------------------------------------------


def _agent_attached(s: NodeState, ev: e.AgentAttached, at: datetime) -> Rows:
    s.claimed.add(ev.agent)
    status = s.status(ev.agent, at)
    tabs = status.tabs + 1
    if status.tabs == 0:
        # Back at the desk: idle time starts here, or who was away longest would always win.
        status = replace(status, idle_since=at)
    return (s.edit_status(status, home=ev.node, epoch=ev.epoch, tabs=tabs, dropped_at=None),)


def _agent_detached(s: NodeState, ev: e.AgentDetached, at: datetime) -> Rows:
    status = s.status(ev.agent, at)
    tabs = max(status.tabs - 1, 0)
    return (s.edit_status(status, tabs=tabs, dropped_at=None if tabs else at),)


def _agent_claimed(s: NodeState, ev: e.AgentClaimed, at: datetime) -> Rows:
    # Should no desktop follow, the home is given up again when the grace is over.
    s.claimed.discard(ev.status.name)
    return (s.edit_status(ev.status, home=s.node, tabs=0, dropped_at=at),)


def _agent_released(s: NodeState, ev: e.AgentReleased, at: datetime) -> Rows:
    # Whoever comes back is claimed anew, by a row that another node may have written since.
    s.claimed.discard(ev.agent)
    gone = s.edit_status(s.statuses[ev.agent], home=None)
    del s.statuses[ev.agent]
    return (gone,)


def _agent_adopted(s: NodeState, ev: e.AgentAdopted, at: datetime) -> Rows:
    return (s.edit_status(ev.status, home=s.node, tabs=0, dropped_at=at),)


def _agent_handed_over(s: NodeState, ev: e.AgentHandedOver, at: datetime) -> Rows:
    s.claimed.discard(ev.agent)
    del s.statuses[ev.agent]
    return ()


def _agent_state_changed(s: NodeState, ev: e.AgentStateChanged, at: datetime) -> Rows:
    status = s.status(ev.agent, at)
    idle = at if ev.presence is Presence.READY else status.idle_since
    by = "" if ev.by in (ev.agent, "system") else ev.by
    now = {"presence": ev.presence, "reason": ev.reason, "since": at, "idle_since": idle}
    return (s.edit_status(status, **now, set_by=by, declines=0),)


def _agent_reserved(s: NodeState, ev: e.AgentReserved, at: datetime) -> Rows:
    s.reserve(ev.reservation)
    return ()


def _reservation_ended(s: NodeState, ev: e.ReservationEnded, at: datetime) -> Rows:
    return _free_again(s, ev.agent)


def _node_started(s: NodeState, ev: e.NodeStarted, at: datetime) -> Rows:
    # A node that begins anew keeps nobody free: what was promised before is not in any table.
    s.reserved.clear()
    s.kept_for.clear()
    return ()


def _free_again(s: NodeState, agent: AgentName) -> Rows:
    """The row is as it was, but for its version: so whoever waits for agents looks again."""
    if not s.end_reservation(agent) or agent not in s.statuses:
        return ()
    return (s.edit_status(s.statuses[agent]),)


def _agent_defined(s: NodeState, ev: e.AgentDefined, at: datetime) -> Rows:
    s.define_agent(ev.profile)
    return (ev.profile,)


def _agent_removed(s: NodeState, ev: e.AgentRemoved, at: datetime) -> Rows:
    gone = replace(s.profiles[ev.agent], active=False)
    s.define_agent(gone)
    return (gone,)


def _queue_defined(s: NodeState, ev: e.QueueDefined, at: datetime) -> Rows:
    s.queues[ev.queue.name] = ev.queue
    return (ev.queue,)


def _queue_removed(s: NodeState, ev: e.QueueRemoved, at: datetime) -> Rows:
    return (replace(s.queues.pop(ev.queue), active=False),)


def _alarm_raised(s: NodeState, ev: e.AlarmRaised, at: datetime) -> Rows:
    s.alarms[ev.alarm.name] = ev.alarm
    return (ev.alarm,)


def _alarm_ended(s: NodeState, ev: e.AlarmEnded, at: datetime) -> Rows:
    known = s.alarms.pop(ev.alarm, None)
    return () if known is None else (replace(known, active=False),)


def _site_changed(s: NodeState, ev: e.SiteChanged, at: datetime) -> Rows:
    s.put_site(ev.site)
    return (ev.site,)


# -- outbox ---------------------------------------------------------------------------------


def _outbound_queued(s: NodeState, ev: e.OutboundQueued, at: datetime) -> Rows:
    s.outbox[ev.outbound.id] = ev.outbound
    return (ev.outbound,)


def _outbound_attempted(s: NodeState, ev: e.OutboundAttempted, at: datetime) -> Rows:
    old = s.outbox[ev.outbound]
    new = replace(
        old,
        state=OutboundState.ATTEMPTING,
        attempts=ev.attempt,
        repeats=old.repeats + ev.repeat,
        unsettled=ev.repeat,
        version=old.version + 1,
    )
    s.outbox[new.id] = new
    return (new,)


def _outbound_settled(s: NodeState, ev: e.OutboundSettled, at: datetime) -> Rows:
    old = s.outbox.pop(ev.outbound)
    new = replace(
        old,
        state=ev.state,
        unsettled=ev.unsettled,
        reason=ev.reason,
        receipt=ev.receipt,
        next_at=ev.next_at or old.next_at,
        only=ev.only or old.only,
        version=old.version + 1,
    )
    if ev.state is OutboundState.PENDING:
        s.outbox[new.id] = new
    return (new,)


def _outbound_adopted(s: NodeState, ev: e.OutboundAdopted, at: datetime) -> Rows:
    old = ev.outbound
    new = replace(
        old,
        state=OutboundState.PENDING,
        unsettled=old.unsettled or old.state is OutboundState.ATTEMPTING,
        version=old.version + 1,
    )
    s.outbox[new.id] = new
    return (new,)


def _outbound_handed_over(s: NodeState, ev: e.OutboundHandedOver, at: datetime) -> Rows:
    del s.outbox[ev.outbound]
    return ()


_FOLDS: dict[type[Any], Callable[[NodeState, Any, datetime], Rows]] = {
    e.CaseOpened: _case_opened,
    e.CaseChanged: _case_changed,
    e.CaseRated: _case_rated,
    e.MessageAdded: _message_added,
    e.CopyCame: _copy_came,
    e.ItemCreated: _item_created,
    e.ItemQueued: _item_queued,
    e.ItemScheduled: _item_scheduled,
    e.OfferMade: _offer_made,
    e.OfferAccepted: _offer_accepted,
    e.OfferDeclined: _offer_passed,
    e.OfferMissed: _offer_passed,
    e.OfferWithdrawn: _offer_passed,
    e.ItemAssigned: _item_assigned,
    e.ItemHeld: _item_held,
    e.WrapUpStarted: _wrapup_started,
    e.ItemCompleted: _item_completed,
    e.ItemAbandoned: _item_ended,
    e.ItemCanceled: _item_ended,
    e.ItemRejected: _item_ended,
    e.ItemReprioritised: _item_reprioritised,
    e.ItemRevalued: _item_revalued,
    e.ItemCared: _item_cared,
    e.WaitTold: _wait_told,
    e.AlarmRaised: _alarm_raised,
    e.AlarmEnded: _alarm_ended,
    e.WaitMeasured: _wait_measured,
    e.RingOpened: _ring_opened,
    e.ItemRested: _item_rested,
    e.ItemAdopted: _item_adopted,
    e.ItemHandedOver: _item_handed_over,
    e.AgentAttached: _agent_attached,
    e.AgentDetached: _agent_detached,
    e.AgentClaimed: _agent_claimed,
    e.AgentReleased: _agent_released,
    e.AgentAdopted: _agent_adopted,
    e.AgentHandedOver: _agent_handed_over,
    e.AgentStateChanged: _agent_state_changed,
    e.AgentReserved: _agent_reserved,
    e.ReservationEnded: _reservation_ended,
    e.NodeStarted: _node_started,
    e.AgentDefined: _agent_defined,
    e.AgentRemoved: _agent_removed,
    e.QueueDefined: _queue_defined,
    e.QueueRemoved: _queue_removed,
    e.SiteChanged: _site_changed,
    e.OutboundQueued: _outbound_queued,
    e.OutboundAttempted: _outbound_attempted,
    e.OutboundSettled: _outbound_settled,
    e.OutboundAdopted: _outbound_adopted,
    e.OutboundHandedOver: _outbound_handed_over,
    **SERVICE_FOLDS,
    **WATCH_FOLDS,
    **OWED_FOLDS,
    **TIE_FOLDS,
    **COURTESY_FOLDS,
}
