"""A mail as it came, and what came with it, as a desktop asks for it."""

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from channels.email.parse import MailParser
from tests.support.apiworld import ApiWorld, api_world
from tests.support.builders import MAIL
from tests.support.corpus import envelope
from tests.support.mailworld import LANGUAGE

VECTORS = Path(__file__).parents[1] / "vectors" / "mail"
PARSER = MailParser(LANGUAGE)


async def came(world: ApiWorld, raw: bytes) -> dict[str, Any]:
    """The message that a mail has become."""
    inbound = PARSER(raw, envelope(len(raw)))
    (accepted,) = await world.rig.node.intake.receive([replace(inbound, channel=MAIL)])
    decided = await world.rig.node.intake.decided(accepted)
    status, page = await world.call("GET", f"/api/v1/cases/{decided.number}/messages")
    assert status == 200
    (message,) = page["items"]
    return dict(message)


async def test_a_mail_is_had_as_it_came_and_is_never_a_page() -> None:
    raw = (VECTORS / "mime" / "attached_and_inside.eml").read_bytes()
    async with api_world() as world:
        message = await came(world, raw)
        response = await world.raw("GET", f"/api/v1/messages/{message['id']}/source")
        assert await response.read() == raw
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert response.content_type == "application/octet-stream"
        status, fields = await world.call("GET", f"/api/v1/messages/{message['id']}/header")
        assert status == 200
        assert {"name": "Subject", "value": "Das hängt an"} in fields["items"]
        nobody = await world.raw("GET", f"/api/v1/messages/{message['id']}/source", token="")
        assert nobody.status == 401
        status, problem = await world.call("GET", f"/api/v1/messages/{message['case']}/source")
        assert (status, problem["errors"][0]["field"]) == (404, "id")


async def test_an_attached_mail_is_read_with_what_is_attached_to_it() -> None:
    async with api_world() as world:
        message = await came(world, (VECTORS / "mime" / "attached_and_inside.eml").read_bytes())
        (file,) = message["attachments"]
        assert file["type"] == "message/rfc822"
        place = f"/api/v1/attachments/{file['id']}"
        status, shown = await world.call("GET", f"{place}/mail")
        assert status == 200
        assert shown["sender"] == {"address": "bob@example.net", "name": "Bob Innen"}
        assert (shown["subject"], shown["body"].strip()) == ("Innen", "The inner text.")
        assert "script" not in shown["html"]
        assert "https://t.example/p.gif" in shown["html"]
        assert ' src="https://t.example' not in shown["html"]
        assert [one["path"] for one in shown["files"]] == ["1", "2"]
        status, deeper = await world.call("GET", f"{place}/mail?inside=2")
        assert (status, deeper["subject"]) == (200, "Deeper")
        assert [one["path"] for one in deeper["files"]] == ["2.1"]
        note = await world.raw("GET", f"{place}/inside?inside=2.1")
        assert await note.read() == b"a note"
        assert note.headers["Content-Disposition"].startswith("attachment")
        for wrong in ("9", "2.1.1", "x", "0"):
            status, problem = await world.call("GET", f"{place}/mail?inside={wrong}")
            assert (status, problem["errors"][0]["field"]) == (404, "inside"), wrong


async def test_an_invitation_is_read_from_the_file_that_it_came_as() -> None:
    async with api_world() as world:
        raw = (VECTORS / "mime" / "calendar_with_everything.eml").read_bytes()
        message = await came(world, raw)
        file = next(one for one in message["attachments"] if one["name"].endswith(".ics"))
        path = f"/api/v1/attachments/{file['id']}/invitations"
        status, found = await world.call("GET", path)
        assert status == 200
        (event,) = found["items"]
        assert (event["title"], event["method"]) == ("Planning, part 2", "request")
        assert event["begins"] == "2026-12-01T15:00:00Z"


async def test_what_the_sender_shows_stands_on_the_message() -> None:
    async with api_world() as world:
        message = await came(world, (VECTORS / "headers" / "looks_like_us.eml").read_bytes())
        signs = message["signs"]
        assert (signs["proof"], signs["seems"]) == ("failed", "example.com")
        assert signs["reply_to"] == "eve@evil.example"
