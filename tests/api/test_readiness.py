"""What ``/readyz`` and ``/metrics`` say of the database's second copy."""

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.api.health import HealthChecks, Readiness
from gateway.api.metrics import _NodeCollector
from gateway.store.lookout import Copies, Standing


def house(standing: Standing | None, trouble: str = "") -> Any:
    return SimpleNamespace(
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
