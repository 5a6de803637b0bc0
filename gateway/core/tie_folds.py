"""How merging, separating and splitting cases change a node's state; see ``folds``."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.model import Case, CaseStatus
from gateway.core.state import NodeState, Rows
from gateway.core.ties import CaseLink, CasePlace, ItemPlace, Ties, linked


def _ties(case: Case, link: CaseLink) -> Ties:
    ties = case.ties or Ties()
    return replace(ties, links=linked(ties, link))


def _case_merged(s: NodeState, ev: e.CaseMerged, at: datetime) -> Rows:
    case = s.cases[ev.case]
    link = CaseLink(
        case=ev.into, number=ev.into_number, how="merged_into", at=at, by=ev.by, reason=ev.reason
    )
    ties = replace(
        _ties(case, link),
        into=ev.into,
        link=ev.link,
        items=ev.items,
        ended=ev.ended,
        ended_there=ev.ended_there,
    )
    merged = s.edit_case(case, at, ties=ties, status=CaseStatus.CLOSED)
    return merged, CasePlace(case=ev.case, into=ev.into)


def _case_separated(s: NodeState, ev: e.CaseSeparated, at: datetime) -> Rows:
    case = s.cases[ev.case]
    link = CaseLink(
        case=ev.into, number=ev.into_number, how="separated", at=at, by=ev.by, reason=ev.reason
    )
    ties = replace(_ties(case, link), into=None, link=0, items=(), ended=False, ended_there=False)
    alone = s.edit_case(case, at, ties=ties)
    return alone, CasePlace(case=ev.case, into=None)


def _case_linked(s: NodeState, ev: e.CaseLinked, at: datetime) -> Rows:
    case = s.cases[ev.case]
    return (s.edit_case(case, at, ties=_ties(case, ev.link)),)


def _messages_split(s: NodeState, ev: e.MessagesSplit, at: datetime) -> Rows:
    # Where each message goes are rows that come with the event.
    case = s.cases[ev.case]
    link = CaseLink(
        case=ev.into,
        number=ev.into_number,
        how="split_into",
        at=at,
        by=ev.by,
        reason=ev.reason,
        messages=len(ev.messages),
    )
    new = s.cases[ev.into]
    return (
        s.edit_case(case, at, ties=_ties(case, link)),
        s.edit_case(new, at, last_seq=new.last_seq + len(ev.messages)),
    )


def _item_refiled(s: NodeState, ev: e.ItemRefiled, at: datetime) -> Rows:
    # The header goes along as a row: whoever follows the journal learns of it by rows alone.
    case = s.cases[ev.case]
    case = s.edit_case(case, case.changed_at or at)
    item = s.edit(s.items[ev.item], case=ev.case, number=ev.number)
    return case, item, ItemPlace(item=item.id, case=item.case)


def _copies_joined(s: NodeState, ev: e.CopiesJoined, at: datetime) -> Rows:
    return (s.edit(s.items[ev.item], copies=ev.copies),)


TIE_FOLDS: Mapping[type[Any], Callable[[NodeState, Any, datetime], Rows]] = {
    e.CaseMerged: _case_merged,
    e.CaseSeparated: _case_separated,
    e.CaseLinked: _case_linked,
    e.MessagesSplit: _messages_split,
    e.ItemRefiled: _item_refiled,
    e.CopiesJoined: _copies_joined,
}
