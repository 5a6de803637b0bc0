"""Which faults happen, when, and to whom: all of it from a seed. Pure.

Faults are dealt like cards: every kind comes once before any comes again, so that few faults are
still of many kinds. One failure at a time is what is promised, so each is healed before the next;
those of two blows are ones under which the promises still hold.
"""

import random
from collections.abc import Collection
from enum import StrEnum

from msgspec import Struct

NODES = ("east", "west")


class Kind(StrEnum):
    """In words, as the report prints it."""

    NODE_KILLED = "kill -9 of a node, begun again at once"
    NODE_GONE = "kill -9 of a node, back once it has been taken over"
    NODE_BLINKED = "SIGSTOP of a node for a moment"
    NODE_FROZEN = "SIGSTOP of a node for 20 s"
    NODES_KILLED = "kill -9 of both nodes at once"
    KILLED_IN_TAKEOVER = "kill -9 of a node, and of the other while it takes over"
    FROZEN_IN_TAKEOVER = "kill -9 of a node, SIGSTOP of the other while it takes over"
    KILLED_IN_REJOIN = "kill -9 of a node, and again while it begins"
    DATABASE_CRASHED = "kill -9 of the primary PostgreSQL"
    DATABASE_GONE = "kill -9 of the primary PostgreSQL and its Patroni"
    DATABASE_BLINKED = "SIGSTOP of the primary PostgreSQL for a moment"
    DATABASE_FROZEN = "SIGSTOP of the primary PostgreSQL and its Patroni for 45 s"
    PATRONI_FROZEN = "SIGSTOP of the primary's Patroni alone for 30 s"
    STANDBY_GONE = "kill -9 of the standby PostgreSQL and its Patroni"
    NODE_AND_DATABASE = "kill -9 of a node and of the primary PostgreSQL at once"
    BLINK_AND_DATABASE = "kill -9 of the primary PostgreSQL while a node is stopped"
    CUT_SILENT = "a node's way to the database: nothing passes"
    CUT_HALF_OPEN = "a node's way to the database: half-open connections"
    CUT_RESET = "a node's way to the database: reset and refused"
    CUT_TRICKLE = "a node's way to the database: 1 byte/s"
    SLOW_COMMITS = "slow commits: 0.2 s and more to the database and back"
    SLOW_STANDBY = "slow commits: the standby is stopped for a moment"


SECONDS: dict[Kind, tuple[float, float]] = {
    Kind.NODE_KILLED: (0.0, 0.5),
    Kind.NODE_GONE: (7.0, 11.0),
    Kind.NODE_BLINKED: (0.3, 3.5),
    Kind.NODE_FROZEN: (20.0, 20.0),
    Kind.NODES_KILLED: (0.0, 1.0),
    Kind.KILLED_IN_TAKEOVER: (4.5, 7.5),
    Kind.FROZEN_IN_TAKEOVER: (4.5, 7.5),
    Kind.KILLED_IN_REJOIN: (0.3, 4.0),
    Kind.DATABASE_CRASHED: (0.0, 0.0),
    Kind.DATABASE_GONE: (24.0, 30.0),
    Kind.DATABASE_BLINKED: (0.3, 3.0),
    Kind.DATABASE_FROZEN: (45.0, 45.0),
    Kind.PATRONI_FROZEN: (30.0, 30.0),
    Kind.STANDBY_GONE: (2.0, 8.0),
    Kind.NODE_AND_DATABASE: (0.0, 9.0),
    Kind.BLINK_AND_DATABASE: (1.0, 4.0),
    Kind.CUT_SILENT: (2.0, 15.0),
    Kind.CUT_HALF_OPEN: (2.0, 12.0),
    Kind.CUT_RESET: (0.2, 10.0),
    Kind.CUT_TRICKLE: (2.0, 12.0),
    Kind.SLOW_COMMITS: (3.0, 8.0),
    Kind.SLOW_STANDBY: (0.5, 2.5),
}
"""How long each lasts, or the moment of its second blow."""

LONG = frozenset(
    {
        Kind.NODE_FROZEN,
        Kind.DATABASE_GONE,
        Kind.DATABASE_FROZEN,
        Kind.PATRONI_FROZEN,
        Kind.FROZEN_IN_TAKEOVER,
    }
)
"""Over twenty seconds each: not among the few faults that every change is tried with."""
OFTEN = (
    Kind.NODE_KILLED,
    Kind.NODE_GONE,
    Kind.DATABASE_CRASHED,
    Kind.KILLED_IN_TAKEOVER,
    Kind.KILLED_IN_REJOIN,
    Kind.NODE_KILLED,
)
"""In a long plan these come more often than the others."""


class Fault(Struct, frozen=True):
    """One fault: ``pause`` seconds after the last was healed, to ``node`` where it is a node's."""

    kind: Kind
    node: str
    pause: float
    seconds: float
    other: float
    """A second die, between 0 and 1, for kinds that need one."""


def plan(
    seed: int, count: int, *, long: bool, kinds: Collection[Kind] = tuple(Kind)
) -> list[Fault]:
    """The same for the same arguments; a longer one begins as a shorter one does."""
    dice = random.Random(f"{seed} {long}")
    faults: list[Fault] = []
    while len(faults) < count:
        deck = [kind for kind in Kind if long or kind not in LONG]
        deck += OFTEN if long else ()
        deck = [kind for kind in deck if kind in kinds]
        dice.shuffle(deck)
        faults += [_fault(kind, dice) for kind in deck]
    return faults[:count]


def _fault(kind: Kind, dice: random.Random) -> Fault:
    return Fault(
        kind=kind,
        node=dice.choice(NODES),
        pause=round(dice.uniform(0.2, 2.5), 2),
        seconds=round(dice.uniform(*SECONDS[kind]), 2),
        other=round(dice.random(), 3),
    )


def words(faults: list[Fault]) -> list[str]:
    """A line each, for the log."""
    return [f"{n + 1:3} {f.kind}: {f.node}, {f.seconds:.2f} s" for n, f in enumerate(faults)]
