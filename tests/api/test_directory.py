"""Agents, queues, names, and whole declarations."""

from typing import Any

from tests.support.apiworld import api_world

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


async def test_only_an_admin_changes_the_directory() -> None:
    async with api_world() as world:
        token = await world.token_for("ana", "supervisor")
        for path in ("agents/x", "queues/x", "skills/x", "codes/x", "directory"):
            status, _ = await world.call("PUT", f"/api/v1/{path}", {}, token=token)
            assert status == 403
