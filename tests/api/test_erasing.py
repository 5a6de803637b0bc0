"""A customer who wants to be forgotten, as REST has it."""

from gateway.core import events as e
from tests.support.apiworld import api_world

MIA = {"kind": "email", "value": "mia@example.com", "name": "Mia"}


async def test_an_erasure_waits_for_open_work_and_is_journaled_with_who_ordered_it() -> None:
    async with api_world() as world:
        seen: list[e.Event] = []
        world.rig.node.ledger.subscribe(lambda run: seen.extend(entry.event for entry in run))
        filed = await world.file_task(customer=MIA)
        _, found = await world.call("GET", "/api/v1/customers?identity=email:mia@example.com")
        path = f"/api/v1/customers/{found['items'][0]['id']}"

        supervisor = await world.token_for("ana", "supervisor")
        assert (await world.call("DELETE", path, token=supervisor))[0] == 403
        status, answer = await world.call("DELETE", path)
        assert (status, f"#{filed['number']}" in answer["detail"]) == (409, True), answer
        assert (await world.call("GET", path))[0] == 200

        await world.call("POST", f"/api/v1/items/{filed['id']}/close", {"reason": "done"})
        assert await world.call("DELETE", path) == (200, {"cases": 1, "messages": 0, "files": 0})
        assert (await world.call("GET", path))[0] == 404
        assert (await world.call("DELETE", path))[0] == 404
        told = [event for event in seen if isinstance(event, e.ErasureOrdered | e.CustomerErased)]
        assert [type(event).__name__ for event in told] == [
            "ErasureOrdered",
            "ErasureOrdered",
            "CustomerErased",
        ]
        assert {event.by for event in told} == {"bootstrap"}
