"""What entries about a work item count; see ``lives``."""

from collections.abc import Mapping
from typing import Any

from gateway.core import events as e
from gateway.core.facts.life import Life, last_agent
from gateway.core.facts.matters import Work, matter_of, segment_of, work_of
from gateway.core.facts.of_cases import Act
from gateway.core.facts.values import Told


def _item_created(life: Life, told: Told, ev: e.ItemCreated) -> None:
    if ev.item.id in life.works:
        return
    work = life.works[ev.item.id] = work_of(ev.item, told)
    if (matter := life.cases.get(work.case)) is not None:
        matter.last_item = work.id
    if not work.owed:
        life.contacts.append(told.at)
        life.count(work, life.cell(work), contacts=1)
        return
    work.asks_since = None
    if (callback := ev.item.callback) is not None:
        life.count(work, life.cell(work), callbacks=1)
        if callback.replaces is not None:
            life.called.add(callback.replaces)


def _item_adopted(life: Life, told: Told, ev: e.ItemAdopted) -> None:
    """Of an item whose beginning is not there any more we know what it was like then."""
    life.cases.setdefault(ev.case.id, matter_of(ev.case))
    if ev.item.id not in life.works:
        life.works[ev.item.id] = work_of(ev.item, told)
    work = life.work(told, ev.item.id)
    if work is not None:
        work.segment = work.segment or segment_of(ev.item)


def _item_queued(life: Life, told: Told, ev: e.ItemQueued) -> None:
    work = life.work(told, ev.item)
    if work is None:
        return
    if work.phase == "waiting":
        if work.queue == ev.queue and not ev.restart:
            return
        life.leave(work, "moved")
    else:
        if ev.given_up_by:
            life.count(work, life.cell(work, agent=ev.given_up_by), transferred=1)
        life.end(work, "queued")
    life.handled(work)
    work.queue = ev.queue
    life.count(work, life.cell(work), offered=1)
    life.begin(work, "waiting")


def _item_scheduled(life: Life, told: Told, ev: e.ItemScheduled) -> None:
    if (work := life.work(told, ev.item)) is not None:
        life.leave(work, "scheduled")


def _offer_made(life: Life, told: Told, ev: e.OfferMade) -> None:
    if (work := life.work(told, ev.item)) is not None:
        life.count(work, life.cell(work, agent=ev.offer.agent), offers=1)


def _offer_accepted(life: Life, told: Told, ev: e.OfferAccepted) -> None:
    if (work := life.work(told, ev.item)) is not None:
        life.taken(work, ev.agent)


def _offer_declined(life: Life, told: Told, ev: e.OfferDeclined) -> None:
    if (work := life.work(told, ev.item)) is not None:
        life.count(work, life.cell(work, agent=ev.agent), declined=1)


def _offer_missed(life: Life, told: Told, ev: e.OfferMissed) -> None:
    if (work := life.work(told, ev.item)) is not None:
        life.count(work, life.cell(work, agent=ev.agent), missed=1)


def _item_assigned(life: Life, told: Told, ev: e.ItemAssigned) -> None:
    work = life.work(told, ev.item)
    if work is None:
        return
    if work.phase in ("talk", "wrap") and work.agent and work.agent != ev.agent:
        life.count(work, life.cell(work, agent=work.agent), transferred=1)
    life.taken(work, ev.agent, picked=ev.taken)


def _item_held(life: Life, told: Told, ev: e.ItemHeld) -> None:
    if (work := life.work(told, ev.item)) is not None:
        life.end(work, "held")
        life.begin(work, "held")


def _wrapup_started(life: Life, told: Told, ev: e.WrapUpStarted) -> None:
    if (work := life.work(told, ev.item)) is not None:
        life.end(work, "wrap")
        work.holder = ev.agent
        life.begin(work, "wrap", ev.agent)


def _item_completed(life: Life, told: Told, ev: e.ItemCompleted) -> None:
    work = life.work(told, ev.item)
    if work is None:
        return
    life.leave(work, "completed")
    matter = life.matter(work)
    work.code = ev.code
    work.category = ev.categories[0] if ev.categories else (matter.category if matter else "")
    life.count(work, life.cell(work, agent=work.holder or ev.agent or ""), completed=1)
    _ended(life, work, "completed")


def _ended(life: Life, work: Work, outcome: str) -> None:
    life.handled(work)
    work.ended_at, work.outcome = work.latest, outcome


def _item_abandoned(life: Life, told: Told, ev: e.ItemAbandoned) -> None:
    work = life.work(told, ev.item)
    if work is None:
        return
    if work.phase == "waiting":
        waited = life.end(work, "abandoned")
        life.count(work, life.cell(work), abandoned=1, wait=waited)
    else:
        life.end(work, "abandoned")
    _ended(life, work, "abandoned")


