"""A supervisor sets another agent's state: with a reason, in the journal, and told to the agent."""

from typing import Any

import pytest

from gateway.core import events as e
from gateway.core.ids import AgentName
from gateway.core.model import ItemState, Presence
from tests.support.apiworld import api_world
from tests.support.builders import agent

ANA = AgentName("ana")
STATE = "/api/v1/agents/ana/state"


async def test_an_agent_is_set_not_ready_and_what_is_offered_goes_on() -> None:
    async with api_world(agent("ana"), ready=True) as world:
        sue = await world.token_for("sue", "supervisor")
        filed = await world.file_task()
        state = world.rig.node.ledger.state
        await world.until(lambda: state.in_hand(ANA))
        wish = {"state": "not_ready", "reason": "fire drill"}
        status, ana = await world.call("POST", STATE, wish, token=sue)
        assert status == 200
        assert (ana["presence"], ana["reason"], ana["set_by"]) == ("not_ready", "fire drill", "sue")
        assert state.items[filed["id"]].state is ItemState.QUEUED
        said = [x.event for x in world.rig.tables.journal.values()]
        [event] = [x for x in said if isinstance(x, e.AgentStateChanged) and x.by == "sue"]
        assert (event.agent, event.presence, event.reason) == (
            ANA, Presence.NOT_READY, "fire drill",
        )  # fmt: skip

        _, ana = await world.call("POST", STATE, {"state": "ready"}, token=sue)
        assert (ana["presence"], ana["reason"], ana["set_by"]) == ("ready", "", "sue")
        await world.until(lambda: state.in_hand(ANA))


async def test_the_same_key_again_sets_it_once() -> None:
    async with api_world(agent("ana"), ready=True) as world:
        sue = await world.token_for("sue", "supervisor")
        key = {"Idempotency_Key": "one-key"}
        wish = {"state": "not_ready", "reason": "fire drill"}
        first = await world.call("POST", STATE, wish, token=sue, **key)
        await world.call("POST", STATE, {"state": "ready"}, token=sue)
        assert await world.call("POST", STATE, wish, token=sue, **key) == first
        assert world.rig.node.ledger.state.statuses[ANA].presence is Presence.READY


@pytest.mark.parametrize(
    ("name", "wish", "status", "says"),
    [
        ("ana", {"state": "away"}, 400, "Invalid enum value 'away'"),
        ("ana", {}, 400, "missing required field `state`"),
        ("zed", {"state": "ready"}, 404, "there is no agent 'zed'"),
        ("bob", {"state": "not_ready"}, 409, "bob is not signed in anywhere"),
    ],
)
async def test_bad_input_gets_an_answer_that_helps(
    name: str, wish: dict[str, Any], status: int, says: str
) -> None:
    async with api_world(agent("ana"), ready=True) as world:
        await world.call("PUT", "/api/v1/agents/bob", {})
        code, problem = await world.call("POST", f"/api/v1/agents/{name}/state", wish)
        assert (code, says in str(problem)) == (status, True), problem


async def test_whose_desktop_is_gone_can_be_set_not_ready_but_not_ready() -> None:
    async with api_world(agent("ana"), ready=True) as world:
        world.rig.node.desk.detach(ANA, "tab", "gone")
        code, problem = await world.call("POST", STATE, {"state": "ready"})
        assert (code, problem["detail"]) == (409, "ana has no desktop connected")
        code, ana = await world.call("POST", STATE, {"state": "not_ready", "reason": "gone home"})
        assert (code, ana["presence"]) == (200, "not_ready")


async def test_an_agent_may_not_set_others() -> None:
    async with api_world(agent("ana"), ready=True) as world:
        bob = await world.token_for("bob", "agent")
        code, _ = await world.call("POST", STATE, {"state": "not_ready"}, token=bob)
        assert code == 403
