"""Measures and steps of reports: what each is a function of, and where steps begin."""

from datetime import UTC, datetime, timedelta
from math import fsum
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import Refused
from gateway.core.facts.measures import MEASURES, Sums, measured
from gateway.core.facts.rows import bucket
from gateway.core.facts.steps import Step, check_span, edges, lengths, zone_of

DOCS = (Path(__file__).parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
BERLIN = ZoneInfo("Europe/Berlin")


def sums(**named: float) -> Sums:
    return Sums(named)


def test_four_service_levels_stand_side_by_side() -> None:
    # 10 offered: 6 answered (4 in time), 3 abandoned (2 in time, 1 at once), 1 to be called.
    found = measured(
        sums(
            offered_aimed=10,
            answered_aimed=6,
            abandoned_aimed=3,
            short_aimed=1,
            answered_within=4,
            abandoned_within=2,
            chosen_within=1,
        )
    )
    assert found["service_level_aws"] == 0.7
    assert found["service_level_genesys"] == 0.5
    assert found["service_level_asterisk"] == pytest.approx(0.6667)
    assert found["service_level_asterisk2"] == pytest.approx(0.6667)


def test_nothing_to_divide_by_is_no_number() -> None:
    found = measured(Sums())
    assert found["asa"] is None
    assert found["wait_median"] is None
    assert found["csat"] is None
    assert found["offered"] == 0


def test_two_chats_at_once_are_counted_in_full_and_divided() -> None:
    found = measured(
        sums(talk=1200, talk_shared=600, wrap=0, wrap_shared=0, handled=2, busy=600, idle=600)
    )
    assert (found["aht"], found["aht_shared"]) == (600, 300)
    assert found["occupancy"] == pytest.approx(0.6667)
    assert (found["occupancy_shared"], found["concurrency"]) == (0.5, 2)


@given(st.lists(st.floats(0.1, 1e5), max_size=40), st.lists(st.floats(0.1, 1e5), max_size=40))
def test_what_is_added_up_is_as_if_counted_together(one: list[float], other: list[float]) -> None:
    def of(waits: list[float]) -> Sums:
        many: dict[int, int] = {}
        for wait in waits:
            many[bucket(wait)] = many.get(bucket(wait), 0) + 1
        named = {"answered": float(len(waits)), "answered_wait": fsum(waits)}
        return Sums(named, tuple(sorted(many.items())), max(waits, default=None))

    added, together = measured(of(one) + of(other)), measured(of(one + other))
    assert added == pytest.approx(together)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda one: one.name)
def test_every_measure_stands_in_the_documents_with_its_formula(measure: object) -> None:
    name, formula = getattr(measure, "name"), getattr(measure, "formula")  # noqa: B009
    assert f"| `{name}` | {formula} |" in DOCS


@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2026, 3, 28, 23, tzinfo=UTC), 23), (datetime(2026, 10, 24, 22, tzinfo=UTC), 25)],
)
def test_a_day_in_which_the_clock_is_changed_is_as_long_as_it_is(day: datetime, hours: int) -> None:
    at = edges(day, day + timedelta(hours=hours), "1h", BERLIN)
    assert lengths(at) == [3_600.0] * hours
    at = edges(day - timedelta(days=1), day + timedelta(days=2), "1d", BERLIN)
    assert hours * 3_600.0 in lengths(at)


def test_the_first_step_and_the_last_may_be_shorter() -> None:
    since = datetime(2026, 11, 4, 10, 45, tzinfo=UTC)
    assert lengths(edges(since, since + timedelta(hours=2), "1h", BERLIN)) == [900, 3600, 2700]


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - made UTC below
    st.integers(1, 60 * 24 * 4),
    st.sampled_from(["30m", "1h", "1d", "1w", "1mo", "all"]),
    st.sampled_from(
        ["UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "Asia/Beirut", "Pacific/Apia"]
    ),
)
def test_steps_cover_the_period_without_a_gap(
    start: datetime, quarters: int, step: Step, zone: str
) -> None:
    since = start.replace(minute=start.minute // 15 * 15, second=0, microsecond=0, tzinfo=UTC)
    until = since + quarters * timedelta(minutes=15)
    at = edges(since, until, step, ZoneInfo(zone))
    assert (at[0], at[-1]) == (since, until)
    assert all(length > 0 for length in lengths(at))
    if step == "1d":
        for edge in at[1:-1]:
            before = (edge - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
            assert edge.astimezone(ZoneInfo(zone)).date() > before.date()


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [
        (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), "from"),
        (datetime(2020, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), "from"),
        (datetime(2026, 1, 2, 0, 7, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC), "from"),
        (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, 0, 0, 1, tzinfo=UTC), "to"),
    ],
)
def test_a_period_that_cannot_be_counted_names_the_field(
    since: datetime, until: datetime, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        check_span(since, until)
    assert refused.value.field == field


def test_a_zone_that_is_none_names_the_field() -> None:
    with pytest.raises(Refused) as refused:
        zone_of("Europe/Atlantis")
    assert refused.value.field == "zone"
