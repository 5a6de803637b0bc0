"""Bringing an item back to work, because of something that has happened in its case."""

from gateway.core import events as e
from gateway.core.model import Case, CaseStatus, Item, ItemState


def wake(item: Item, case: Case, why: str) -> list[e.Change]:
    """What news in a case does to its open item, and to the case. ``why`` is recorded."""
    changes: list[e.Change] = []
    match item.state:
        case ItemState.NEW:
            changes.append(e.Change(e.ItemQueued(item=item.id, queue=item.queue, reason="arrived")))
        case ItemState.SCHEDULED if item.wake_at is None:
            pass  # kept back: a person decides
        case ItemState.HELD | ItemState.SCHEDULED:
            woken = e.ItemQueued(item=item.id, queue=item.queue, reason=why, restart=True)
            changes.append(e.Change(woken))
        case ItemState.WRAPPING if item.agent is not None:
            back = e.ItemAssigned(
                item=item.id, agent=item.agent, by="system", reason=f"{why} during wrap-up"
            )
            changes.append(e.Change(back))
        case _:
            pass
    if case.status in (CaseStatus.WAITING, CaseStatus.SOLVED):
        opened = e.CaseChanged(case=case.id, by="system", status=CaseStatus.OPEN, reason=why)
        changes.append(e.Change(opened))
    return changes
