"""Who lives: no living node is judged dead, a dead one is in time, and never by a sick one.

The histories are played: a database with counters, several nodes with clocks of their own, rounds
that take as long as they take, failovers that jump any clock that might be asked.
"""

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from gateway.core.election import (
    GAP_SECONDS,
    LEASE_SECONDS,
    ROUND_SECONDS,
    Facts,
    Look,
    Peer,
    Verdict,
    decide,
    observe,
)
from gateway.core.ids import NodeName

ME, PEER = NodeName("a"), NodeName("b")
MANY = settings(max_examples=600)
DICE = st.integers(0, 2**32).map(Random)
"""One number for a whole history: many histories, quickly made."""
SKEW = st.floats(-1e6, 1e6)


def peer(counter: int = 1, **changes: object) -> Peer:
    return replace(Peer(node=PEER, epoch=1, fence=1, counter=counter), **changes)


def look(at: float, counter: int, *, took: float = 0.01, timeline: int = 1) -> Look:
    """A look that ended at ``at``."""
    return Look(began=at - took, ended=at, timeline=timeline, peers=(peer(counter),))


def judged(looks: list[Look | None]) -> list[tuple[float, Verdict]]:
    """Every verdict, at the time of the answer that led to it."""
    facts, said = Facts(me=ME), []
    for one in looks:
        facts = observe(facts, one)
        if one is not None:
            said += [(one.ended, verdict) for verdict in decide(facts, one.ended)]
    return said


class Round(Struct, frozen=True):
    """One turn of a node's loop: how long it waited, how long the database took, how it ended."""

    pause: float
    takes: float
    fails: bool = False


class Statement(Struct, frozen=True):
    """When a renewal was asked for, took effect, and was answered."""

    began: float
    lands: float
    ended: float
    fails: bool


def played(rounds: list[Round], start: float) -> Iterator[Statement]:
    """The database is where it takes its time: a statement lands anywhere in between."""
    now = start
    for one in rounds:
        began = now + ROUND_SECONDS + one.pause
        ended = began + one.takes
        yield Statement(began, began + one.takes / 2, ended, one.fails)
        now = ended


def seen(
    mine: list[Statement], theirs: list[Statement], timelines: list[float], skew: float
) -> list[Look | None]:
    """What my looks showed of the peer. ``timelines``: when a promotion began a new one."""
    looks: list[Look | None] = []
    for one in mine:
        if one.fails:
            looks.append(None)
            continue
        counter = sum(1 for each in theirs if not each.fails and each.lands <= one.lands)
        timeline = 1 + sum(1 for at in timelines if at <= one.lands)
        looks.append(
            Look(
                began=one.began + skew,
                ended=one.ended + skew,
                timeline=timeline,
                peers=(peer(counter),),
            )
        )
    return looks


def healthy(dice: Random, most: float) -> list[Round]:
    """A node that renews: pauses and answers so short that its counter moves within ``most``."""
    slack = (most - ROUND_SECONDS) / 2 - 0.001
    return [Round(up_to(dice, slack), up_to(dice, slack)) for _ in range(30)]


def anyhow(dice: Random) -> list[Round]:
    """Anything may happen to it; mostly little."""
    most = dice.choice([0.05, 0.5, 2.0, 8.0])
    fails = dice.choice([0.0, 0.02, 0.5])
    return [
        Round(up_to(dice, most), up_to(dice, most), dice.random() < fails)
        for _ in range(dice.randint(1, 30))
    ]


def up_to(dice: Random, most: float) -> float:
    """The extremes more often than not."""
    return dice.choice([0.001, most, dice.uniform(0.001, most)])


def through(rounds: list[Round], at: float, lasts: float, *, fails: bool) -> list[Statement]:
    """Statements into an outage hang until it is over, and then fail or not."""
    out: list[Statement] = []
    shift, over = 0.0, at + lasts
    for one in played(rounds, 0.0):
        moved = Statement(one.began + shift, one.lands + shift, one.ended + shift, one.fails)
        if at <= moved.lands < over:
            out.append(Statement(moved.began, over if not fails else at, over, fails))
            shift += max(0.0, over - moved.ended)
        else:
            out.append(moved)
    return out


@MANY
@given(dice=DICE, skew=SKEW)
def test_a_living_node_that_renews_is_never_judged(dice: Random, skew: float) -> None:
    """However sick the judge is, whatever its clock says."""
    my_statements = list(played(anyhow(dice), dice.random()))
    their_statements = list(played(healthy(dice, LEASE_SECONDS), 0.0))
    # Only while the peer is known to live.
    until = their_statements[-1].lands
    my_statements = [one for one in my_statements if one.ended <= until]
    assert judged(seen(my_statements, their_statements, [], skew)) == []


