"""Agents, queues, names, and whole declarations."""

from typing import Any

import pytest

from gateway.api.channel_cards import ChannelCard
from gateway.api.intent import Applier, FirstLogin, Intent
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, NodeName, QueueName
from gateway.core.model import AgentProfile, AgentStatus, ItemState, Presence, Queue
from gateway.store.views import Named
from tests.support.apiworld import ApiWorld, api_world
from tests.support.builders import OFFICE, item

DECLARED: dict[str, Any] = {
    "queues": [{"name": "billing", "skills": {"de": 2}}],
    "skills": [{"name": "de", "label": "German"}],
    "codes": [{"name": "done", "label": "Done"}],
    "agents": [
        {"name": "ana", "queues": ["billing"], "skills": {"de": 3}},
        {"name": "bob", "role": "supervisor", "password": "long enough"},
    ],
}


async def test_a_declaration_is_applied_at_once_and_a_second_time_changes_nothing() -> None:
    async with api_world() as world:
        status, dry = await world.call("PUT", "/api/v1/directory?dry_run=1", DECLARED)
        assert (status, dry["applied"], len(dry["differences"])) == (200, False, 5)
        assert "bob" not in world.rig.tables.profiles
        entries = len(world.rig.tables.journal)
        _, applied = await world.call("PUT", "/api/v1/directory", DECLARED)
        assert applied["differences"] == dry["differences"]
        assert world.rig.tables.profiles["bob"].role == "supervisor"  # type: ignore[index]
        assert len(world.rig.tables.journal) == entries + 3
        _, again = await world.call("PUT", "/api/v1/directory", DECLARED)
        assert (again["differences"], again["unchanged"]) == ([], 5)
        assert len(world.rig.tables.journal) == entries + 3


async def test_a_difference_tells_each_field_as_it_was_and_will_be() -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/directory", DECLARED)
        change = {"queues": [{"name": "billing", "skills": {"de": 4}}]}
        _, answer = await world.call("PUT", "/api/v1/directory?dry_run=true", change)
        (difference,) = answer["differences"]
        assert (difference["change"], difference["name"]) == ("change", "billing")
        assert difference["fields"] == {"skills": [{"de": 2}, {"de": 4}]}


async def test_one_wrong_entry_leaves_everything_as_it_was() -> None:
    async with api_world() as world:
        wish = {**DECLARED, "agents": [{"name": "eve", "queues": ["nowhere"]}]}
        status, problem = await world.call("PUT", "/api/v1/directory", wish)
        assert (status, problem["errors"][0]["field"]) == (400, "agents[0].queues")
        assert "billing" not in world.rig.tables.queues
        wish = {**DECLARED, "skills": [{"label": "nameless"}]}
        status, problem = await world.call("PUT", "/api/v1/directory", wish)
        assert (status, problem["errors"][0]["field"]) == (400, "skills[0].name")


async def test_an_agent_keeps_what_a_change_leaves_out() -> None:
    async with api_world() as world:
        path = "/api/v1/agents/zoe"
        await world.call("PUT", path, {"display_name": "Zoë", "skills": {"fr": 5}})
        _, agent = await world.call("PUT", path, {"role": "supervisor"})
        assert (agent["display_name"], agent["skills"]) == ("Zoë", {"fr": 5})
        assert (agent["role"], agent["presence"], agent["connected"]) == (
            "supervisor",
            "not_ready",
            False,
        )
        _, listed = await world.call("GET", "/api/v1/agents")
        assert [one["name"] for one in listed["items"]] == ["ana", "zoe"]


async def test_agents_are_found_by_names_and_unknown_names_are_left_out() -> None:
    async with api_world() as world:
        for name in ("zoe", "ben"):
            await world.call("PUT", f"/api/v1/agents/{name}", {"display_name": name.title()})
        _, found = await world.call("GET", "/api/v1/agents?names=zoe,nobody,ana&limit=1")
        assert ([one["name"] for one in found["items"]], found["next"]) == (["ana"], "ana")
        _, rest = await world.call("GET", "/api/v1/agents?names=zoe,nobody,ana&cursor=ana")
        assert [one["display_name"] for one in rest["items"]] == ["Zoe"]


