"""An agent's mail from the composer to the outbox: as it leaves, as it fails, tried once more."""

from email import message_from_bytes
from typing import Any

import aiohttp
import pytest

from channels.email.addresses import Address
from channels.email.compose import compose
from gateway.core import commands as c
from gateway.core.errors import Refused, Undeliverable
from gateway.core.ids import AgentName
from gateway.core.model import ItemState
from gateway.ports import Outbound
from tests.support.apiworld import ApiWorld, api_world
from tests.support.builders import MAIL, mail

ANA = AgentName("ana")


async def in_hand(world: ApiWorld) -> Any:
    (accepted,) = await world.rig.node.intake.receive([mail("lamp", body="Where is my lamp?")])
    decided = await world.rig.node.intake.decided(accepted)
    item, items = decided.item, world.rig.tables.items
    assert item is not None
    await world.until(lambda: items[item].state is ItemState.OFFERED)
    offer = items[item].offer
    assert offer is not None
    await do(world, c.Accept(id=world.rig.command(), offer=offer.id))
    return items[item]


async def do(world: ApiWorld, command: Any) -> dict[str, Any]:
    return (await world.rig.node.desk.act(ANA, command, maybe_repeated=False)).body


async def test_a_mail_leaves_in_its_letter_above_what_it_answers_and_is_tried_again() -> None:
    async with api_world(ready=True) as world:
        letter = {"opening": "Dear {customer},", "signature": "{agent}"}
        assert (await world.call("PUT", "/api/v1/letters/house", letter))[0] == 200
        item = await in_hand(world)
        sink = world.rig.sinks[item.channel]
        sink.errors = [Undeliverable("550 no such mailbox")]
        said = world.rig.tables.messages
        first = next(one for one in said.values() if one.direction == "in")
        send = c.Send(id=world.rig.command(), item=item.id, body="On its way.", quote=first.id)
        message = (await do(world, send))["message"]
        await world.until(lambda: said[message].delivery_reason == "550 no such mailbox")
        ana = await world.token_for("ana")
        status, _ = await world.call("POST", f"/api/v1/messages/{message}/retry", token=ana)
        assert status == 200
        await world.until(lambda: said[message].delivery == "sent")
        sent = sink.sent[-1].message
        assert sent is not None
        assert sent.body == said[message].body
        lines = sent.body.split("\n")
        assert lines[2 : sent.fold_from] == ["On its way."]
        assert lines[sent.fold_from + 1 : sent.fold_from + 2] == ["-- "]
        assert lines[-1] == "> Where is my lamp?"
        retried = await world.call("POST", f"/api/v1/messages/{message}/retry", token=ana)
        assert retried[0] == 409
        status, _ = await world.call("POST", f"/api/v1/messages/{first.id}/retry", token=ana)
        assert status == 404


async def test_only_a_mail_of_the_same_case_can_be_quoted() -> None:
    async with api_world(ready=True) as world:
        item = await in_hand(world)
        note = await do(world, c.Note(id=world.rig.command(), item=item.id, body="secret"))
        said = world.rig.tables.messages
        send = c.Send(id=world.rig.command(), item=item.id, body="x", quote=note["message"])
        before = len(said)
        with pytest.raises(Refused, match="no such mail") as refused:
            await do(world, send)
        assert refused.value.field == "quote"
        assert len(said) == before


async def test_a_mail_of_a_case_that_was_merged_into_this_one_can_be_quoted_as_well() -> None:
    async with api_world(ready=True) as world:
        item = await in_hand(world)
        (accepted,) = await world.rig.node.intake.receive([mail("chair", body="And my chair?")])
        other = world.rig.tables.items[(await world.rig.node.intake.decided(accepted)).item or ""]
        said = world.rig.tables.messages
        asked = next(one for one in said.values() if one.case == other.case)

        def send() -> c.Send:
            return c.Send(id=world.rig.command(), item=item.id, body="Both.", quote=asked.id)

        with pytest.raises(Refused, match="no such mail"):
            await do(world, send())
        wish = {"into": item.number, "reason": "one matter", "other_customer": True}
        merged = await world.call("POST", f"/api/v1/cases/{other.number}/merge", wish)
        assert merged[0] == 200
        message = (await do(world, send()))["message"]
        assert said[message].body.endswith("> And my chair?")


PNG = b"\x89PNG\r\n\x1a\n of a lamp"


async def upload(world: ApiWorld, token: str, query: str = "", **file: Any) -> tuple[int, Any]:
    form = aiohttp.FormData()
    form.add_field(
        "file",
        file.get("data", PNG),
        filename=file.get("name", "lamp.png"),
        content_type=file.get("kind", "image/png"),
    )
    path = f"/api/v1/attachments{query}"
    response = await world.raw("POST", path, data=form, token=token)
    return response.status, await response.json()


