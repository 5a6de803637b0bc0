"""The front door's rules over REST: declared, looked at, tried out, met by what comes in."""

from pathlib import Path
from typing import Any

import pytest

from gateway.cli.apply import read
from gateway.core import commands as c
from gateway.core.ids import AgentName
from tests.support.apiworld import api_world

REFUNDS: dict[str, Any] = {
    "when": {"words": ["refund*"], "languages": ["en"]},
    "then": {"queue": "refunds", "priority": 5, "tags": ["money"]},
}


async def test_a_rule_is_made_shown_changed_and_removed() -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/queues/refunds", {})
        status, made = await world.call("PUT", "/api/v1/rules/refunds", REFUNDS)
        assert (status, made["order"], made["enabled"], made["warnings"]) == (200, 100, True, [])
        _, changed = await world.call("PUT", "/api/v1/rules/refunds", {"order": 5})
        assert (changed["order"], changed["then"]["priority"]) == (5, 5)
        await world.call("PUT", "/api/v1/rules/early", {"order": 1})
        _, listed = await world.call("GET", "/api/v1/rules")
        assert [one["name"] for one in listed["items"]] == ["early", "refunds"]
        status, _ = await world.call("DELETE", "/api/v1/rules/refunds")
        assert status == 200
        status, problem = await world.call("GET", "/api/v1/rules/refunds")
        assert (status, problem["detail"]) == (404, "there is no rule 'refunds'")


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"then": {"queue": "gone"}}, "then.queue"),
        ({"when": {"wrods": ["x"]}}, "when"),
        ({"then": {"level": 5}}, "then.level"),
        ({"when": {"words": ["*"]}}, "when.words"),
        ({"name": "other"}, "name"),
    ],
)
async def test_a_rule_that_cannot_be_meant_names_the_field(rule: Any, field: str) -> None:
    async with api_world() as world:
        status, problem = await world.call("PUT", "/api/v1/rules/odd", rule)
        assert status in (400, 422)
        assert problem["errors"][0]["field"].startswith(field)
        _, listed = await world.call("GET", "/api/v1/rules")
        assert listed["items"] == []


async def test_what_is_odd_about_a_rule_is_shown_with_it() -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/rules/all", {"order": 1, "stop": True})
        _, made = await world.call("PUT", "/api/v1/rules/behind", {"then": {"priority": 1}})
        assert made["warnings"] == [
            "when: never looked at: 'all' holds wherever it does, and stops"
        ]


async def test_rules_are_tried_out_on_a_contact_that_never_was() -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/queues/refunds", {})
        await world.call("PUT", "/api/v1/rules/refunds", REFUNDS)
        asked = {"subject": "Refunds?", "language": "en-GB"}
        status, tried = await world.call("POST", "/api/v1/rules/test", asked)
        assert status == 200
        assert (tried["queue"], tried["priority"]) == ("refunds", 5)
        assert tried["looked"][0]["decided"] == ["queue", "priority", "tags"]
        _, other = await world.call("POST", "/api/v1/rules/test", {**asked, "language": "es"})
        assert (other["queue"], other["looked"][0]["because"]) == ("general", "language es")
        new = [{"name": "new", "then": {"priority": -3}}]
        _, instead = await world.call("POST", "/api/v1/rules/test", {**asked, "rules": new})
        assert (instead["queue"], instead["priority"]) == ("general", -3)


async def test_a_language_that_is_none_is_refused_and_an_answer_is_tried() -> None:
    ask = {"text": "What?", "answers": [{"label": "Refunds", "then": {"queue": "refunds"}}]}
    async with api_world() as world:
        await world.call("PUT", "/api/v1/queues/refunds", {})
        status, problem = await world.call("POST", "/api/v1/rules/test", {"language": "not one"})
        assert (status, problem["errors"][0]["field"]) == (400, "language")
        await world.call("PUT", "/api/v1/rules/what", {"then": {"ask": ask}})
        contact = {"kind": "webchat", "language": "es"}
        _, tried = await world.call("POST", "/api/v1/rules/test", contact)
        assert tried["asked"]["labels"] == ["Refunds", "Hablar con una persona"]
        assert (tried["queue"], tried["answered"]) == ("general", None)
        _, tried = await world.call("POST", "/api/v1/rules/test", {**contact, "answer": "refunds"})
        assert (tried["answered"]["label"], tried["queue"]) == ("Refunds", "refunds")
        status, problem = await world.call("DELETE", "/api/v1/queues/refunds")
        assert (status, "rule 'what' sends to queue" in problem["detail"]) == (409, True)


