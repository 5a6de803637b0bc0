"""Macros over REST: declared, listed for who may run them, removed when no rule runs them."""

from typing import Any

import pytest

from tests.support.apiworld import api_world

SORRY: dict[str, Any] = {
    "label": "Say sorry",
    "then": {"reply": {"": "Sorry, {customer}", "es": "Perdón"}, "tags": ["sorry"]},
}


async def test_a_macro_is_made_shown_changed_and_removed() -> None:
    async with api_world() as world:
        status, made = await world.call("PUT", "/api/v1/macros/sorry", SORRY)
        assert (status, made["label"], made["warnings"]) == (200, "Say sorry", [])
        boss = {"roles": ["supervisor"]}
        await world.call("PUT", "/api/v1/macros/sorry", boss)
        _, shown = await world.call("GET", "/api/v1/macros/sorry")
        assert shown["then"]["tags"] == ["sorry"]
        _, listed = await world.call("GET", "/api/v1/macros")
        assert [one["name"] for one in listed["items"]] == ["sorry"]
        ana = await world.token_for("ana")
        _, hers = await world.call("GET", "/api/v1/macros", token=ana)
        assert hers["items"] == []
        assert (await world.call("DELETE", "/api/v1/macros/sorry"))[0] == 200
        status, problem = await world.call("GET", "/api/v1/macros/sorry")
        assert (status, problem["detail"]) == (404, "there is no macro 'sorry'")


@pytest.mark.parametrize(
    ("macro", "field"),
    [
        ({"then": {}}, "then"),
        ({"then": {"reply": "Dear {who}"}}, "then.reply"),
        ({"then": {"hold": "x"}}, "then.hold"),
        ({"then": {"queue": "gone"}}, "then.queue"),
        ({"name": "other", "then": {"note": "x"}}, "name"),
    ],
)
async def test_a_macro_that_cannot_be_meant_names_the_field(macro: Any, field: str) -> None:
    async with api_world() as world:
        status, problem = await world.call("PUT", "/api/v1/macros/odd", macro)
        assert (status, problem["errors"][0]["field"]) == (400, field)


async def test_a_declaration_brings_macros_with_the_rules_that_run_them() -> None:
    async with api_world() as world:
        angry = {
            "name": "angry",
            "on": ["tagged"],
            "when": {"tags": ["angry"]},
            "then": {"macro": "sorry"},
        }
        wish = {"macros": [{"name": "sorry", **SORRY}], "rules": [angry]}
        status, told = await world.call("PUT", "/api/v1/directory", wish)
        assert (status, [d["kind"] for d in told["differences"]]) == (200, ["rule", "macro"])
        _, again = await world.call("PUT", "/api/v1/directory", wish)
        assert (again["differences"], again["unchanged"]) == ([], 2)
        status, problem = await world.call("DELETE", "/api/v1/macros/sorry")
        assert (status, "rule 'angry' runs the macro" in problem["detail"]) == (409, True)
        back = {"then": {"tags": ["angry"], "reply": "x"}}
        status, problem = await world.call("PUT", "/api/v1/macros/sorry", back)
        assert (status, "sets itself off" in problem["detail"]) == (400, True)
        gone = {"remove": {"macros": ["sorry"]}}
        assert (await world.call("PUT", "/api/v1/directory", gone))[0] == 409
        gone = {"remove": {"macros": ["sorry"], "rules": ["angry"]}}
        assert (await world.call("PUT", "/api/v1/directory", gone))[0] == 200
