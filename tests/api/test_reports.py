"""The routing report: what agents said was not for them, by what had led there."""

from typing import Any

import pytest

from gateway.api.reports import folded, reasons
from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.ids import AgentName, ItemId, QueueName, RuleName, SkillName
from gateway.core.misrouted import REASONS, HouseWords, NotForMe
from gateway.store.views import Misrouting, Named
from tests.support.apiworld import ApiWorld, api_world

ANA = AgentName("ana")


async def declined(world: ApiWorld, said: NotForMe) -> str:
    """A task that ana declines so; its id."""
    filed = await world.file_task()
    state = world.rig.node.ledger.state
    await world.until(lambda: any(i.offer for i in state.in_hand(ANA)))
    offer = next(i.offer for i in state.in_hand(ANA) if i.offer)
    command = c.Decline(id=world.rig.command(), offer=offer.id, misrouted=said)
    await world.rig.node.desk.act(ANA, command, maybe_repeated=False)
    return str(filed["id"])


async def test_what_was_said_stands_in_the_report_and_in_the_items_trace() -> None:
    async with api_world(ready=True) as world:
        status, empty = await world.call("GET", "/api/v1/reports/routing")
        assert (status, empty["told"], empty["lines"]) == (200, 0, [])
        item = await declined(world, NotForMe(reason="spam"))
        _, report = await world.call("GET", "/api/v1/reports/routing?by=reason,queue")
        (line,) = report["lines"]
        assert (line["reason"], line["queue"], line["told"]) == ("spam", "general", 1)
        assert (line["latest"][0]["item"], line["latest"][0]["how"]) == (item, "declined")
        _, trace = await world.call("GET", f"/api/v1/items/{item}/events")
        told = next(one["text"] for one in trace["items"] if one["kind"] == "item_misrouted")
        assert told == "ana said that it was not for them: spam"


async def test_the_houses_own_reasons_take_the_place_of_ours() -> None:
    async with api_world(ready=True) as world:
        ana = await world.token_for("ana")
        _, ours = await world.call("GET", "/api/v1/misrouted/reasons", token=ana)
        assert [one["name"] for one in ours["items"]] == list(REASONS)
        own = {"label": "Another brand", "uses": ["misrouted"]}
        assert (await world.call("PUT", "/api/v1/codes/brand", own))[0] == 200
        _, changed = await world.call("PUT", "/api/v1/codes/brand", {"label": "Other brand"})
        assert changed["uses"] == ["misrouted"]
        _, listed = await world.call("GET", "/api/v1/misrouted/reasons", token=ana)
        assert [one["label"] for one in listed["items"]] == ["Other brand"]
        world.rig.tables.words = HouseWords(reasons=("brand",))
        await declined(world, NotForMe(reason="brand"))
        status, problem = await world.call("PUT", "/api/v1/skills/es", own)
        assert (status, problem["errors"][0]["field"]) == (400, "uses")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("by=mood", "by"),
        ("from=yesterday", "from"),
    ],
)
async def test_a_report_that_cannot_be_meant_names_the_field(query: str, field: str) -> None:
    async with api_world() as world:
        status, problem = await world.call("GET", f"/api/v1/reports/routing?{query}")
        assert (status, problem["errors"][0]["field"]) == (400, field)


async def test_what_a_budget_kept_back_is_reported_with_the_tickets_it_was_about() -> None:
    async with api_world() as world:
        filed = await world.file_task()
        ledger = world.rig.node.ledger
        item = ledger.state.items[ItemId(filed["id"])]
        told = e.AutomaticWithheld(
            item=item.id, case=item.case, channel=item.channel, of="sender", what="reply"
        )
        await ledger.committed(ledger.record([e.Change(told)]))
        _, report = await world.call("GET", "/api/v1/reports/withheld")
        (line,) = report["lines"]
        assert (report["withheld"], line["of"], line["what"]) == (1, "sender", "reply")
        assert line["latest"][0]["item"] == item.id
        _, past = await world.call("GET", "/api/v1/reports/withheld?to=2020-01-01T00:00:00Z")
        assert (past["withheld"], past["lines"]) == (0, [])


async def test_agents_do_not_read_reports() -> None:
    async with api_world() as world:
        ana = await world.token_for("ana")
        assert (await world.call("GET", "/api/v1/reports/withheld", token=ana))[0] == 403
        assert (await world.call("GET", "/api/v1/reports/routing", token=ana))[0] == 403


def line(told: int, **words: Any) -> Misrouting:
    known = {"rule": "", "queue": "", "reason": "", "right_queue": "", "right_skill": ""}
    return Misrouting(**{**known, **words}, told=told, latest=[])


def test_lines_that_say_the_same_of_what_is_asked_are_one() -> None:
    lines = [
        line(3, rule=RuleName("a"), queue=QueueName("x")),
        line(4, queue=QueueName("y"), right_skill=SkillName("es")),
        line(2, rule=RuleName("b"), queue=QueueName("x")),
    ]
    by_queue = folded(lines, ("queue",))
    assert [(one.queue, one.rule, one.told) for one in by_queue] == [("x", "", 5), ("y", "", 4)]
    assert sum(one.told for one in folded(lines, ("rule",))) == 9


def test_a_code_for_wrap_up_is_no_reason() -> None:
    spam = Named(name="spam", uses=("wrapup", "misrouted"))
    assert reasons([Named(name="done"), spam]) == [spam]
    assert [one.name for one in reasons([Named(name="done")])] == list(REASONS)
