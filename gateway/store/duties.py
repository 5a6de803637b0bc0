"""Named duties on PostgreSQL: who can do what, who does, and how it changes hands.

Every write is one statement that requires the node's epoch and raises ``Fenced`` without it.
All may be repeated after ``CommitUnknown``: a look shows what became of it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from gateway.core.duties import Duty, DutyTerm, Look, Member, Wish
from gateway.store.codec import decode
from gateway.store.contract import Term, Unavailable
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import FAILED, Deadlock, hearing_warnings, meaning, reading


class DutyRows(Protocol):
    """The table of duties."""

    async def look(self, term: Term) -> Look | None:
        """Everything at one moment; ``None``: the node does not hold this epoch any more."""
        ...

    async def wish(self, term: Term, ranks: Mapping[str, int]) -> None:
        """Say all that this life of the node can do, and how well it suits (``core.duties``)."""
        ...

    async def take(self, term: Term, duty: str, seen: int) -> DutyTerm | None:
        """Become the holder if the row still has the epoch ``seen``; ``None``: it has not."""
        ...

    async def give(self, term: Term, held: DutyTerm) -> bool:
        """Hold it no longer: nothing more is written under ``held``. False: it was not held."""
        ...

    async def ask(self, term: Term, duties: Iterable[str]) -> None:
        """Ask whoever holds these to pass them to us."""
        ...


class PgDuties:
    """See ``DutyRows``."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def look(self, term: Term) -> Look | None:
        with reading():
            row = await self._pool.fetchrow(self._sql["duty_look"], term.node, term.epoch)
        if row is None:
            return None
        return Look(
            life=row["life"],
            members=decode(row["members"], tuple[Member, ...]),
            duties=decode(row["duties"], tuple[Duty, ...]),
            wishes=decode(row["wishes"], tuple[Wish, ...]),
        )

    async def wish(self, term: Term, ranks: Mapping[str, int]) -> None:
        await self._write("duty_wishes", term, list(ranks), list(ranks.values()))

    async def take(self, term: Term, duty: str, seen: int) -> DutyTerm | None:
        rows = await self._write("duty_take", term, duty, seen)
        return DutyTerm(name=duty, epoch=rows[0]["epoch"]) if rows else None

    async def give(self, term: Term, held: DutyTerm) -> bool:
        return bool(await self._write("duty_give", term, held.name, held.epoch))

    async def ask(self, term: Term, duties: Iterable[str]) -> None:
        await self._write("duty_ask", term, list(duties))

    async def _write(self, name: str, term: Term, *arguments: Any) -> list[Any]:
        try:
            async with self._pool.acquire() as con:
                with hearing_warnings(con):
                    return await con.fetch(self._sql[name], term.node, term.epoch, *arguments)
        except FAILED as problem:
            found = meaning(problem)
            raise (Unavailable(str(found)) if isinstance(found, Deadlock) else found) from problem
