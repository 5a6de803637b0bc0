"""Merging, separating and splitting cases by REST."""

import re
from typing import Any

from gateway.core import commands as c
from gateway.core.errors import Undeliverable
from gateway.core.inbound import Claim
from gateway.core.lifecycle import ENDED
from tests.api.test_sending import do, in_hand
from tests.api.test_ticket_page import arrived, reader_of, solved
from tests.support.apiworld import ApiWorld, api_world
from tests.support.builders import mail


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


async def two_customers(world: ApiWorld) -> tuple[Any, Any]:
    """Eva's mail, and Sam's, whose case becomes part of hers; both answered, and all solved."""
    sam = Claim(kind="email", value="sam@example.org", name="Sam", verified=True)
    evas = await arrived(world)
    sams = await arrived(world, "chair", identity=sam, address=sam.value)
    for item in (evas, sams):
        await solved(world, item)
    wish = {"into": evas.number, "reason": "one flat", "other_customer": True}
    assert (await world.call("POST", f"/api/v1/cases/{sams.number}/merge", wish))[0] == 200
    return evas, sams


async def test_one_customer_gives_no_score_to_the_case_of_another() -> None:
    async with api_world(ready=True) as world:
        evas, sams = await two_customers(world)
        reader = await reader_of(world, sams.number)
        assert "How did we do?" not in await reader.look()
        form = {"act": "rate", "id": "0123456789abcdef", "score": "1"}
        assert (await world.raw("POST", reader.path, token="", data=form)).status == 409
        assert world.rig.tables.cases[evas.case].rating == 0
        eva = await reader_of(world, evas.number)
        await eva.look()
        await eva.act("rate", score="5")
        assert world.rig.tables.cases[evas.case].rating == 5


async def test_a_score_that_came_before_the_merge_was_known_counts_for_nothing() -> None:
    async with api_world(ready=True) as world:
        evas, sams = await two_customers(world)
        sam = Claim(kind="email", value="sam@example.org", verified=True)
        page = {"ticket_page": True}
        late = mail("late", identity=sam, conversation=sams.case, rating=1, attributes=page)
        (accepted,) = await world.rig.node.intake.receive([late])
        decided = await world.rig.node.intake.decided(accepted)
        assert (decided.status, decided.reason) == ("ignored", "it is the case of another customer")
        assert world.rig.tables.cases[evas.case].rating == 0


async def test_a_merged_ticket_however_long_is_read_from_its_end_on() -> None:
    async with api_world() as world:
        item, other = await arrived(world), await arrived(world, "chair")
        mails = [
            mail(f"k{n}", references=(item.thread[0],), body=f"Line {n}.") for n in range(1, 1_101)
        ]
        for accepted in await world.rig.node.intake.receive(mails):
            await world.rig.node.intake.decided(accepted)
        wish = {"into": item.number, "reason": "one matter"}
        assert (await world.call("POST", f"/api/v1/cases/{other.number}/merge", wish))[0] == 200
        reader = await reader_of(world, item.number)
        assert "Line 1100." in await reader.look()
        assert "Line 900." not in reader.html
        (earlier,) = re.findall(r'href="([^"]+before=[^"]+)"', reader.html)
        assert "Line 1001." not in await reader.look(earlier)
        assert "Line 950." in reader.html


async def test_a_message_that_failed_is_tried_again_in_the_case_that_it_was_split_into() -> None:
    async with api_world(ready=True) as world:
        item = await in_hand(world)
        sink, said = world.rig.sinks[item.channel], world.rig.tables.messages
        sink.errors = [Undeliverable("550 no such mailbox")]
        send = c.Send(id=world.rig.command(), item=item.id, body="On its way.")
        message = (await do(world, send))["message"]
        await world.until(lambda: said[message].delivery_reason == "550 no such mailbox")
        wish = {"messages": [message], "reason": "another matter"}
        status, made = await world.call("POST", f"/api/v1/cases/{item.number}/split", wish)
        assert status in (200, 201), made
        assert said[message].case != item.case
        assert (await world.call("POST", f"/api/v1/messages/{message}/retry"))[0] == 200
        await world.until(lambda: said[message].delivery == "sent")
        (order,) = [o for o in world.rig.tables.outbox.values() if o.message == message]
        assert order.case == said[message].case