@MANY
@given(
    dice=DICE,
    outage=st.floats(0.5, 60.0),
    at=st.floats(2.0, 20.0),
    lag=st.floats(0.0, 3.0),
    skew=SKEW,
)
def test_a_failover_of_the_database_never_looks_like_a_death(
    dice: Random, outage: float, at: float, lag: float, skew: float
) -> None:
    """While it lasts nobody renews; afterwards the peer may be seconds later than we are."""
    my_statements = through(healthy(dice, 2.0), at, outage, fails=True)
    their_statements = through(healthy(dice, 2.0), at, outage + lag, fails=True)
    until = their_statements[-1].lands
    my_statements = [one for one in my_statements if one.ended <= until]
    looks = seen(my_statements, their_statements, [at + outage / 2], skew)
    assert judged(looks) == []


@MANY
@given(dice=DICE, stall=st.floats(0.5, 60.0), at=st.floats(2.0, 20.0), skew=SKEW)
def test_a_database_that_keeps_everybody_waiting_looks_like_no_death_either(
    dice: Random, stall: float, at: float, skew: float
) -> None:
    my_statements = through(healthy(dice, 2.0), at, stall, fails=False)
    their_statements = through(healthy(dice, 2.0), at, stall, fails=False)
    until = their_statements[-1].lands
    my_statements = [one for one in my_statements if one.ended <= until]
    assert judged(seen(my_statements, their_statements, [], skew)) == []


@MANY
@given(dice=DICE, last=st.floats(0.0, 10.0), skew=SKEW)
def test_a_dead_node_is_judged_within_a_lease_and_two_rounds(
    dice: Random, last: float, skew: float
) -> None:
    """``last`` is its last renewal; a round is a second, and what the database takes."""
    mine = [Round(up_to(dice, 0.05), up_to(dice, 0.2)) for _ in range(30)]
    theirs = [
        Statement(n, n, n, fails=False) for n in (float(k) for k in range(int(last))) if n < last
    ]
    theirs.append(Statement(last, last, last, fails=False))
    looks = seen(list(played(mine, 0.0)), theirs, [], skew)
    verdicts = judged(looks)
    assert verdicts
    took = verdicts[0][0] - skew - last
    slowest = ROUND_SECONDS + 0.05 + 0.2
    assert LEASE_SECONDS <= took <= LEASE_SECONDS + 2 * slowest + 0.2


@MANY
@given(dice=DICE, skew=SKEW)
def test_a_judge_was_never_interrupted(dice: Random, skew: float) -> None:
    """Whoever judges renewed for a whole lease itself, each time in time."""
    looks = seen(list(played(anyhow(dice), 0.0)), [Statement(0, 0, 0, fails=False)], [], skew)
    facts = Facts(me=ME)
    held: list[Look] = []
    for one in looks:
        facts = observe(facts, one)
        if one is None or (held and one.ended - held[-1].ended > GAP_SECONDS):
            held = []
        if one is None:
            assert decide(facts, skew) == []
            continue
        held.append(one)
        if decide(facts, one.ended):
            assert held[-1].began - held[0].ended >= LEASE_SECONDS


@given(late=st.floats(GAP_SECONDS + 0.001, 1e6))
def test_who_was_frozen_between_looking_and_deciding_judges_nobody(late: float) -> None:
    facts = Facts(me=ME)
    for n in range(8):
        facts = observe(facts, look(float(n), 1))
    assert decide(facts, 7.0)
    assert decide(facts, 7.0 + late) == []


@given(
    at=st.integers(1, 6),
    what=st.sampled_from(["failed", "gap", "timeline", "counter", "epoch", "back"]),
)
def test_whatever_happens_in_between_begins_the_watch_anew(at: int, what: str) -> None:
    looks: list[Look | None] = []
    shift, counter, timeline, epoch = 0.0, 5, 1, 1
    for n in range(8):
        if n == at:
            match what:
                case "gap":
                    shift = GAP_SECONDS
                case "timeline":
                    timeline = 2
                case "counter":
                    counter = 6
                case "back":
                    counter = 4  # an old primary's last seconds are lost
                case "epoch":
                    epoch = 2
                case _:
                    looks.append(None)
                    continue
        one = look(n + shift, counter, timeline=timeline)
        looks.append(replace(one, peers=(peer(counter, epoch=epoch, fence=epoch),)))
    first = looks[at + 1] if what == "failed" and at < 7 else looks[at]
    assume(first is not None)
    verdicts = judged(looks)
    assert all(said - first.ended >= LEASE_SECONDS for said, _ in verdicts)  # type: ignore[union-attr]


def test_a_verdict_says_what_was_seen() -> None:
    ((_, verdict), *_) = judged([look(float(n), 41) for n in range(7)])
    assert verdict.peer == peer(41)
    assert verdict.reason == (
        "the lease counter of b stood at 41 for 6.0 s, while 7 renewals of a in a row succeeded "
        "on timeline 1"
    )


@pytest.mark.parametrize(
    "changes", [{"node": ME}, {"fence": 2}], ids=["ourselves", "somebody taken over already"]
)
def test_never_judged_is(changes: dict[str, object]) -> None:
    looks: list[Look | None] = [
        Look(began=n, ended=n, timeline=1, peers=(peer(1, **changes),))
        for n in (float(k) for k in range(20))
    ]
    assert judged(looks) == []