async def test_who_works_at_another_node_is_shown_as_that_node_last_wrote() -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/agents/zoe", {"display_name": "Zoe"})
        at = world.rig.node.ledger.clock.now()
        zoe, tables = AgentName("zoe"), world.rig.tables
        tables.statuses[zoe] = AgentStatus(
            name=zoe, presence=Presence.READY, reason="", since=at, idle_since=at, tabs=1, version=3
        )
        tables.homes[zoe] = NodeName("another")
        _, listed = await world.call("GET", "/api/v1/agents")
        shown = {one["name"]: (one["presence"], one["connected"]) for one in listed["items"]}
        assert shown["zoe"] == ("ready", True)
        _, one = await world.call("GET", "/api/v1/agents/zoe")
        assert (one["presence"], one["connected"]) == ("ready", True)


async def test_wrong_fields_of_an_agent_are_named() -> None:
    async with api_world() as world:
        for body, field in (
            ({"skills": {"de": 6}}, "skills[...]"),
            ({"role": "boss"}, "role"),
            ({"queues": ["nowhere"]}, "queues"),
            ({"password": "short"}, "password"),
            ({"name": "other"}, "name"),
            ({"nickname": "x"}, "nickname"),
        ):
            status, problem = await world.call("PUT", "/api/v1/agents/ana", body)
            assert (status, problem["errors"][0]["field"]) == (400, field)


async def test_queues_skills_and_codes_are_made_changed_and_listed() -> None:
    async with api_world() as world:
        _, queue = await world.call("PUT", "/api/v1/queues/night", {"priority": 5})
        assert (queue["priority"], queue["wrapup_required"]) == (5, True)
        _, queue = await world.call("GET", "/api/v1/queues/night")
        assert queue["priority"] == 5
        for kind in ("skills", "codes"):
            assert (await world.call("PUT", f"/api/v1/{kind}/x", {"label": "X"}))[0] == 200
            _, listed = await world.call("GET", f"/api/v1/{kind}")
            assert listed["items"] == [{"name": "x", "label": "X"}]
            assert (await world.call("DELETE", f"/api/v1/{kind}/x"))[0] == 200
            assert (await world.call("DELETE", f"/api/v1/{kind}/x"))[0] == 404


async def test_a_queue_goes_when_nothing_needs_it_any_more() -> None:
    async with api_world() as world:
        path = "/api/v1/queues/night"
        assert (await world.call("DELETE", path))[0] == 404
        await world.call("PUT", path, {"priority": 5})
        await world.call("PUT", "/api/v1/agents/ana", {"queues": ["night"]})
        filed = await world.file_task(queue="night")
        world.process.cards_of[OFFICE] = ChannelCard(
            name=OFFICE, kind="task", queue="night", health="up"
        )
        for said in ("office brings contacts", "1 item is waiting", "ana works in"):
            status, problem = await world.call("DELETE", path)
            assert (status, problem["errors"][0]["field"]) == (409, "name")
            assert said in problem["detail"]
            if "office" in said:
                world.process.cards_of.clear()
            elif "item" in said:
                await world.call("POST", f"/api/v1/items/{filed['id']}/close", {"code": "x"})
        await world.call("PUT", "/api/v1/agents/ana", {"queues": []})
        assert (await world.call("DELETE", path))[0] == 200
        assert [q["name"] for q in (await world.call("GET", "/api/v1/queues"))[1]["items"]] == [
            "general"
        ]
        # The name is free for another one, which takes nothing over from the first.
        _, again = await world.call("PUT", path, {})
        assert (again["priority"], again["active"]) == (0, True)


