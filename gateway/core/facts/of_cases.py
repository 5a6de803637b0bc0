"""What entries about a case and what is said in it count; see ``lives``."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.core import events as e
from gateway.core.facts.life import Life, last_agent
from gateway.core.facts.matters import Matter, matter_of
from gateway.core.facts.values import Moment, Told, seconds
from gateway.core.ids import ItemId
from gateway.core.model import CaseStatus
from gateway.core.rating import SATISFIED

Act = Callable[[Life, Told, Any], None]


def _case_opened(life: Life, told: Told, ev: e.CaseOpened) -> None:
    life.cases.setdefault(ev.case.id, matter_of(ev.case))


def _case_changed(life: Life, told: Told, ev: e.CaseChanged) -> None:
    matter = life.cases.get(ev.case)
    if matter is None:
        return
    if ev.stage is not None and ev.stage != matter.stage:
        if matter.stage and matter.staged_at is not None:
            life.stages.append(life.stage(matter, told.at, ev.stage))
        matter.stage, matter.staged_at = ev.stage, told.at
    matter.category = matter.category if ev.category is None else ev.category
    matter.type = ev.type or matter.type
    if ev.level is not None:
        matter.level, matter.highest = ev.level, max(matter.highest, ev.level)
    if ev.status is not None:
        _status_changed(life, told, matter, ev)


def _status_changed(life: Life, told: Told, matter: Matter, ev: e.CaseChanged) -> None:
    over = ev.status in (CaseStatus.SOLVED, CaseStatus.CLOSED)
    if over and matter.stage and matter.staged_at is not None:
        life.stages.append(life.stage(matter, told.at, "over"))
        matter.staged_at = None
    elif not over and matter.stage and matter.staged_at is None:
        matter.staged_at = told.at
    if ev.status is CaseStatus.SOLVED and matter.open:
        work = life.works.get(ev.item or matter.last_item or ItemId(""))
        agent = work.holder or last_agent(work) if work else ""
        sums: dict[str, float] = {
            "solved": 1,
            "resolution": seconds(matter.begun_at or matter.opened_at, told.at),
        }
        if matter.highest <= 1:
            sums["solved_at_one"] = 1
        if not life.solves and len(life.contacts) <= 1:
            sums["solved_first"] = 1
        cell = life.cell(work, agent=agent) if work else life.about(matter)
        life.solves.append(Moment(at=told.at, cell=cell, sums=sums, item=work.id if work else None))
    if over:
        matter.open = False
    elif not matter.open:
        matter.open, matter.begun_at, matter.highest = True, told.at, matter.level


def _case_rated(life: Life, told: Told, ev: e.CaseRated) -> None:
    """A score that was changed counts as it is now, when it was given last."""
    matter = life.cases.get(ev.case)
    work = life.works.get(ev.item) if ev.item else None
    if work is not None:
        cell = life.cell(work, agent=ev.agent or "")
    elif matter is not None:
        cell = life.about(matter, agent=ev.agent or "")
    else:
        return
    sums: dict[str, float] = {"rated": 1, "score": ev.score}
    if ev.score >= SATISFIED:
        sums["satisfied"] = 1
    life.ratings[ev.case, ev.item] = Moment(at=told.at, cell=cell, sums=sums, item=ev.item)


def _message_added(life: Life, told: Told, ev: e.MessageAdded) -> None:
    if ev.automatic:
        return
    work = life.work(told, ev.item)
    if ev.direction == "in":
        if work is None or work.phase == "held":
            life.contacts.append(told.at)
        if work is not None and work.asks_since is None:
            work.asks_since = work.latest
    elif ev.direction == "out" and work is not None and work.asks_since is not None:
        waited = seconds(work.asks_since, work.latest)
        cell = life.cell(work, agent=work.agent or work.holder)
        if work.replied_at is None:
            life.count(work, cell, first_replies=1, first_reply=waited)
        else:
            life.count(work, cell, next_replies=1, next_reply=waited)
        work.replied_at, work.asks_since = work.replied_at or work.latest, None


CASE_ACTS: Mapping[type[Any], Act] = {
    e.CaseOpened: _case_opened,
    e.CaseChanged: _case_changed,
    e.CaseRated: _case_rated,
    e.MessageAdded: _message_added,
}