async def test_an_image_stands_in_the_text_and_html_leaves_harmless() -> None:
    async with api_world(ready=True) as world:
        item = await in_hand(world)
        ana = await world.token_for("ana")
        _, shown = await upload(world, ana, "?inline=true")
        _, unused = await upload(world, ana, "?inline=true", name="other.png")
        assert shown["inline_id"] != unused["inline_id"]
        html = (
            f'<p onclick="x()">See <img src="cid:{shown["inline_id"]}"></p><script>x()</script>'
            '<img src="https://firm.example/logo.png"><form action="https://evil.example"></form>'
        )
        files = (shown["id"], unused["id"])
        command = c.Send(
            id=world.rig.command(), item=item.id, body="See [lamp.png]", html=html,
            attachments=files,
        )  # fmt: skip
        message = (await do(world, command))["message"]
        said = world.rig.tables.messages[message]
        await world.until(lambda: world.rig.tables.messages[message].delivery == "sent")
        assert said.html is not None
        for active in ("script", "onclick", "form", "data-src"):
            assert active not in said.html
        assert f'src="cid:{shown["inline_id"]}"' in said.html
        assert 'src="https://firm.example/logo.png"' in said.html
        assert [one.inline_id for one in said.attachments] == [shown["inline_id"], ""]
        out = world.rig.sinks[item.channel].sent[-1]
        sent = message_from_bytes(compose(out, Address("support@firm.example")).data)
        kinds = [part.get_content_type() for part in sent.walk()]
        assert kinds == [
            *("multipart/mixed", "multipart/alternative", "text/plain", "multipart/related"),
            *("text/html", "image/png", "image/png"),
        ]
        ids = [part["Content-ID"] for part in sent.walk() if part.get_content_maintype() == "image"]
        assert ids == [f"<{shown['inline_id']}>", None]


async def test_only_images_go_into_the_text() -> None:
    async with api_world() as world:
        ana = await world.token_for("ana")
        for kind in ("image/svg+xml", "text/html", "application/pdf"):
            status, problem = await upload(world, ana, "?inline=true", kind=kind)
            assert (status, problem["errors"][0]["field"]) == (400, "file"), kind


async def test_what_is_too_much_for_the_channel_is_refused_before_it_leaves() -> None:
    async with api_world(ready=True) as world:
        item = await in_hand(world)
        ana = await world.token_for("ana")
        files = []
        for name in ("a.bin", "b.bin"):
            _, one = await upload(world, ana, name=name, data=bytes(600_000), kind="a/b")
            files.append(one["id"])
        before = len(world.rig.tables.messages)
        too_much = c.Send(id=world.rig.command(), item=item.id, body="x", attachments=tuple(files))
        with pytest.raises(Refused, match="leave some out") as refused:
            await do(world, too_much)
        assert refused.value.field == "attachments"
        assert len(world.rig.tables.messages) == before
        enough = c.Send(
            id=world.rig.command(), item=item.id, body="x", attachments=tuple(files[:1])
        )
        assert (await do(world, enough))["message"]


async def test_what_a_channel_carries_is_told_to_agents() -> None:
    async with api_world() as world:
        world.process.objects[MAIL] = world.rig.sinks[MAIL]
        ana = await world.token_for("ana")
        status, limits = await world.call("GET", f"/api/v1/channels/{MAIL}/limits", token=ana)
        assert status == 200
        assert (limits["max_file_bytes"], limits["max_attachment_bytes"]) == (1_000_000, 1_000_000)
        assert (await world.call("GET", "/api/v1/channels/none/limits"))[0] == 404


async def test_the_source_of_a_mail_of_ours_is_what_has_left() -> None:
    async with api_world(ready=True) as world:
        item = await in_hand(world)
        sink, own = world.rig.sinks[item.channel], Address("support@firm.example", "Firm")

        class Mailbox:
            def source(self, out: Outbound) -> bytes:
                return compose(out, own, "subject").data

        world.process.objects[item.channel] = Mailbox()
        send = c.Send(id=world.rig.command(), item=item.id, body="On its way: ½ lamp.")
        message = (await do(world, send))["message"]
        said = world.rig.tables.messages
        await world.until(lambda: said[message].delivery == "sent")
        left = compose(sink.sent[-1], own, "subject")
        response = await world.raw("GET", f"/api/v1/messages/{message}/source")
        assert (response.status, await response.read()) == (200, left.data)
        assert response.headers["Content-Disposition"].startswith("attachment")
        status, fields = await world.call("GET", f"/api/v1/messages/{message}/header")
        assert status == 200
        assert {"name": "Message-ID", "value": left.message_id} in fields["items"]
        note = (await do(world, c.Note(id=world.rig.command(), item=item.id, body="x")))["message"]
        assert (await world.call("GET", f"/api/v1/messages/{note}/source"))[0] == 404