async def test_a_declaration_removes_what_it_says_and_tells_so() -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/directory", DECLARED)
        wish: dict[str, Any] = {
            "remove": {"queues": ["billing", "none"], "skills": ["de"], "codes": ["done"]}
        }
        for query in ("?dry_run=1", ""):
            status, problem = await world.call("PUT", f"/api/v1/directory{query}", wish)
            assert (status, problem["errors"][0]["field"]) == (409, "remove.queues")
            assert "ana works in queue 'billing'" in problem["detail"]
        assert (await world.call("GET", "/api/v1/skills"))[1]["items"] != []

        wish["agents"] = [{"name": "ana", "queues": ["billing"]}]
        status, problem = await world.call("PUT", "/api/v1/directory", wish)
        assert (status, problem["errors"][0]["field"]) == (400, "agents[0].queues")
        wish["agents"] = [{"name": "ana", "queues": ["general"]}]
        _, applied = await world.call("PUT", "/api/v1/directory", wish)
        told = [(d["kind"], d["name"], d["change"]) for d in applied["differences"]]
        assert told == [
            ("queue", "billing", "remove"),
            ("skill", "de", "remove"),
            ("code", "done", "remove"),
            ("agent", "ana", "change"),
        ]
        assert "billing" not in world.rig.node.ledger.state.queues
        for kind in ("skills", "codes"):
            assert (await world.call("GET", f"/api/v1/{kind}"))[1]["items"] == []
        _, again = await world.call("PUT", "/api/v1/directory", wish)
        assert again["differences"] == []

        wish["queues"] = [{"name": "general"}]
        wish["remove"] = {"queues": ["general"]}
        status, problem = await world.call("PUT", "/api/v1/directory", wish)
        assert (status, "declared and removed" in problem["detail"]) == (400, True)


async def test_a_queue_that_has_work_at_another_node_stays() -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/queues/billing", {})
        tables = world.rig.tables
        theirs = item(ItemState.QUEUED, queue="billing", owner="n9")
        tables.items[theirs.id], tables.owners[theirs.id] = theirs, NodeName("n9")
        said = "1 item is open at n9 in queue 'billing': move or close them first"
        status, problem = await world.call("DELETE", "/api/v1/queues/billing")
        assert (status, problem["detail"]) == (409, said)
        for query in ("?dry_run=1", ""):
            wish = {"remove": {"queues": ["billing"]}}
            status, problem = await world.call("PUT", f"/api/v1/directory{query}", wish)
            assert (status, problem["detail"]) == (409, said)
        tables.items[theirs.id] = item(ItemState.COMPLETED, queue="billing", owner="n9")
        assert (await world.call("DELETE", "/api/v1/queues/billing"))[0] == 200


class Crash(BaseException):
    """The end of the process, as far as a request can see it."""


async def test_what_a_crash_leaves_of_a_declaration_the_next_start_finishes() -> None:
    """Between any two of its steps."""
    steps = ["notes.save", "commit", "skills.put", "codes.put", "tokens.save_login", "notes.drop"]
    for step in steps:
        async with api_world() as world:
            house, auth = world.house, world.api.auth
            intent = Intent(
                by=AgentName("sue"),
                queues=[Queue(name=QueueName("billing"))],
                agents=[AgentProfile(name=AgentName("bob"), queues=(QueueName("billing"),))],
                skills=[Named(name="de", label="German")],
                codes=[Named(name="done")],
                logins=[FirstLogin(name=AgentName("bob"), password="hash", role="agent")],
            )
            with pytest.MonkeyPatch.context() as patch:
                _crash_after(patch, world, step)
                with pytest.raises(Crash):
                    await Applier(house, auth).apply(intent)
            await world.rig.caught_up()
            await Applier(house, auth).finish()

            assert world.rig.tables.queues["billing"].active, step
            assert world.rig.tables.profiles[AgentName("bob")].queues == ("billing",), step
            assert [row.name for row in await house.skills.listed()] == ["de"], step
            assert [row.name for row in await house.codes.listed()] == ["done"], step
            assert await house.tokens.login(AgentName("bob")) == ("hash", "agent"), step
            entries = len(world.rig.tables.journal)
            await Applier(house, auth).finish()
            assert len(world.rig.tables.journal) == entries, step


def _crash_after(patch: pytest.MonkeyPatch, world: ApiWorld, step: str) -> None:
    if step == "commit":
        part: Any = world.rig.node.ledger
        name = "committed"
    else:
        owner, _, name = step.partition(".")
        part = getattr(world.house, owner)
    works = getattr(part, name)

    async def then_end(*args: Any) -> None:
        await works(*args)
        raise Crash

    patch.setattr(part, name, then_end)


