"""What ``/readyz`` and ``/metrics`` say of the database's second copy, and of who does what."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.api.duties import DutyCard, DutyResource
from gateway.api.health import HealthChecks, Readiness
from gateway.api.metrics import _among, _NodeCollector
from gateway.core.duties import DutyState
from gateway.core.ids import NodeName
from gateway.store.lookout import Copies, Standing

BOX = DutyState(
    duty="mailbox support at imap.firm.example, INBOX",
    label="channel support",
    node=NodeName("n2"),
    epoch=3,
    able=(NodeName("n2"), NodeName("n1")),
    here=False,
)
UPKEEP = replace(BOX, duty="upkeep", label="upkeep", node=None)
ELSEWHERE = replace(BOX, duty="mailbox of a channel that is not here", label="")
TALLIES = Counter(
    {
        "switchroom_duties_taken": 1,
        "switchroom_takeovers": 2,
        "switchroom_takeovers_resumed": 3,
        "switchroom_overflow_asked": 6,
        "switchroom_overflow_granted": 7,
        "switchroom_overflow_moved": 8,
        "switchroom_adopted_rows": 400,
        "switchroom_rejoins": 5,
    }
)


def house(standing: Standing | None, trouble: str = "", *duties: DutyState) -> Any:
    return SimpleNamespace(
        among=SimpleNamespace(duty_states=lambda: duties, tallies=lambda: TALLIES),
        vitals=SimpleNamespace(trouble=lambda: trouble),
        channels=SimpleNamespace(health=dict),
        database=None if standing is None else SimpleNamespace(standing=standing),
    )


async def ready(standing: Standing | None, trouble: str = "") -> tuple[int, Readiness]:
    answer = await HealthChecks(house(standing, trouble))._ready(None)  # type: ignore[arg-type]
    assert isinstance(answer.body, Readiness)
    return answer.status, answer.body


async def test_a_missing_second_copy_is_degraded_but_serves() -> None:
    lone = Standing(copies="none", timeline=3, concern="there is no second copy: …")
    status, body = await ready(lone)
    assert (status, body.status, body.reason) == (200, "degraded", lone.concern)
    assert body.database is not None
    assert (body.database.copies, body.database.timeline) == ("none", 3)


async def test_a_second_copy_is_well() -> None:
    status, body = await ready(Standing(copies="synchronous", standbys=1, timeline=1))
    assert (status, body.status, body.reason) == (200, "ok", "")


async def test_the_embedded_database_is_not_spoken_of() -> None:
    status, body = await ready(None)
    assert (status, body.status, body.database) == (200, "ok", None)


async def test_who_cannot_take_work_says_that_first() -> None:
    status, body = await ready(Standing(copies="none", concern="no copy"), "no journal")
    assert (status, body.status, body.reason) == (503, "down", "no journal")


@pytest.mark.parametrize(
    ("copies", "value"), [("synchronous", 1), ("asynchronous", 0), ("none", 0), ("unknown", 0)]
)
def test_the_metric_counts_only_what_every_commit_waits_for(copies: Copies, value: int) -> None:
    collector = _NodeCollector(house(Standing(copies=copies, standbys=2, timeline=7)))
    samples = {s.name: s.value for family in collector._database() for s in family.samples}
    assert samples == {
        "switchroom_database_second_copy": value,
        "switchroom_database_standbys": 2,
        "switchroom_database_timeline": 7,
    }


async def test_readiness_says_who_reads_a_mailbox_without_saying_who_signs_in_there() -> None:
    checks = HealthChecks(house(None, "", BOX, UPKEEP, ELSEWHERE))
    body = (await checks._ready(None)).body  # type: ignore[arg-type]
    assert body.duties == {"channel support": "n2", "upkeep": ""}
    assert body.status == "ok"


async def test_supervisors_see_every_duty_with_who_could_do_it() -> None:
    among = house(None, "", BOX, UPKEEP, ELSEWHERE).among
    (route,) = DutyResource(among).routes()
    assert route.access == "supervisor"
    listed = (await route.handle(None)).body.items  # type: ignore[arg-type]
    assert [card.node for card in listed] == ["n2", "", "n2"]
    assert listed[0] == DutyCard(
        name=BOX.duty, label="channel support", node="n2", epoch=3, able=["n2", "n1"]
    )


def test_metrics_count_what_this_node_does_and_took_over() -> None:
    among = house(None, "", replace(BOX, here=True), UPKEEP, ELSEWHERE).among
    samples = {
        (s.name, s.labels.get("duty", "")): s.value for f in _among(among) for s in f.samples
    }
    wanted = {
        ("switchroom_duty_held", "channel support"): 1,
        ("switchroom_duty_held", "upkeep"): 0,
        ("switchroom_duties_taken_total", ""): 1,
        ("switchroom_takeovers_total", ""): 2,
        ("switchroom_takeovers_resumed_total", ""): 3,
        ("switchroom_overflow_asked_total", ""): 6,
        ("switchroom_overflow_granted_total", ""): 7,
        ("switchroom_overflow_moved_total", ""): 8,
        ("switchroom_adopted_rows_total", ""): 400,
        ("switchroom_rejoins_total", ""): 5,
    }
    assert wanted.items() <= samples.items()