async def test_a_task_that_comes_in_is_met_by_the_rules() -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/queues/refunds", {})
        await world.call("PUT", "/api/v1/rules/refunds", REFUNDS)
        task = {"title": "Please refund", "language": "en"}
        _, item = await world.call("POST", "/api/v1/tasks", task)
        _, shown = await world.call("GET", f"/api/v1/items/{item['id']}")
        assert (shown["queue"], shown["priority"]) == ("refunds", 5)
        _, case = await world.call("GET", f"/api/v1/cases/{item['number']}")
        assert case["tags"] == ["money"]


async def test_a_queue_that_a_rule_sends_to_stays() -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/queues/refunds", {})
        await world.call("PUT", "/api/v1/rules/refunds", REFUNDS)
        status, problem = await world.call("DELETE", "/api/v1/queues/refunds")
        assert status == 409
        assert "rule 'refunds' sends to queue 'refunds'" in problem["detail"]
        both = {"remove": {"queues": ["refunds"], "rules": ["refunds"]}}
        status, _ = await world.call("PUT", "/api/v1/directory", both)
        assert status == 200
        assert world.rig.node.ledger.state.rules.ordered == []


async def test_rules_come_with_the_queues_that_they_name(tmp_path: Path) -> None:
    file = tmp_path / "house.toml"
    file.write_text(
        """
[[queue]]
name = "refunds"
[[rule]]
name = "money"
when = { words = ["refund"] }
then = { queue = "refunds", skills = { hats = 1 } }
[[example]]
name = "ignored here"
contact = { body = "refund" }
""",
        encoding="utf-8",
    )
    async with api_world() as world:
        status, applied = await world.call("PUT", "/api/v1/directory", read(file))
        assert (status, [one["kind"] for one in applied["differences"]]) == (200, ["queue", "rule"])
        assert applied["warnings"] == [
            "rule 'money', then.skills: nobody has the skill 'hats' and no list names it"
        ]
        _, again = await world.call("PUT", "/api/v1/directory", read(file))
        assert (again["differences"], again["unchanged"]) == ([], 2)
        wrong = {"rules": [{"name": "money", "then": {"queue": "gone"}}]}
        status, problem = await world.call("PUT", "/api/v1/directory", wrong)
        assert status in (400, 422)
        assert problem["errors"][0]["field"] == "rules.then.queue"


async def test_a_reply_that_a_rule_holds_waits_for_a_supervisors_verdict() -> None:
    async with api_world(ready=True) as world:
        hold = {"on": ["reply"], "when": {"words": ["account"]}, "then": {"hold": "an account"}}
        await world.call("PUT", "/api/v1/rules/secret", hold)
        item = (await world.file_task())["id"]
        await world.call("POST", f"/api/v1/items/{item}/assign", {"agent": "ana"})
        send = c.Send(id=world.rig.command(), item=item, body="Your account is 1")
        await world.rig.node.desk.act(AgentName("ana"), send, maybe_repeated=False)
        _, listed = await world.call("GET", "/api/v1/reviews")
        (review,) = listed["items"]
        assert (review["item"], review["rule"], review["reason"]) == (item, "secret", "an account")
        assert (review["held"], review["agent"]) == (True, "ana")
        assert review["preview"] == "Your account is 1"

        path = f"/api/v1/items/{item}/review"
        wish = {"review": review["review"], "verdict": "seen"}
        status, problem = await world.call("POST", path, wish)
        assert (status, problem["errors"][0]["field"]) == (400, "verdict")
        status, _ = await world.call("POST", path, {**wish, "verdict": "released"})
        assert status == 200
        _, listed = await world.call("GET", "/api/v1/reviews")
        assert listed["items"] == []
        status, problem = await world.call("POST", path, {**wish, "verdict": "released"})
        assert (status, problem["errors"][0]["field"]) == (404, "review")
        _, trace = await world.call("GET", f"/api/v1/items/{item}/events")
        said = [entry["text"] for entry in trace["items"]]
        assert "A reply is held back until a supervisor has read it: an account" in said


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"on": ["reply"], "then": {"queue": "general"}}, "then.queue"),
        ({"on": ["note"], "when": {"machine": True}}, "when.machine"),
        ({"on": ["message"], "then": {"note": "Hello {nobody}"}}, "then.note"),
        ({"on": ["message"], "after": 5}, "after"),
    ],
)
async def test_a_rule_that_does_not_go_with_what_it_looks_at_is_refused(
    rule: Any, field: str
) -> None:
    async with api_world() as world:
        status, problem = await world.call("PUT", "/api/v1/rules/odd", rule)
        assert (status, problem["errors"][0]["field"]) == (400, field)


@pytest.mark.parametrize("at", ["at", "recent", "begun"])
async def test_a_time_without_its_offset_cannot_be_tried_out(at: str) -> None:
    said = "2026-01-01T00:00:00"
    async with api_world() as world:
        body = {at: said if at == "at" else [said]}
        status, problem = await world.call("POST", "/api/v1/rules/test", body)
        assert (status, problem["errors"][0]["field"].split("[")[0]) == (400, at)