async def test_a_declaration_that_is_refused_at_the_last_moment_does_not_come_back() -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/queues/night", {})
        gone = Intent(by=AgentName("sue"), gone_queues=[QueueName("night")])
        gone.skills = [Named(name="de")]
        notes, works = world.house.notes, world.house.notes.save

        async def then_an_item_comes(name: str, value: bytes) -> None:
            await works(name, value)
            await world.file_task(queue="night")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(notes, "save", then_an_item_comes)
            with pytest.raises(Refused) as refused:
                await Applier(world.house, world.api.auth).apply(gone)
        assert refused.value.code == "conflict"
        await Applier(world.house, world.api.auth).finish()
        assert await world.house.skills.listed() == []
        assert "night" in world.rig.node.ledger.state.queues


async def test_only_an_admin_changes_the_directory() -> None:
    async with api_world() as world:
        token = await world.token_for("ana", "supervisor")
        for path in ("agents/x", "queues/x", "skills/x", "codes/x", "directory"):
            status, _ = await world.call("PUT", f"/api/v1/{path}", {}, token=token)
            assert status == 403
        assert (await world.call("DELETE", "/api/v1/queues/x", token=token))[0] == 403


async def test_a_queue_takes_rings_and_a_policy_and_what_is_odd_is_warned_about() -> None:
    wish: dict[str, Any] = {
        "queues": [
            {
                "name": "billing",
                "skills": {"law": 3},
                "languages": {"zh-TW": ["zh-CN"]},
                "rings": [{"after": 60, "lower": 1}, {"after": 90, "drop": ["law"]}],
                "thresholds": [
                    {
                        "name": "many",
                        "when": "waiting",
                        "at": 9,
                        "message": {"webchat": {"": "Wait"}},
                    }
                ],
                "policy": {"choice": "longest_idle", "costs": {"webchat": {"units": 20}}},
            }
        ],
        "agents": [{"name": "ana", "queues": ["billing"], "level": 2}],
    }
    async with api_world() as world:
        status, dry = await world.call("PUT", "/api/v1/directory?dry_run=1", wish)
        assert status == 200
        assert "queue 'billing': nobody has the skill 'law'" in dry["warnings"]
        await world.call("PUT", "/api/v1/directory", wish)
        known = world.rig.node.ledger.state.queues[QueueName("billing")]
        assert [ring.after for ring in known.rings] == [60.0, 90.0]
        (threshold,) = known.thresholds
        assert (threshold.ends_at, threshold.message) == (7.2, {"webchat": {"": "Wait"}})
        assert known.policy.choice == "longest_idle"
        assert world.rig.node.ledger.state.profiles[AgentName("ana")].level == 2
        _, again = await world.call("PUT", "/api/v1/directory", wish)
        assert (again["differences"], again["warnings"]) == ([], [])


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"rings": [{"lower": 1}]}, "rings[0].after"),
        (
            {"thresholds": [{"name": "x", "when": "waiting", "at": 2, "back": 3}]},
            "thresholds[0].back",
        ),
        ({"thresholds": [{"name": "x", "when": "moon", "at": 2}]}, "$.thresholds[0].when"),
        ({"rings": [{"after": 60, "queues": ["nowhere"]}]}, "rings[0].queues"),
        ({"rings": [{"after": 60, "desk": [5]}]}, "$.rings[0].desk[0]"),
        ({"policy": {"choice": "loudest"}}, "$.policy.choice"),
        ({"policy": {"urgency": 2}}, "$.policy.urgency"),
    ],
)
async def test_what_can_never_be_is_refused_with_its_field(
    entry: dict[str, Any], field: str
) -> None:
    async with api_world() as world:
        status, problem = await world.call("PUT", "/api/v1/queues/billing", entry)
        assert status == 400
        assert problem["errors"][0]["field"].endswith(field.removeprefix("$."))
        assert "billing" not in world.rig.tables.queues
