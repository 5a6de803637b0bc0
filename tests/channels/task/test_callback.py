"""Calling back, against a real HTTP server that misbehaves as told."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from channels import calling
from channels.signing import key_of
from channels.task.channel import TaskChannel
from channels.task.settings import Settings
from gateway.core.errors import OutcomeUnknown, SendError, TryAgain, Undeliverable
from gateway.core.ids import CaseId, ChannelName, MessageId, OutboundId
from gateway.core.model import Author, ChannelKind, Message
from gateway.ports import Outbound, Services

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NAME = ChannelName("backoffice")


class Clock:
    def now(self) -> datetime:
        return AT

    def monotonic(self) -> float:
        return 0.0


def a_channel(*, private: bool = True) -> TaskChannel:
    nothing: Any = None
    services = Services(
        clock=Clock(),
        intake=nothing,
        memory=nothing,
        conversations=nothing,
        feed=nothing,
        files=nothing,
        signals=nothing,
        delivered=nothing,
        secret=b"x" * 32,
        public_url="http://localhost",
        node=nothing,
    )
    return TaskChannel(Settings(name=NAME, secret=SECRET, callback_private=private), services)


def status_change(address: str, attempt: int = 1) -> Outbound:
    return Outbound(
        id=OutboundId("out-1"),
        channel=NAME,
        purpose="status",
        created_at=AT,
        attempt=attempt,
        repeat=attempt > 1,
        address=address,
        payload={
            "event": "item.completed",
            "item": "i1",
            "number": 1042,
            "state": "completed",
            "version": 5,
            "code": "done",
            "reason": "",
        },
    )


def answer(address: str) -> Outbound:
    message = Message(
        id=MessageId("m1"),
        case=CaseId("c1"),
        seq=2,
        direction="out",
        author=Author(kind="agent", name="Ana"),
        at=AT,
        channel=NAME,
        kind=ChannelKind.TASK,
        body="Refunded.",
    )
    return Outbound(
        id=OutboundId("out-2"),
        channel=NAME,
        purpose="message",
        created_at=AT,
        attempt=1,
        repeat=False,
        address=address,
        number=1042,
        message=message,
    )


class Receiver:
    """A filer's server: keeps what it got, answers ``status``, or does something worse."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.headers: dict[str, str] = {}
        self.silent = False
        self.cut = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append((headers, await request.read()))
        if self.cut and request.transport is not None:
            request.transport.abort()
        if self.silent:
            await asyncio.Event().wait()
        return web.Response(status=self.status, headers=self.headers)


@asynccontextmanager
async def receiving() -> AsyncIterator[tuple[Receiver, str]]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    async with TestServer(app) as server:
        yield receiver, str(server.make_url("/hook"))


async def test_a_status_change_is_told_and_signed() -> None:
    async with receiving() as (receiver, url):
        receipt = await a_channel().send(status_change(url))
        assert receipt.external_id == "out-1"
        ((headers, body),) = receiver.got
        assert json.loads(body) == status_change(url).payload
        assert headers["content-type"] == "application/json"
        assert headers["webhook-id"] == "out-1"
        signed = f"out-1.{headers['webhook-timestamp']}.".encode() + body
        expected = hmac.new(key_of(SECRET), signed, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
        assert int(headers["webhook-timestamp"]) == int(AT.timestamp())


async def test_a_repeat_carries_the_same_id_and_bytes() -> None:
    async with receiving() as (receiver, url):
        channel = a_channel()
        for attempt in (1, 2):
            await channel.send(status_change(url, attempt))
        (first, second) = receiver.got
        assert first[1] == second[1]
        assert first[0]["webhook-id"] == second[0]["webhook-id"]


async def test_an_answer_is_told_with_its_words() -> None:
    async with receiving() as (receiver, url):
        await a_channel().send(answer(url))
        told = json.loads(receiver.got[0][1])
        assert (told["event"], told["body"], told["author"]) == ("item.message", "Refunded.", "Ana")
        assert told["number"] == 1042


async def test_without_a_callback_there_is_nothing_to_do() -> None:
    assert (await a_channel().send(answer(""))).external_id == ""


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, TryAgain),
        (503, TryAgain),
        (429, TryAgain),
        (408, TryAgain),
        (400, Undeliverable),
        (404, Undeliverable),
        (410, Undeliverable),
        (301, Undeliverable),
        (307, Undeliverable),
    ],
)
async def test_what_each_answer_means(status: int, error: type[SendError]) -> None:
    async with receiving() as (receiver, url):
        receiver.status = status
        receiver.headers = {"Location": url.replace("hook", "elsewhere")}
        with pytest.raises(error, match=str(status)):
            await a_channel().send(status_change(url))
        assert len(receiver.got) == 1


async def test_nobody_there_is_tried_again() -> None:
    with pytest.raises(TryAgain):
        await a_channel().send(status_change(f"http://127.0.0.1:{unused_port()}/"))


async def test_a_name_that_does_not_exist_is_tried_again() -> None:
    with pytest.raises(TryAgain):
        await a_channel().send(status_change("http://no-such-host.invalid/"))


async def test_silence_after_sending_leaves_the_outcome_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calling, "TIMEOUT_SECONDS", 0.2)
    async with receiving() as (receiver, url):
        receiver.silent = True
        with pytest.raises(OutcomeUnknown):
            await a_channel().send(status_change(url))
        assert len(receiver.got) == 1


async def test_a_connection_cut_after_sending_leaves_the_outcome_open() -> None:
    async with receiving() as (receiver, url):
        receiver.cut = True
        with pytest.raises(OutcomeUnknown):
            await a_channel().send(status_change(url))
        assert len(receiver.got) == 1


async def test_a_private_address_is_never_connected_to_unless_allowed() -> None:
    async with receiving() as (receiver, url):
        for address in (url, url.replace("127.0.0.1", "localhost")):
            with pytest.raises(Undeliverable, match="private"):
                await a_channel(private=False).send(status_change(address))
        assert receiver.got == []
