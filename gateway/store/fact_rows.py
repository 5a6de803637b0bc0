"""Facts as rows: cells by a digest of what they hold, and what is copied in."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from gateway.core.facts.rows import Counted, bucket
from gateway.core.facts.shifts import Shift
from gateway.core.facts.values import COUNTS, SECONDS, SHIFT, Cell, ItemFact, Segment
from gateway.store.codec import text
from gateway.store.pool import Connection
from gateway.store.queries import Queries

FACT = ("root", "item", "at", "cell", "bucket", *COUNTS, *SECONDS)
SEGMENT = ("root", "item", "what", "agent", "cell", "began", "ended", "outcome")
ITEM = (
    "item",
    "root",
    "case_id",
    "number",
    "cell",
    "created_at",
    "answered_at",
    "replied_at",
    "ended_at",
    "outcome",
    "talk",
    "wrap",
)
SHIFTS = ("agent", "at", "cell", *SHIFT)
_KNOWN = 200_000
"""Cells remembered as written, so that they are not written again."""


class Cells:
    """Which number a cell has. New ones are put in before what refers to them."""

    def __init__(self, con: Connection, sql: Queries) -> None:
        self._con = con
        self._sql = sql
        self._ids: dict[Cell, int] = {}
        self._new: dict[int, Cell] = {}

    def id_of(self, cell: Cell) -> int:
        """Its number, here and in every other database."""
        number = self._ids.get(cell)
        if number is None:
            values = _values(cell)
            digest = blake2b(msgspec.json.encode(values), digest_size=8).digest()
            number = self._ids[cell] = int.from_bytes(digest, "big", signed=True)
            self._new[number] = cell
        return number

    async def save(self) -> None:
        """Call it before the rows are written, in the same transaction."""
        if self._new:
            rows = [(number, *_values(cell)) for number, cell in self._new.items()]
            await self._con.execute(
                self._sql["facts_cells_add"], *map(list, zip(*rows, strict=True))
            )
            self._new.clear()

    async def read(self, numbers: Iterable[int]) -> dict[int, Cell]:
        """What these numbers mean."""
        rows = await self._con.fetch(self._sql["facts_cells"], list(set(numbers)))
        return {row["id"]: Cell(**{k: v for k, v in row.items() if k != "id"}) for row in rows}

    def forget(self) -> None:
        """After a transaction that failed, and when there are too many."""
        self._ids.clear()
        self._new.clear()

    def tidy(self) -> None:
        if len(self._ids) > _KNOWN:
            self.forget()


def _values(cell: Cell) -> tuple[str | int, ...]:
    raw = (getattr(cell, name) for name in Cell.__struct_fields__)
    return tuple(text(value) if isinstance(value, str) else value for value in raw)


def fact_record(root: str, row: Counted, cells: Cells) -> tuple[Any, ...]:
    """In the order of ``FACT``."""
    sums = row.sums
    wait = bucket(sums["wait"]) if sums.get("answered") and "wait" in sums else None
    counts = [round(sums[name]) if name in sums else None for name in COUNTS]
    return (
        root,
        row.item,
        row.at,
        cells.id_of(row.cell),
        wait,
        *counts,
        *[sums.get(name) for name in SECONDS],
    )


def segment_record(root: str, one: Segment, cells: Cells) -> tuple[Any, ...]:
    """In the order of ``SEGMENT``."""
    agent, cell = text(one.cell.agent), cells.id_of(one.cell)
    return root, one.item, one.what, agent, cell, one.began, one.ended, text(one.outcome)


def item_record(root: str, one: ItemFact, cells: Cells) -> tuple[Any, ...]:
    """In the order of ``ITEM``."""
    return (
        one.item,
        root,
        one.case,
        one.number,
        cells.id_of(one.cell),
        one.created_at,
        one.answered_at,
        one.replied_at,
        one.ended_at,
        one.outcome,
        one.talk,
        one.wrap,
    )


def shift_record(one: Shift, cells: Cells) -> tuple[Any, ...]:
    """In the order of ``SHIFTS``."""
    sums = [one.sums.get(name) for name in SHIFT]
    return text(one.agent), one.at, cells.id_of(one.cell), *sums


async def copy(
    con: Connection, table: str, columns: Sequence[str], records: list[tuple[Any, ...]]
) -> None:
    """Put them all in."""
    if records:
        await con.copy_records_to_table(table, records=records, columns=columns)
