"""Telegram: read by polling or brought, answered, files both ways; each message once."""

import asyncio
import json
from itertools import count
from typing import Any

import pytest

from channels.telegram import TYPE as TELEGRAM
from channels.telegram.settings import Settings
from channels.texting import media
from gateway.core.errors import BadCredentials
from gateway.core.ids import AgentName
from gateway.core.model import Delivery, OutboundState
from gateway.core.stopwords import confirmation
from gateway.ports import File
from tests.support.carrier import BOT, carrying
from tests.support.flownode import new_tables
from tests.support.textworld import TextWorld, texting

NUMBERS = count(1)


def bot(more: dict[str, Any]) -> Any:
    def made(*, name: Any, api_base: str, **_: Any) -> Settings:
        known = {"name": name, "token": BOT, "api_base": api_base, "private": True}
        return Settings(**(known | more))

    return made


def telegram(more: dict[str, Any] | None = None, **world: Any) -> Any:
    return texting(kind=TELEGRAM, settings=bot(more or {}), **world)


def said(text: str, *, chat: int = 99, **more: Any) -> dict[str, Any]:
    """An update as Telegram sends it."""
    n = next(NUMBERS)
    message = {
        "message_id": n,
        "date": 1_770_000_000,
        "text": text,
        "from": {"id": chat, "first_name": "Ada", "last_name": "L", "language_code": "es"},
        "chat": {"id": chat, "type": "private"},
    }
    return {"update_id": 1_000 + n, "message": message | more}


async def read(world: TextWorld, *updates: dict[str, Any]) -> None:
    """Telegram has these; they are read, and forgotten there."""
    world.carrier.updates += updates
    await world.until(lambda: not world.carrier.updates)
    await world.settled()


async def test_what_is_written_to_the_bot_is_read_once_and_answered_there() -> None:
    async with telegram() as world:
        await read(world, said("/start"), said("¿Dónde está mi paquete?"), said("Es el 4711"))
        (item,) = world.items
        assert (item.address, item.language, item.kind.value) == ("99", "es", "telegram")
        assert [one.body for one in world.messages] == ["¿Dónde está mi paquete?", "Es el 4711"]
        author = world.messages[0].author
        assert (author.name, author.verified) == ("Ada L", True)
        message = await world.answer("El viernes")
        await world.until(lambda: world.state_of(message) is Delivery.SENT)
        assert [(one["to"], one["text"]) for one in world.carrier.taken] == [("99", "El viernes")]
        quoting = said("¿Seguro?", reply_to_message={"message_id": 1})
        await read(world, quoting)
        assert world.messages[-1].case == item.case


async def test_groups_and_other_bots_are_nobody() -> None:
    async with telegram() as world:
        robot = said("hi")
        robot["message"]["from"]["is_bot"] = True
        group = said("hi", chat=-5)
        group["message"]["chat"]["type"] = "group"
        await read(world, robot, group, {"update_id": next(NUMBERS) + 1_000})
        assert not world.items


async def test_a_node_that_comes_back_goes_on_where_it_was() -> None:
    tables = new_tables()
    async with carrying() as there:
        again = said("Hello?")
        async with telegram(tables=tables, carrier=there) as world:
            await read(world, again)
        there.updates.append(again)  # told once more: it was read, and not yet forgotten
        async with telegram(tables=tables, carrier=there) as world:
            await read(world, said("Anybody?"))
            assert [one.body for one in world.messages] == ["Hello?", "Anybody?"]


async def test_by_webhook_the_secret_proves_who_brings_it() -> None:
    async with telegram({"receive": "webhook", "secret": "s3cret"}) as world:
        assert world.carrier.hooked["url"] == world.url()
        assert world.carrier.hooked["secret_token"] == "s3cret"
        body = json.dumps(said("Hello")).encode()
        marks = {"X-Telegram-Bot-Api-Secret-Token": "s3cret"}
        assert (await world.post(body, {}))[0] == 403
        assert await world.post(body, {"X-Telegram-Bot-Api-Secret-Token": "no"}) == (403, "")
        assert [(await world.post(body, marks))[0] for _ in range(2)] == [200, 200]
        await world.settled()
        assert len(world.messages) == 1
        status, told = await world.post(b'{"update_id": "x"}', marks)
        assert status == 400
        assert json.loads(told)["errors"][0]["field"] == "update_id"


async def test_a_webhook_that_is_set_is_taken_away_before_polling() -> None:
    async with carrying() as there:
        there.hooked = {"url": "https://elsewhere.example"}
        async with telegram(carrier=there) as world:
            await read(world, said("Hello"))
            assert not there.hooked
            assert len(world.messages) == 1


async def test_files_come_by_their_names_and_leave_as_links(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(media, "PAUSES", (0.01,))
    async with telegram() as world:
        world.carrier.files["big"] = ("image/jpeg", b"\xff\xd8 large")
        sizes = [{"file_id": "small"}, {"file_id": "big"}]
        await read(world, said("", caption="Look", photo=sizes))
        (message,) = world.messages
        (file,) = message.attachments
        assert (message.body, file.type, file.size) == ("Look", "image/jpeg", 8)
        lost = said("", document={"file_id": "gone", "file_name": "bill.pdf"})
        await read(world, lost)
        await world.until(lambda: "could not be fetched" in world.messages[-1].body)
        assert BOT not in world.messages[-1].body
        bill = await world.rig.node.files.put(
            File(name="bill.pdf", type="application/pdf", data=b"%PDF"), AgentName("ana")
        )
        await world.answer("Here", attachments=(bill.id,))
        await world.until(lambda: len(world.carrier.taken) == 1)
        assert (await world.get(world.carrier.taken[0]["text"].split("\n")[1]))[1] == b"%PDF"


@pytest.mark.parametrize(
    ("status", "more", "state"),
    [
        (429, {"parameters": {"retry_after": 77}}, OutboundState.PENDING),
        (403, {"description": "Forbidden: bot was blocked by the user"}, OutboundState.FAILED),
        (400, {"description": "Bad Request: chat not found"}, OutboundState.FAILED),
        (502, {}, OutboundState.PENDING),
    ],
)
async def test_what_telegram_answers_decides(
    status: int, more: dict[str, Any], state: OutboundState
) -> None:
    async with telegram() as world:
        await read(world, said("Hello"))
        world.carrier.fail(status, {"ok": False} | more)
        before = world.now()
        await world.answer("Yes?")
        await world.until(lambda: world.outbox[-1].attempts > 0)
        await world.until(lambda: world.outbox[-1].state is state)
        stops = len(world.rig.node.ledger.state.stops)
        assert stops == (1 if status == 403 else 0)
        if status == 429:
            assert (world.outbox[-1].next_at - before).total_seconds() >= 77


async def test_stop_is_a_word_here_too() -> None:
    async with telegram() as world:
        await read(world, said("/stop"))
        await world.until(lambda: len(world.carrier.taken) == 1)
        assert world.carrier.taken[0]["text"] == confirmation("stop", "en")
        assert not world.items


async def test_a_wrong_token_parks_the_channel_and_check_says_so() -> None:
    async with telegram() as world:
        assert (await world.channel.check())[0] == ("Telegram bot help_bot", None)
        other = bot({"token": "4711:other"})(name="m", api_base=world.carrier.url)
        wrong = TELEGRAM.open(other, world.channel._services)
        with pytest.raises(BadCredentials):
            async with asyncio.timeout(5):
                await wrong.run(lambda: None)
        assert (await wrong.check())[0][1] is not None