def _item_canceled(life: Life, told: Told, ev: e.ItemCanceled | e.ItemRejected) -> None:
    work = life.work(told, ev.item)
    if work is None:
        return
    outcome = "canceled" if isinstance(ev, e.ItemCanceled) else "rejected"
    life.leave(work, outcome)
    life.count(work, life.cell(work), canceled=1)
    _ended(life, work, outcome)


def _item_refiled(life: Life, told: Told, ev: e.ItemRefiled) -> None:
    if (work := life.work(told, ev.item)) is not None:
        work.case = ev.case
        if (matter := life.cases.get(ev.case)) is not None:
            matter.last_item = ev.item


def _customer_answered(life: Life, told: Told, ev: e.CustomerAnswered) -> None:
    work = life.work(told, ev.item)
    if work is None:
        return
    work.language = ev.language or work.language
    said = ev.attributes.get("segment")
    if isinstance(said, str) and said:
        work.segment = said[:100]


# -- what is owed, told and measured --------------------------------------------------------


def _callback_tried(life: Life, told: Told, ev: e.CallbackTried) -> None:
    if (work := life.work(told, ev.item)) is not None:
        reached = {"callbacks_reached": 1.0} if ev.outcome == "reached" else {}
        life.count(work, life.cell(work, agent=ev.agent), callback_tries=1, **reached)


def _promise_kept(life: Life, told: Told, ev: e.PromiseKept) -> None:
    if (work := life.work(told, ev.item)) is not None:
        cell = life.cell(work, agent=ev.agent)
        life.count(work, cell, promises_kept=1, promise_late=ev.late)


def _promise_broken(life: Life, told: Told, ev: e.PromiseBroken) -> None:
    if (work := life.work(told, ev.item)) is not None:
        life.count(work, life.cell(work, agent=ev.agent), promises_broken=1)


def _wait_measured(life: Life, told: Told, ev: e.WaitMeasured) -> None:
    if (work := life.work(told, ev.item)) is not None:
        off = abs(ev.waited - ev.told)
        cell = life.cell(work, queue=ev.queue)
        life.count(work, cell, told=1, told_wait=ev.told, true_wait=ev.waited, told_off=off)


def _misrouted(life: Life, told: Told, ev: e.ItemMisrouted) -> None:
    if (work := life.work(told, ev.item)) is not None:
        life.count(work, life.cell(work, agent=ev.agent), misrouted=1)


def _breached(life: Life, told: Told, ev: e.ServiceLevelBreached) -> None:
    if (work := life.work(told, ev.item)) is not None:
        life.count(work, life.cell(work, agent=work.agent), breached=1)


def _clocks_set(life: Life, told: Told, ev: e.ClocksSet) -> None:
    """The clocks count open time alone; the first reply's stops for good with it."""
    work = life.work(told, ev.item)
    clock = ev.service.clock("first_reply")
    if work is None or clock is None or clock.met_at is None or work.first_reply_open:
        return
    work.first_reply_open = True
    cell = life.cell(work, agent=work.agent or work.holder)
    life.count(work, cell, first_replies_open=1, first_reply_open=clock.used)


def _clocks_ended(life: Life, told: Told, ev: e.ServiceLevelEnded) -> None:
    work = life.work(told, ev.item)
    clock = ev.service.clock("resolution")
    if work is None or clock is None:
        return
    cell = life.cell(work, agent=last_agent(work))
    life.count(work, cell, resolutions_open=1, resolution_open=clock.used)


ITEM_ACTS: Mapping[type[Any], Act] = {
    e.ItemCreated: _item_created,
    e.ItemAdopted: _item_adopted,
    e.ItemQueued: _item_queued,
    e.ItemScheduled: _item_scheduled,
    e.OfferMade: _offer_made,
    e.OfferAccepted: _offer_accepted,
    e.OfferDeclined: _offer_declined,
    e.OfferMissed: _offer_missed,
    e.ItemAssigned: _item_assigned,
    e.ItemHeld: _item_held,
    e.WrapUpStarted: _wrapup_started,
    e.ItemCompleted: _item_completed,
    e.ItemAbandoned: _item_abandoned,
    e.ItemCanceled: _item_canceled,
    e.ItemRejected: _item_canceled,
    e.ItemRefiled: _item_refiled,
    e.CustomerAnswered: _customer_answered,
    e.CallbackTried: _callback_tried,
    e.PromiseKept: _promise_kept,
    e.PromiseBroken: _promise_broken,
    e.WaitMeasured: _wait_measured,
    e.ItemMisrouted: _misrouted,
    e.ServiceLevelBreached: _breached,
    e.ClocksSet: _clocks_set,
    e.ServiceLevelEnded: _clocks_ended,
}
