"""The plan of faults is the same for the same seed, and the report hides nothing."""

from collections import Counter
from pathlib import Path

import pytest

from bench.load.town.audit import Findings, Repeat
from tests.chaos.deeds import Hands, Happened
from tests.chaos.plan import LONG, SECONDS, Fault, Kind, plan
from tests.chaos.report import Tables, Takeover, Verdict, keep, page


def test_a_seed_gives_the_same_plan_and_a_longer_one_begins_as_the_shorter() -> None:
    assert plan(7, 40, long=True) == plan(7, 40, long=True)
    assert plan(7, 40, long=True)[:15] == plan(7, 15, long=True)
    assert plan(7, 40, long=True) != plan(8, 40, long=True)


def test_a_long_plan_has_every_kind_and_a_short_one_only_quick_ones() -> None:
    assert {fault.kind for fault in plan(1, 28, long=True)} == set(Kind)
    assert {fault.kind for fault in plan(1, 200, long=False)} == set(Kind) - LONG


def test_every_kind_can_be_done() -> None:
    assert set(Hands._DEEDS) == set(SECONDS) == set(Kind)


def _verdict(**changes: object) -> Verdict:
    fault = Fault(kind=Kind.NODE_GONE, node="east", pause=1.0, seconds=9.0, other=0.5)
    happened = Happened(
        fault=fault, began=10.0, began_at=1010.0, healed=20.0, healed_at=1020.0, gone={"east"}
    )
    values: dict[str, object] = {
        "seed": 7,
        "faults": 1,
        "minutes": 2.0,
        "happened": [happened],
        "findings": Findings(acknowledged=Counter({"tasks": 5})),
        "tables": _tables(),
        "still_open": {},
        "died": [],
        "pauses": {Kind.NODE_GONE: [1.5, 6.5]},
        **changes,
    }
    return Verdict(**values)  # type: ignore[arg-type]


def _tables(**changes: object) -> Tables:
    values: dict[str, object] = {
        "items": Counter({"completed": 5}),
        "undecided": 0,
        "unsent": 0,
        "repaired": 0,
        "in_two_places": 0,
        "open": [],
        "takeovers": [Takeover("east", "west", 1016.0)],
        **changes,
    }
    return Tables(**values)  # type: ignore[arg-type]


def test_when_all_promises_hold_the_report_says_so() -> None:
    verdict = _verdict()
    assert verdict.broken() == []
    text = page(verdict, "make chaos FAULTS=1 SEED=7")
    assert "## Promises that did not hold\n\nNone." in text
    assert "| kill -9 of a node, back once it has been taken over | 2 | 6.5 s | 6.5 s |" in text
    assert "| acknowledged | 5 tasks |" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"findings": Findings(missing=["a mail"])}, "missing: a mail"),
        ({"findings": Findings(duplicated=["a task"])}, "duplicated: a task"),
        ({"findings": Findings(disordered=["a chat"])}, "out of order: a chat"),
        ({"findings": Findings(repeated=[Repeat("mail", "<i>", 50, 60)])}, "without a fault"),
        ({"still_open": {"chats": 2}}, "still open: 2 chats"),
        ({"died": ["east after a blink"]}, "begun again: east"),
        ({"tables": _tables(repaired=1)}, "repaired: 1"),
        ({"tables": _tables(undecided=3)}, "undecided: 3"),
        ({"tables": _tables(in_two_places=1)}, "in two places: 1"),
        ({"tables": _tables(open=["an item"])}, "open: an item"),
        ({"tables": _tables(takeovers=[Takeover("west", "east", 1016.0)])}, "living node"),
        ({"tables": _tables(takeovers=[Takeover("east", "west", 1099.0)])}, "living node"),
    ],
)
def test_every_broken_promise_stands_in_the_report(changes: dict[str, object], said: str) -> None:
    verdict = _verdict(**changes)
    (line,) = verdict.broken()
    assert said in line
    assert line in page(verdict, "make chaos")


def test_a_repeat_is_named_with_the_fault_that_explains_it(tmp_path: Path) -> None:
    verdict = _verdict(findings=Findings(repeated=[Repeat("mail", "<i>", 9.0, 18.0)]))
    keep(verdict, "make chaos", tmp_path / "docs" / "report.md")
    text = (tmp_path / "docs" / "report.md").read_text()
    assert "| mail | kill -9 of a node, back once it has been taken over | 1 |" in text
    assert verdict.broken() == []
