"""Bringing an item back to work, because of something that has happened in its case."""

from datetime import datetime

from gateway.core import events as e
from gateway.core.model import Case, CaseStatus, Item, ItemState
from gateway.core.pending import pending


def wake(item: Item, case: Case, why: str, since: datetime | None = None) -> list[e.Change]:
    """What news in a case does to its open item, and to the case. ``why`` is recorded.

    A new one waits as if ``since`` then: its customer had a place already.
    """
    changes: list[e.Change] = []
    match item.state:
        case ItemState.NEW:
            came = e.ItemQueued(item=item.id, queue=item.queue, reason="arrived", since=since)
            changes.append(e.Change(came))
        case ItemState.SCHEDULED if item.wake_at is None:
            pass  # kept back: a person decides
        case ItemState.HELD | ItemState.SCHEDULED:
            asked = pending(item)
            place = asked.since if asked is not None else None
            woken = e.ItemQueued(
                item=item.id, queue=item.queue, reason=why, restart=True, since=place
            )
            changes.append(e.Change(woken))
        case ItemState.WRAPPING if item.agent is not None:
            back = e.ItemAssigned(
                item=item.id, agent=item.agent, by="system", reason=f"{why} during wrap-up"
            )
            changes.append(e.Change(back))
        case _:
            pass
    return changes + reopened(case, why)


def reopened(case: Case, why: str) -> list[e.Change]:
    """The case, if nobody was to do anything about it just now."""
    if case.status not in (CaseStatus.WAITING, CaseStatus.SOLVED, CaseStatus.PROMISED):
        return []
    return [e.Change(e.CaseChanged(case=case.id, by="system", status=CaseStatus.OPEN, reason=why))]
