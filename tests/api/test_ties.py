"""Merging, separating and splitting cases by REST."""

from gateway.core.inbound import Claim
from gateway.core.lifecycle import ENDED
from tests.api.test_ticket_page import arrived, reader_of
from tests.support.apiworld import api_world


async def test_a_case_is_merged_looked_at_and_taken_out_again() -> None:
    async with api_world() as world:
        one, two = await world.file_task(body="first"), await world.file_task(body="second")
        path = f"/api/v1/cases/{two['number']}"
        _, plan = await world.call("GET", f"{path}/merge?into={one['number']}")
        assert (plan["hindrance"], plan["other_customer"]) == ("", False)
        assert {(i["number"], i["then"]) for i in plan["items"]} == {
            (one["number"], "stays"),
            (two["number"], "moves"),
        }
        status, problem = await world.call("POST", f"{path}/merge", {"into": one["number"]})
        assert (status, problem["title"]) == (400, "bad_body")
        wish = {"into": one["number"], "reason": "one matter"}
        status, stays = await world.call("POST", f"{path}/merge", wish)
        assert (status, stays["number"]) == (200, one["number"])
        assert [link["how"] for link in stays["links"]] == ["merged_here"]
        _, said = await world.call("GET", f"/api/v1/cases/{one['number']}/messages")
        assert [m["body"] for m in said["items"]] == ["first", "second"]
        _, gone = await world.call("GET", path)  # its number is found as ever
        assert (gone["merged_into"], gone["status"]) == (one["number"], "closed")
        assert (await world.call("PATCH", path, {"status": "open"}))[0] == 409
        _, trace = await world.call("GET", f"/api/v1/items/{two['id']}/events")
        assert any("belongs to #" in entry["text"] for entry in trace["items"])
        assert (await world.call("POST", f"{path}/merge", wish))[0] == 409

        status, alone = await world.call("POST", f"{path}/separate", {"reason": "no, two"})
        assert (status, alone["merged_into"], alone["status"]) == (200, None, "open")
        _, said = await world.call("GET", f"/api/v1/cases/{one['number']}/messages")
        assert [m["body"] for m in said["items"]] == ["first"]


async def test_messages_that_are_not_there_are_not_split() -> None:
    async with api_world() as world:
        filed = await world.file_task(body="first")
        path = f"/api/v1/cases/{filed['number']}/split"
        wish = {"messages": ["0190a000-0000-7000-8000-00000000dead"], "reason": "else"}
        status, problem = await world.call("POST", path, wish)
        assert (status, problem["errors"][0]["field"]) == (404, "messages")
        _, said = await world.call("GET", f"/api/v1/cases/{filed['number']}/messages")
        only = [said["items"][0]["id"]]
        status, problem = await world.call("POST", path, {"messages": only, "reason": "else"})
        assert (status, problem["title"]) == (400, "bad_field")


async def test_one_customer_takes_back_no_call_of_another_and_learns_no_link_of_theirs() -> None:
    async with api_world(ready=True) as world:
        sam = Claim(kind="email", value="sam@example.org", name="Sam", verified=True)
        evas = await arrived(world)
        sams = await arrived(world, "chair", identity=sam, address=sam.value)
        call = {"case": evas.number, "number": "+49 30 1234567"}
        assert (await world.call("POST", "/api/v1/callbacks", call))[0] == 201
        reader = await reader_of(world, sams.number)
        await reader.look()
        wish = {"into": evas.number, "reason": "one flat", "other_customer": True}
        path = f"/api/v1/cases/{sams.number}/merge"
        assert (await world.call("POST", path, wish))[0] == 200
        own = reader.path
        await reader.look()
        await reader.act("call")
        assert any(
            i.callback is not None and i.state not in ENDED for i in world.rig.tables.items.values()
        )
        await reader.look(own)
        await reader.act("reply", text="And the chair?")
        assert reader.path == own
        assert "And the chair?" in reader.html
        (work,) = [i for i in world.rig.tables.items.values() if i.address == sam.value]
        assert (work.case, work.copies) == (evas.case, ())
