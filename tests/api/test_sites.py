"""Sites over REST: who may close one, what it answers, and what its agents read."""

from typing import Any

import pytest

from gateway.core.ids import AgentName
from tests.support.apiworld import ApiWorld, api_world
from tests.support.builders import agent

PORT = "/api/v1/sites/port"


async def seated(world: ApiWorld) -> None:
    for name in ("ana", "bob"):
        await world.call("PUT", f"/api/v1/agents/{name}", {"site": "port"})


async def test_a_site_is_there_as_soon_as_somebody_sits_there() -> None:
    async with api_world(agent("ana"), agent("bob"), ready=True) as world:
        await seated(world)
        _, listed = await world.call("GET", "/api/v1/sites")
        (port,) = listed["items"]
        assert (port["name"], port["open_percent"]) == ("port", 100)
        assert (port["agents"], port["connected"], port["ready"], port["closed"]) == (2, 2, 2, 0)
        _, ana = await world.call("GET", "/api/v1/agents/ana")
        assert (ana["site"], ana["closed"]) == ("port", "")


async def test_a_supervisor_closes_it_in_steps_and_opens_it() -> None:
    async with api_world(agent("ana"), agent("bob"), ready=True) as world:
        await seated(world)
        sue = await world.token_for("sue", "supervisor")
        wish = {"open_percent": 50, "reason": "storm"}
        status, half = await world.call("PUT", PORT, wish, token=sue)
        assert (status, half["closed"], half["by"]) == (200, 1, "sue")
        _, ana = await world.call("GET", "/api/v1/agents/ana")
        _, bob = await world.call("GET", "/api/v1/agents/bob")
        said = "50 % of site 'port' are closed (storm)"
        assert [ana["closed"], bob["closed"]] == [said, ""]
        wish = {"open_percent": 0, "reason": "storm", "in_hand": "return"}
        _, none = await world.call("PUT", PORT, wish, token=sue)
        assert (none["closed"], none["in_hand"]) == (2, "return")
        await world.call("PUT", PORT, {"open_percent": 100}, token=sue)
        _, port = await world.call("GET", PORT)
        assert (port["closed"], port["reason"]) == (0, "")


async def test_work_goes_back_and_is_explained() -> None:
    async with api_world(ready=True) as world:
        await world.call("PUT", "/api/v1/agents/ana", {"site": "port"})
        filed = await world.file_task()
        state = world.rig.node.ledger.state
        await world.until(lambda: state.in_hand(AgentName("ana")))
        await world.call("PUT", PORT, {"open_percent": 0, "reason": "strike"})
        assert not state.in_hand(AgentName("ana"))
        _, why = await world.call("GET", f"/api/v1/items/{filed['id']}/explain")
        assert "1 gets nothing: site 'port' is closed (strike) (ana)" in why["text"]
        _, trace = await world.call("GET", f"/api/v1/items/{filed['id']}/events")
        assert any("site 'port' is closed (strike)" in one["text"] for one in trace["items"])


async def test_an_agent_may_not_close_a_site() -> None:
    async with api_world() as world:
        await seated(world)
        ana = await world.token_for("ana")
        status, _ = await world.call("PUT", PORT, {"open_percent": 0, "reason": "x"}, token=ana)
        assert status == 403
        assert (await world.call("GET", "/api/v1/sites", token=ana))[0] == 200


@pytest.mark.parametrize(
    ("path", "wish", "status", "field"),
    [
        (PORT, {"open_percent": 0}, 400, "reason"),
        (PORT, {"open_percent": 110, "reason": "x"}, 400, "open_percent"),
        (PORT, {"reason": "x"}, 400, None),
        (PORT, {"open_percent": 0, "reason": "x", "in_hand": "burn"}, 400, "in_hand"),
        ("/api/v1/sites/prot", {"open_percent": 0, "reason": "x"}, 404, "name"),
    ],
)
async def test_bad_input_gets_an_answer_that_helps(
    path: str, wish: dict[str, Any], status: int, field: str | None
) -> None:
    async with api_world() as world:
        await seated(world)
        got, problem = await world.call("PUT", path, wish)
        assert got == status, problem
        if field is not None:
            assert problem["errors"][0]["field"] == field


async def test_a_declaration_says_where_agents_sit_and_when_queues_overflow() -> None:
    async with api_world() as world:
        wish = {
            "queues": [{"name": "sales", "overflow_after": 0}],
            "agents": [{"name": "ana", "site": "port"}],
        }
        status, applied = await world.call("PUT", "/api/v1/directory", wish)
        assert status == 200
        fields = {f for d in applied["differences"] for f in d["fields"]}
        assert {"overflow_after", "site"} <= fields
        assert world.rig.tables.queues["sales"].overflow_after == 0
        assert world.rig.tables.profiles[AgentName("ana")].site == "port"
        wish = {"queues": [{"name": "sales", "overflow_after": -1}]}
        assert (await world.call("PUT", "/api/v1/directory", wish))[0] == 400
