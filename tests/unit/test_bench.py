"""The pure parts of the benchmarks: what they print must be true before it is fast."""

import json
import math

import pytest

from bench.load.desktops import kind_of, mark_in, seq_in
from bench.load.wire import TEXT, frame, split
from bench.measure import TICKS, machine_seconds, percentile, spread, stat_fields
from bench.report import Budget, Peer, Report, line, tidy
from bench.table import BEGIN, END, row, splice, table

CONTRACT = {"bench", "ours", "unit", "peer", "ratio", "lost", "duplicated", "details"}


def report(**changes: object) -> Report:
    values: dict[str, object] = {
        "bench": "journal",
        "ours": 21_000.0,
        "unit": "events/s",
        "peer": Peer(name="procrastinate", value=7_000.0),
        "details": {"p99_ms": 12.34567},
        **changes,
    }
    return Report(**values)  # type: ignore[arg-type]


def test_a_percentile_is_the_nearest_rank() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert percentile(values, 50) == 50.0
    assert percentile(values, 99) == 99.0
    assert percentile(values, 100) == 100.0
    assert percentile(values, 0) == 1.0


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 50) == percentile([7.0], 99) == 7.0


def test_a_percentile_of_nothing_is_not_a_number() -> None:
    assert math.isnan(percentile([], 50))


def test_a_spread_is_in_milliseconds() -> None:
    assert spread([0.001, 0.002, 0.4], "x_") == {
        "x_p50_ms": 2.0,
        "x_p99_ms": 400.0,
        "x_max_ms": 400.0,
    }


def test_the_line_has_the_keys_of_the_contract_and_is_one_line() -> None:
    text = line(report())
    assert "\n" not in text
    assert set(json.loads(text)) == CONTRACT


def test_the_ratio_is_ours_by_the_peers() -> None:
    assert json.loads(line(report()))["ratio"] == 3.0


def test_without_a_peer_there_is_no_ratio() -> None:
    said = json.loads(line(report(peer=None)))
    assert said["peer"] is None
    assert said["ratio"] is None


def test_repeated_stands_in_the_details() -> None:
    assert json.loads(line(report(repeated=2)))["details"]["repeated"] == 2


def test_a_missed_budget_is_named_with_its_figure() -> None:
    slow = report(
        ours=100.0,
        budgets=(
            Budget(figure="ours", limit=20_000, better="more"),
            Budget(figure="p99_ms", limit=30, better="less"),
            Budget(figure="never_measured", limit=1, better="less"),
        ),
    )
    assert slow.missed() == ["ours is 100.0, should be at least 20000"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (12.34567, 12.35),
        (21_234.567, 21_235),
        (0.000123456, 0.0001235),
        (math.nan, None),
        (math.inf, None),
        ({"a": [1.00001, "b", True]}, {"a": [1.0, "b", True]}),
    ],
)
def test_numbers_are_cut_to_what_was_measured(value: object, shown: object) -> None:
    assert tidy(value) == shown


def test_a_process_may_have_any_name() -> None:
    assert stat_fields("42 (a) b) c) S 1 42")[:2] == ["S", "1"]


def test_a_machine_that_waits_for_its_disk_is_not_busy() -> None:
    assert machine_seconds(f"cpu  {TICKS} {TICKS} {TICKS} 99 99 0 0 0 0 0") == 3.0


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_frame_cut_anywhere_is_read_whole(size: int) -> None:
    payload = b"x" * size
    # A server's frame is a client's without the mask bit and the masking key.
    sent = bytearray(frame(TEXT, payload))
    sent[1] &= 0x7F
    head = len(sent) - size - 4
    server = bytes(sent[:head] + sent[head + 4 :])
    stream = server * 2
    for cut in {0, 1, 2, len(server) // 2, len(server), len(stream) - 1}:
        first, rest = split(stream[:cut])
        second, left = split(rest + stream[cut:])
        assert first + second == [(TEXT, payload)] * 2
        assert not left


def test_a_mark_is_found_wherever_it_stands_in_a_frame() -> None:
    text = b'{"t":"message","epoch":1,"seq":7,"message":{"body":"@t=1234;hello"}}'
    assert mark_in(text) == 1234
    assert kind_of(text) == b"message"
    assert seq_in(text) == 7
    assert mark_in(b'{"t":"tick"}') is None


def test_the_table_keeps_the_order_of_the_budget() -> None:
    results = [json.loads(line(report(bench=name))) for name in ("day", "journal", "idle")]
    names = [text.split(" | ")[0] for text in table(results).splitlines()[2:]]
    assert names == ["| idle", "| journal", "| day"]


def test_a_row_names_the_peer_and_its_figure() -> None:
    assert "7000" in row(json.loads(line(report())))
    assert "(procrastinate)" in row(json.loads(line(report())))


def test_the_table_replaces_only_what_is_between_its_marks() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter"
    assert splice(page, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter"
    with pytest.raises(ValueError, match="no place for the table"):
        splice("a page without marks", "new")
