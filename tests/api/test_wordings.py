"""Canned replies and letters over REST and in a declaration."""

from typing import Any

import pytest

from tests.support.apiworld import api_world

HELLO: dict[str, Any] = {
    "label": "Hello",
    "shortcut": "hi",
    "texts": {"": "Hello {customer}", "es": "Hola, {customer}"},
}
HOUSE: dict[str, Any] = {"opening": "Dear {customer},", "signature": "{agent}", "quote": True}


async def test_a_canned_reply_is_made_shown_changed_and_removed() -> None:
    async with api_world() as world:
        status, made = await world.call("PUT", "/api/v1/canned/hello", HELLO)
        assert (status, made["texts"]["es"], made["queues"]) == (200, "Hola, {customer}", [])
        await world.call("PUT", "/api/v1/canned/hello", {"skills": ["es"]})
        _, shown = await world.call("GET", "/api/v1/canned/hello")
        assert (shown["label"], shown["skills"]) == ("Hello", ["es"])
        ana = await world.token_for("ana")
        _, hers = await world.call("GET", "/api/v1/canned", token=ana)
        assert hers["items"] == []
        status, problem = await world.call("GET", "/api/v1/canned/hello", token=ana)
        assert (status, problem["detail"]) == (404, "there is no canned reply 'hello'")
        await world.call("PUT", "/api/v1/canned/hello", {"skills": []})
        _, hers = await world.call("GET", "/api/v1/canned", token=ana)
        assert [one["name"] for one in hers["items"]] == ["hello"]
        assert (await world.call("GET", "/api/v1/canned/hello", token=ana))[0] == 200
        assert (await world.call("PUT", "/api/v1/canned/mine", HELLO, token=ana))[0] == 403
        assert (await world.call("DELETE", "/api/v1/canned/hello"))[0] == 200
        status, problem = await world.call("GET", "/api/v1/canned/hello")
        assert (status, problem["detail"]) == (404, "there is no canned reply 'hello'")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("canned/odd", {"label": "Odd"}, "texts"),
        ("canned/odd", {"texts": "Dear {who}"}, "texts"),
        ("canned/odd", {"texts": "x", "shortcut": "two words"}, "shortcut"),
        ("canned/odd", {"texts": "x", "shortcut": "HI"}, "shortcut"),
        ("canned/odd", {"texts": "x", "queues": ["gone"]}, "queues"),
        ("letters/odd", {"queues": ["general"], "signature": "{name}"}, "signature"),
        ("letters/odd", {"queues": ["general"], "html": "<p>{opening}</p>"}, "html"),
        ("letters/odd", {"queues": ["gone"]}, "queues"),
        ("letters/odd", {"signature": "x"}, "queues"),
    ],
)
async def test_what_cannot_be_meant_names_the_field(path: str, body: Any, field: str) -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/canned/hello", HELLO)
        await world.call("PUT", "/api/v1/letters/house", HOUSE)
        status, problem = await world.call("PUT", f"/api/v1/{path}", body)
        assert (status, problem["errors"][0]["field"]) == (400, field)


async def test_a_declaration_brings_and_takes_them_and_is_idempotent() -> None:
    async with api_world() as world:
        wish = {
            "queues": [{"name": "billing"}],
            "canned": [{"name": "hello", **HELLO, "queues": ["billing"]}],
            "letters": [{"name": "house", **HOUSE}],
        }
        status, told = await world.call("PUT", "/api/v1/directory", wish)
        kinds = [one["kind"] for one in told["differences"]]
        assert (status, kinds) == (200, ["queue", "canned", "letter"])
        _, again = await world.call("PUT", "/api/v1/directory", wish)
        assert (again["differences"], again["unchanged"]) == ([], 3)
        _, letters = await world.call("GET", "/api/v1/letters")
        assert letters["items"][0]["opening"] == "Dear {customer},"
        status, problem = await world.call("DELETE", "/api/v1/queues/billing")
        assert (status, "canned reply 'hello' is for the queue" in problem["detail"]) == (409, True)
        gone = {"remove": {"canned": ["hello"], "letters": ["house"]}}
        assert (await world.call("PUT", "/api/v1/directory", gone))[0] == 200
        assert (await world.call("GET", "/api/v1/canned"))[1]["items"] == []


async def test_a_letter_is_seen_as_it_would_leave_and_nothing_is_kept() -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/letters/house", HOUSE)
        trial: dict[str, Any] = {
            "letter": {
                "html": "<div>{answer}</div>",
                "opening": {"": "Dear", "es": "Hola {customer}:"},
            },
            "said": "Ya sale.",
            "language": "es-AR",
            "values": {"customer": "Ana <b>", "agent": "Sam"},
        }
        status, seen = await world.call("POST", "/api/v1/letters/house/preview", trial)
        assert (status, seen["body"]) == (200, "Hola Ana <b>:\n\nYa sale.\n\n-- \nSam")
        assert "<p>Hola Ana &lt;b&gt;:</p>" in seen["html"]
        _, kept = await world.call("GET", "/api/v1/letters/house")
        assert (kept["html"], kept["opening"]) == (None, HOUSE["opening"])
        _, plain = await world.call(
            "POST", "/api/v1/letters/another/preview", {"letter": {}, "said": "x"}
        )
        assert plain == {"body": "x", "html": None}
        trial["letter"] = {"closing": "Yours, {who}"}
        status, problem = await world.call("POST", "/api/v1/letters/house/preview", trial)
        assert (status, problem["errors"][0]["field"]) == (400, "closing")
