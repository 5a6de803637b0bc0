"""Cases that are counted together: they were merged or split, or one follows the other."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct, field

from gateway.core import events as e
from gateway.core.facts.values import Told
from gateway.core.ids import Position
from gateway.store.pool import Connection
from gateway.store.queries import Queries

CLOCKS = timedelta(days=8)
"""No two clocks differ by so much."""


def _follows(ev: e.CaseOpened) -> list[tuple[str, str]]:
    return [(ev.case.id, ev.case.follows)] if ev.case.follows is not None else []


FOLLOWING: Mapping[type[Any], Callable[[Any], list[tuple[str, str]]]] = {
    e.CaseOpened: _follows,
    e.CaseMerged: lambda ev: [(ev.case, ev.into)],
    e.MessagesSplit: lambda ev: [(ev.case, ev.into)],
    e.ItemRefiled: lambda ev: [(ev.case, ev.was)],
}
"""The events that tie cases together, and which."""


class Family(Struct):
    """Cases that are counted together, under the least of their ids.

    ``before`` are the roots that they were counted under, ``seen`` what had been read of them then.
    """

    root: str
    cases: list[str]
    began: datetime
    before: list[str] = field(default_factory=list)
    seen: dict[str, Position] = field(default_factory=dict)

    def lost(self, entries: list[Told]) -> bool:
        """Whether the first entries that it was counted from are not in the journal any more."""
        first = min((one.at for one in entries), default=None)
        return bool(self.before) and (first is None or first > self.began)

    def since(self, entries: list[Told]) -> datetime:
        """When it began, as far as is known."""
        if self.lost(entries):
            return self.began
        return min((one.at for one in entries), default=self.began)


class _Known(Struct):
    """What is stored of a family."""

    began: datetime
    seen: dict[str, Position]
    cases: list[str]


async def families_of(
    con: Connection,
    sql: Queries,
    touched: dict[str, dict[str, Position]],
    began: dict[str, datetime],
    ties: list[tuple[str, str]],
) -> list[Family]:
    """The families of which something is said that they have not been counted with."""
    cases = {*touched, *(case for pair in ties for case in pair)}
    stored = {
        row["case_id"]: row["root"] for row in await con.fetch(sql["facts_cases"], list(cases))
    }
    known = await _known(con, sql, set(stored.values()))
    tree = _Tree()
    for root, one in known.items():
        for case in one.cases:
            tree.join(root, case)
    for pair in ties:
        tree.join(*pair)
    families: dict[str, list[str]] = {}
    for case in {*cases, *(case for one in known.values() for case in one.cases)}:
        families.setdefault(tree.root(case), []).append(case)
    found = []
    for root, members in families.items():
        before = sorted({stored[case] for case in members if case in stored})
        old = [known[one] for one in before]
        if len(old) == 1 and before[0] == root and _is_old(old[0], members, touched):
            continue
        starts = [one.began for one in old] + [began[case] for case in members if case in began]
        if starts:
            found.append(Family(root=root, cases=sorted(members), began=min(starts), before=before))
    return sorted(found, key=lambda one: one.root)


async def _known(con: Connection, sql: Queries, roots: set[str]) -> dict[str, _Known]:
    return {
        row["root"]: _Known(
            began=row["began"],
            seen=msgspec.json.decode(row["seen"], type=dict[str, Position]),
            cases=row["cases"],
        )
        for row in await con.fetch(sql["facts_families"], list(roots))
    }


def _is_old(old: _Known, members: list[str], touched: dict[str, dict[str, Position]]) -> bool:
    if set(members) != set(old.cases):
        return False
    return all(
        node in old.seen and position <= old.seen[node]
        for case in members
        for node, position in touched.get(case, {}).items()
    )


class _Tree:
    """Which cases belong together; each group goes by the least of its ids."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, case: str) -> str:
        while (above := self._above.get(case, case)) != case:
            self._above[case] = self._above.get(above, above)
            case = above
        return case

    def join(self, one: str, other: str) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        self._above[high] = low
