"""Which node is an agent's home, on PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from gateway.core.ids import AgentName, NodeName
from gateway.core.model import AgentStatus
from gateway.store.codec import decode, encode, text
from gateway.store.contract import Term, Unavailable
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.together import Together
from gateway.store.trouble import FAILED, Deadlock, hearing_warnings, meaning, reading

ATTEMPTS = 5


class Claimed(Struct, frozen=True, kw_only=True):
    """The row is in our hands; ``status`` is its document, which commits alone change.

    Not ``settled``: a part of what the agent holds may come yet. ``whole``: everybody is settled
    who is at home here, for no takeover of ours is under way.
    """

    status: AgentStatus
    settled: bool
    whole: bool


class HomeOf(Struct, frozen=True, kw_only=True):
    """The agent is at home at ``node``, whose desktops connect to ``url``.

    Not ``serving``: it has been fenced, or comes or goes just now. Whether one that serves still
    lives is another question.
    """

    node: NodeName
    url: str
    serving: bool


class HomeRows(Protocol):
    """The rows that say where agents are at home."""

    async def claim(self, term: Term, fresh: AgentStatus) -> Claimed | HomeOf:
        """Have the agent's row, if no other node has it; ``fresh`` is for one never seen.

        May be repeated. Raises ``Fenced``, ``Unavailable``, ``CommitUnknown``.
        """
        ...

    async def statuses(self, names: Collection[AgentName]) -> dict[AgentName, AgentStatus]:
        """These agents as they were last written, whichever node has them.

        Raises ``Unavailable``.
        """
        ...


class PgHomes:
    """See ``HomeRows``."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql
        self._claims = Together(self._claim_all)

    async def claim(self, term: Term, fresh: AgentStatus) -> Claimed | HomeOf:
        first = replace(fresh, home=None, version=1, epoch=0, tabs=0)
        for _ in range(ATTEMPTS):
            row = await self._claims.ask((term, first))
            if row is None:
                continue
            before = row["before"]
            if row["doc"] is not None:
                # Who had no home holds nothing; who was ours may have come with a takeover.
                whole = not row["heir"]
                settled = before is None or (before == term.node and whole)
                status = decode(row["doc"], AgentStatus)
                return Claimed(status=status, settled=settled, whole=whole)
            if before is not None and before != term.node:
                return HomeOf(
                    node=NodeName(before), url=row["url"] or "", serving=bool(row["serving"])
                )
        raise Unavailable(f"the home of {fresh.name} changes faster than it can be read")

    async def _claim_all(self, asked: Sequence[tuple[Term, AgentStatus]]) -> list[Any]:
        """The row of each, ``None``: try again."""
        rows: dict[tuple[Term, AgentName], Any] = {}
        for term in dict.fromkeys(term for term, _ in asked):
            named = {fresh.name: fresh for its, fresh in asked if its == term}
            for row in await self._claim(term, named):
                rows[term, AgentName(row["name"])] = row
        return [rows.get((term, AgentName(text(fresh.name)))) for term, fresh in asked]

    async def _claim(self, term: Term, asked: Mapping[AgentName, AgentStatus]) -> list[Any]:
        names, docs = [text(name) for name in asked], [encode(fresh) for fresh in asked.values()]
        try:
            async with self._pool.acquire() as con:
                with hearing_warnings(con):
                    return await con.fetch(
                        self._sql["home_claim"], term.node, term.epoch, names, docs
                    )
        except FAILED as problem:
            found = meaning(problem)
            if isinstance(found, Deadlock):
                return []
            raise found from problem

    async def statuses(self, names: Collection[AgentName]) -> dict[AgentName, AgentStatus]:
        with reading():
            rows = await self._pool.fetch(self._sql["statuses_of"], list(map(text, names)))
        return {
            status.name: replace(status, home=row["home"])
            for row in rows
            for status in [decode(row["doc"], AgentStatus)]
        }
