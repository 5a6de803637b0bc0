"""Merged and split cases on the disk of the store in memory."""

from collections.abc import Sequence

from msgspec.structs import replace

from gateway.core import model as m
from gateway.core.ids import CaseId, CustomerId, MessageId
from gateway.core.messages import left_behind
from gateway.core.ties import CasePlace, ItemPlace, MessagePlace
from tests.support.memory_ground import Ground

_ADDRESSED = ("email", "sms", "whatsapp", "telegram")


def place(tables: Ground, row: CasePlace | MessagePlace | ItemPlace) -> None:
    """Write it."""
    if isinstance(row, CasePlace):
        tables.merged.pop(row.case, None)
        if row.into is not None:
            tables.merged[row.case] = row.into
    elif isinstance(row, MessagePlace):
        known = tables.messages[row.message]
        tables.left.setdefault((known.case, known.seq), row.message)
        del tables.said[known.case][known.seq]
        tables.messages[row.message] = replace(known, case=row.to, seq=row.to_seq)
        tables.said.setdefault(row.to, {})[row.to_seq] = row.message
    # An item's row says itself to which case it belongs.


def family(tables: Ground, case: CaseId) -> set[CaseId]:
    """The case and all that was merged into it."""
    found, more = {case}, {case}
    while more:
        more = {one for one, into in tables.merged.items() if into in more} - found
        found |= more
    return found


def conversation(
    tables: Ground, case: CaseId, after: int, limit: int, customer: CustomerId | None
) -> list[tuple[int, m.Message]]:
    cases = family(tables, case)

    def seen(message: m.Message) -> bool:
        if customer is None:
            return True
        whose = tables.cases[message.case].customer
        theirs = whose is not None and whose.id == customer
        return message.direction != "note" and (theirs or message.kind in _ADDRESSED)

    ids = [i for one in cases for i in tables.said.get(one, {}).values()]
    found = {i: tables.messages[i] for i in ids if seen(tables.messages[i])}
    if customer is None:
        for (was, _), message_id in tables.left.items():
            message = tables.messages[message_id]
            if was in cases and message.case not in cases:
                found[message_id] = left_behind(message, tables.cases[message.case].number)
    placed = list(enumerate((found[i] for i in sorted(found)), 1))
    return placed[after : after + limit]


def chosen(
    tables: Ground, case: CaseId, messages: Sequence[MessageId]
) -> tuple[list[m.Message], int]:
    shown = [i for one in family(tables, case) for i in tables.said.get(one, {}).values()]
    found = [tables.messages[i] for i in sorted(shown) if i in messages]
    stays = [i for i in shown if i not in messages]
    heard = [i for i in stays if tables.messages[i].direction in ("in", "out")]
    return found, len(heard) if found else 0
