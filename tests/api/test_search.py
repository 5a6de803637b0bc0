"""Finding over REST: by number, by words, and what is asked wrongly."""

from gateway.core.inbound import Claim
from tests.support.apiworld import ApiWorld, api_world
from tests.support.builders import mail


async def found(world: ApiWorld, typed: str) -> list[tuple[str, str]]:
    status, body = await world.call("GET", "/api/v1/search?q=" + typed)
    assert status == 200
    return [
        (case["case"]["subject"], (case["snippet"] or {"text": ""})["text"])
        for case in body["cases"]
    ]


async def test_a_case_is_found_by_its_number_and_by_what_was_said() -> None:
    async with api_world() as world:
        filed = await world.file_task(title="Refund of order 4690", body="the lamp was broken")
        await world.file_task(title="Another thing", body="nothing of it")

        (by_number,) = await found(world, f"%23{filed['number']}")
        assert by_number == ("Refund of order 4690", "")
        assert await found(world, "LAMP+brok") == [("Refund of order 4690", "the lamp was broken")]
        assert await found(world, "chair") == []
        assert await found(world, "") == []


async def test_who_is_found_stands_beside_with_the_newest_case() -> None:
    async with api_world() as world:
        claim = Claim(kind="email", value="joerg@example.org", name="Jörg Müller", verified=True)
        node = world.rig.node
        await node.intake.receive([mail("1", identity=claim)])
        await world.until(lambda: len(node.ledger.state.cases) == 1)
        _, body = await world.call("GET", "/api/v1/search?q=muller")
        (customer,) = body["customers"]
        assert customer["name"] == "Jörg Müller"
        (case,) = node.ledger.state.cases.values()
        assert customer["latest"] == case.number


async def test_what_is_asked_wrongly_is_named_and_nobody_finds_without_signing_in() -> None:
    async with api_world() as world:
        for query, field in (
            ("limit=99", "limit"),
            (f"q={'x' * 501}", "q"),
            ("q=x&colour=1", "colour"),
        ):
            status, problem = await world.call("GET", f"/api/v1/search?{query}")
            assert (status, problem["errors"][0]["field"]) == (400, field), query
        assert (await world.call("GET", "/api/v1/search?q=x", token=""))[0] == 401
