"""Files of a visitor over HTTP, with the edge that serves them: who may, what, how much."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace

from channels.webchat.channel import WebChat
from channels.webchat.content import UNKNOWN, kind_of
from channels.webchat.settings import FileRules, Settings
from channels.webchat.visitor import Visitor, issue
from gateway.api.attachments import file_of, handed_out
from gateway.core.errors import Refused
from gateway.core.ids import CaseId, ChannelName
from gateway.http import HttpMount
from gateway.pathsharing import shared
from gateway.ports import HttpRequest, HttpRoute, Principal
from tests.support.chatvalues import SITE
from tests.support.chatworld import ChatWorld

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(80)
PATH = "/chat/v1/attachments"
SHOP = "https://shop.example.com"


class Nobody:
    async def principal(self, token: str) -> Principal | None:
        raise AssertionError("a visitor's token is nothing to look up")


@asynccontextmanager
async def served(world: ChatWorld, *settings: Settings) -> AsyncIterator[TestClient[Any, Any]]:
    services = replace(world.services(), form_file=file_of, hand_out=handed_out)
    routes: dict[tuple[str, str], list[HttpRoute]] = {}
    for one in settings or (Settings(name=SITE, origins=(SHOP,)),):
        for route in WebChat(one, services).routes():
            if isinstance(route, HttpRoute):
                routes.setdefault((route.method, route.path), []).append(route)
    mount = HttpMount([shared(alike) for alike in routes.values()], Nobody(), None)
    async with TestClient(TestServer(mount.app)) as client:
        yield client


def token(
    world: ChatWorld, channel: str = "site", visitor: str = "v1", account: str | None = None
) -> dict[str, str]:
    secret, now = world.services().secret, world.clock.now()
    who = Visitor(id=visitor, account=account, conversation=CaseId("case-1"))
    return {"Authorization": f"Bearer {issue(secret, ChannelName(channel), who, now)}"}


def form(data: bytes = PNG, name: str = "a.png") -> aiohttp.FormData:
    body = aiohttp.FormData(quote_fields=False)
    body.add_field("file", io.BytesIO(data), filename=name, content_type="text/html")
    return body


async def test_what_a_file_is_its_content_says_and_it_is_the_visitors_alone() -> None:
    world = ChatWorld()
    async with served(world) as client:
        answer = await client.post(PATH, data=form(), headers=token(world))
        card = await answer.json()
    assert (answer.status, card["type"], card["size"]) == (201, "image/png", len(PNG))
    assert [owner for owner, _, _ in world.uploads.values()] == ["site:visitor:v1"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer v1.made.up"}, 401),
        ({"Authorization": "Basic dXNlcg=="}, 401),
        ({"Origin": "https://evil.example"}, 403),
    ],
)
async def test_who_is_no_visitor_of_an_allowed_page_is_refused_before_the_body_is_read(
    headers: dict[str, str], status: int
) -> None:
    world = ChatWorld()

    async def never_ends() -> AsyncIterator[bytes]:
        yield b"--x"
        await asyncio.Event().wait()

    async with served(world) as client:
        told = headers if status == 401 else token(world) | headers
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        async with client.post(PATH, data=never_ends(), headers=told | kind) as answer:
            assert answer.status == status
            assert "detail" in await answer.json()
    assert world.uploads == {}


async def test_a_page_of_an_allowed_origin_may_ask_and_read_the_answer() -> None:
    world = ChatWorld()
    asked = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}
    async with served(world) as client:
        for path in (PATH, f"{PATH}/some-id"):
            async with client.options(path, headers=asked) as answer:
                assert answer.status == 204
                assert answer.headers["Access-Control-Allow-Origin"] == SHOP
                assert "authorization" in answer.headers["Access-Control-Allow-Headers"]


async def test_too_large_too_many_and_of_another_kind_are_refused_with_a_code() -> None:
    world = ChatWorld()
    rules = FileRules(max_bytes=200_000, per_hour=4)
    async with served(world, Settings(name=SITE, files=rules)) as client:
        who = token(world)
        bodies = [form(PNG + bytes(200_000)), form(b"MZ\x90\0\3\0" + bytes(300), "cv.pdf")]
        bodies += [form(b"<html><script>x</script>", "a.txt"), form(b"")]
        told = []
        for body in [*bodies, form()]:
            async with client.post(PATH, data=body, headers=who) as answer:
                told.append((answer.status, (await answer.json())["title"]))
    assert told == [
        (413, "too_long"),
        (415, "bad_type"),
        (415, "bad_type"),
        (400, "bad_field"),
        (429, "too_fast"),
    ]
    assert world.uploads == {}


async def test_where_no_files_are_taken_none_is() -> None:
    world = ChatWorld()
    none = Settings(name=SITE, files=FileRules(per_message=0))
    async with (
        served(world, none) as client,
        client.post(PATH, data=form(), headers=token(world)) as answer,
    ):
        assert (await answer.json())["title"] == "not_available"


async def test_uploads_at_once_are_bounded_and_an_end_makes_room() -> None:
    world = ChatWorld()
    chat = WebChat(Settings(name=SITE, files=FileRules(at_once=4)), world.services())
    (route,) = [r for r in chat.routes() if isinstance(r, HttpRoute) and r.method == "POST"]
    assert route.admit is not None

    def upload(visitor: str) -> AbstractAsyncContextManager[None]:
        assert route.admit is not None
        headers = {"authorization": token(world, visitor=visitor)["Authorization"]}
        return route.admit(asked(headers))

    async with upload("v1"), upload("v1"), upload("v2"):
        async with upload("v1"):
            for who in ("v1", "v3"):  # one visitor's, and everybody's
                with pytest.raises(Refused, match="at once"):
                    await upload(who).__aenter__()
        async with upload("v3"):
            pass


async def test_one_address_does_not_take_all_the_room_for_uploads() -> None:
    world = ChatWorld()
    chat = WebChat(Settings(name=SITE, files=FileRules(at_once=16)), world.services())
    (route,) = [r for r in chat.routes() if isinstance(r, HttpRoute) and r.method == "POST"]

    def upload(visitor: str, remote: str) -> AbstractAsyncContextManager[None]:
        assert route.admit is not None
        headers = {"authorization": token(world, visitor=visitor)["Authorization"]}
        return route.admit(asked(headers, remote))

    async with AsyncExitStack() as under_way:
        for n in range(4):
            await under_way.enter_async_context(upload(f"v{n}", "203.0.113.7"))
        with pytest.raises(Refused, match="at once"):
            await under_way.enter_async_context(upload("v9", "203.0.113.7"))
        await under_way.enter_async_context(upload("v9", "203.0.113.8"))
    async with upload("v9", "203.0.113.7"):
        pass


def asked(headers: dict[str, str], remote: str = "::1") -> HttpRequest:
    return HttpRequest(
        method="POST", path=PATH, params={}, query={}, headers=headers, body=b"", remote=remote
    )


async def test_several_chats_share_the_path_and_the_token_says_which_is_meant() -> None:
    world = ChatWorld()
    other = Settings(name=ChannelName("other"), files=FileRules(types=("text/plain",)))
    async with served(world, Settings(name=SITE), other) as client:
        statuses = []
        for channel in ("site", "other"):
            async with client.post(PATH, data=form(), headers=token(world, channel)) as answer:
                statuses.append(answer.status)
    assert statuses == [201, 415]


async def test_a_file_of_the_chat_is_saved_and_acts_nowhere() -> None:
    world = ChatWorld()
    world.shelf["f1"] = ("visitor", "v1", "page.html", "text/html", b"<script>x</script>")
    async with served(world) as client:
        async with client.get(f"{PATH}/f1", headers=token(world)) as answer:
            assert await answer.read() == b"<script>x</script>"
            assert answer.content_type == "application/octet-stream"
            assert answer.headers["Content-Disposition"].startswith("attachment")
            assert "sandbox" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        async with client.get(f"{PATH}/f2", headers=token(world)) as answer:
            assert answer.status == 404
        async with client.get(f"{PATH}/f1") as answer:
            assert answer.status == 401


async def test_the_token_of_who_had_signed_in_opens_no_files_the_next_day() -> None:
    world = ChatWorld()
    world.shelf["f1"] = ("account", "mia", "a.png", "image/png", PNG)
    world.shelf["f2"] = ("visitor", "v1", "b.png", "image/png", PNG)
    who = token(world, account="mia")
    async with served(world) as client:
        for name in ("f1", "f2"):  # also what was sent before they signed in
            async with client.get(f"{PATH}/{name}", headers=who) as answer:
                assert answer.status == 200
        world.clock.seconds = timedelta(hours=13).total_seconds()
        async with client.get(f"{PATH}/f1", headers=who) as answer:
            assert answer.status == 401


def packed(*names: str, kind: str = "") -> bytes:
    out = io.BytesIO()
    with ZipFile(out, "w") as archive:
        if kind:
            archive.writestr("mimetype", kind)
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


TYPES = "[Content_Types].xml"
WINDOWS_PROGRAM = b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0" + bytes(200)
OFFICE = "application/vnd.openxmlformats-officedocument"
ODT = "application/vnd.oasis.opendocument.text"


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (PNG, "photo.exe", "image/png"),
        (b"\xff\xd8\xff\xe1\0\x10Exif\0" + bytes(50), "a.png", "image/jpeg"),
        (b"GIF89a" + bytes(50), "a", "image/gif"),
        (b"RIFF\x24\0\0\0WEBPVP8 " + bytes(50), "a.webp", "image/webp"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(50), "a.heic", "image/heif"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(50), "a.pdf", "application/pdf"),
        ("Grüße, 您好 🎉\r\n".encode(), "a.txt", "text/plain"),
        (b"a;b\n1;2\n", "Zahlen.CSV", "text/csv"),
        (packed(TYPES, "word/document.xml"), "a.docx", f"{OFFICE}.wordprocessingml.document"),
        (packed("xl/workbook.xml", TYPES), "a.xlsx", f"{OFFICE}.spreadsheetml.sheet"),
        (packed("content.xml", kind=ODT), "a.odt", ODT),
        (packed("virus.exe"), "letter.docx", "application/zip"),
        (packed("virus.exe", kind="image/png"), "letter.odt", "application/zip"),
        (packed("virus.exe", kind="text/plain"), "letter.txt", "application/zip"),
        (packed(TYPES, "word/document.xml", "word/vbaProject.bin"), "a.docx", UNKNOWN),
        (b"PK\x03\x04 broken", "a.docx", UNKNOWN),
        (b"<svg onload=x>", "a.txt", UNKNOWN),
        (b"\xef\xbb\xbf <!DOCTYPE html>", "a.txt", UNKNOWN),
        (b"#!/bin/sh\nrm -rf /", "a.txt", UNKNOWN),
        (bytes(range(128, 256)) * 10, "a.png", UNKNOWN),
    ],
)
def test_the_kind_is_that_of_the_content(data: bytes, name: str, kind: str) -> None:
    assert kind_of(data, name) == kind


@pytest.mark.parametrize("data", [WINDOWS_PROGRAM, b"\x7fELF\2\1\1" + bytes(50)])
def test_a_program_by_any_name_is_no_kind_that_is_taken(data: bytes) -> None:
    assert kind_of(data, "photo.png") not in FileRules().types
