"""What the demo declares: it can be applied, nothing of it is odd, and its rules do as it says."""

from datetime import date, timedelta
from typing import Any

import pytest

from gateway.demo import company, house_rules
from tests.support.apiworld import api_world

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize("played", [0, 3])
async def test_the_demos_company_is_applied_without_a_warning_and_once(played: int) -> None:
    declared = company.declaration(played, TODAY)
    async with api_world() as world:
        status, applied = await world.call("PUT", "/api/v1/directory", declared)
        assert status == 200, applied
        assert applied["warnings"] == []
        _, again = await world.call("PUT", "/api/v1/directory", declared)
        assert again["differences"] == []


async def test_the_demos_rules_decide_what_its_examples_promise() -> None:
    examples: list[tuple[dict[str, Any], str, int]] = [
        ({"body": "Please refund one of the two.", "language": "en"}, "billing", 10),
        ({"body": "¿Pueden decirme dónde está?", "language": "es"}, "iberia", 0),
        ({"body": "I would like to see your showroom.", "language": "en"}, "showroom", 0),
        ({"body": "Where is it? It is urgent!", "language": "en"}, "general", 20),
        ({"body": "Where is it?", "language": "en"}, "general", 0),
    ]
    async with api_world() as world:
        await world.call("PUT", "/api/v1/directory", company.declaration(0, TODAY))
        for contact, queue, priority in examples:
            asked = {"queue": "general", **contact}
            _, tried = await world.call("POST", "/api/v1/rules/test", asked)
            assert (tried["queue"], tried["priority"]) == (queue, priority), contact


@pytest.mark.parametrize("days", range(7))
def test_only_the_showroom_is_ever_closed_and_not_open_before_three_days(days: int) -> None:
    today = TODAY + timedelta(days=days)
    always, showroom = house_rules.hours(today)
    assert len(always["week"]) == 7
    opens = today + timedelta(days=house_rules.SHOWROOM_OPENS_IN_DAYS)
    assert list(showroom["week"]) == [opens.strftime("%A").lower()]
    others = [q["hours"] for q in house_rules.QUEUES if q["name"] != house_rules.CLOSED_QUEUE]
    assert {*others} == {"always"}
