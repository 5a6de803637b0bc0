"""Facts of random journals, against an oracle that looks at every moment by itself."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.facts.lives import facts_of
from gateway.core.facts.rows import bucket, counted, middle, percentile
from gateway.core.facts.values import Told, interval_of, intervals
from tests.support.factoracle import Key, counts, lasting
from tests.support.journals import journal

COMPARED = ("offered", "answered", "abandoned", "flowed_out", "offers", "declined", "missed")


def made_counts(told: list[Told]) -> Counter[Key]:
    sums: Counter[Key] = Counter()
    for row in counted(facts_of(told).moments):
        for name in COMPARED:
            if name in row.sums:
                sums[name, row.at, row.cell.queue, row.cell.agent] += round(row.sums[name])
    return sums


def made_times(told: list[Told], until: datetime) -> dict[Key, float]:
    sums: dict[Key, float] = {}
    for one in facts_of(told).segments:
        if one.what not in ("waiting", "talk", "wrap"):
            continue
        agent = "" if one.what == "waiting" else one.cell.agent
        for start, since, ended in intervals(one.began, one.ended or until):
            key = (one.what, start, one.cell.queue, agent)
            sums[key] = sums.get(key, 0.0) + (ended - since).total_seconds()
    return sums


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1_000_000))
def test_what_happened_is_counted_where_it_happened(seed: int) -> None:
    told = journal(seed)
    assert made_counts(told) == counts(told)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1_000_000))
def test_what_lasted_is_split_at_the_edges_of_intervals(seed: int) -> None:
    told = journal(seed, 25)
    until = told[-1].at + timedelta(seconds=1)
    made, wanted = made_times(told, until), lasting(told, until)
    assert {k: v for k, v in made.items() if v} == pytest.approx(
        {k: v for k, v in wanted.items() if v}
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1_000_000))
def test_in_whatever_order_and_however_often_entries_come_they_give_the_same(seed: int) -> None:
    told = journal(seed)
    shuffled = [*told, *told[: len(told) // 2]]
    Random(seed).shuffle(shuffled)
    assert facts_of(shuffled) == facts_of(told)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1_000_000))
def test_every_wait_is_answered_abandoned_flowed_out_or_still_there(seed: int) -> None:
    facts = facts_of(journal(seed))
    sums = Counter[str]()
    for row in counted(facts.moments):
        sums.update({name: round(row.sums.get(name, 0)) for name in COMPARED})
    waiting = sum(one.what == "waiting" and one.ended is None for one in facts.segments)
    over = sums["answered"] + sums["abandoned"] + sums["flowed_out"]
    assert sums["offered"] == over + waiting


def test_an_interval_begins_at_a_full_quarter_of_an_hour() -> None:
    at = datetime(2026, 3, 29, 1, 14, 59, 999_999, tzinfo=UTC)
    assert interval_of(at) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert interval_of(at + timedelta(microseconds=1)) == datetime(2026, 3, 29, 1, 15, tzinfo=UTC)


@given(st.lists(st.floats(0.06, 3e7), min_size=1, max_size=300), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_percentile_is_off_by_one_per_cent_at_most(waits: list[float], share: float) -> None:
    buckets = Counter(bucket(wait) for wait in waits)
    ordered = sorted(waits)
    exact = ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
    assert percentile(buckets.items(), share) == pytest.approx(exact, rel=0.0101)


@given(st.floats(0.06, 3e7))
def test_the_middle_of_a_bucket_is_in_it(wait: float) -> None:
    assert bucket(middle(bucket(wait))) == bucket(wait)
