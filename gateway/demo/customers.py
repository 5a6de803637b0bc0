"""Played customers: they use the real protocols, as strangers would, and never a shortcut.

Each loop is one kind of customer. They are patient: while the node is away they wait and try
again, so killing it loses nobody.
"""

import asyncio
import itertools
import math
import random
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from email.utils import formataddr, make_msgid
from typing import Any, Never

import aiohttp
import aiosmtplib
import msgspec
import structlog
from msgspec import Struct
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from gateway.demo.company import SUPPORT
from gateway.demo.house_rules import CLOSED_QUEUE
from gateway.demo.mailserver import Account, DemoMail, Ports
from gateway.demo.words import CLOSED, MATTERS, TASKS, Matter

MAIL_SECONDS = 14.0
CHAT_SECONDS = 20.0
TASK_SECONDS = 18.0
ENTERING_SECONDS = 2.0
"""Until one who came in is counted."""
PATIENCE_SECONDS = 240.0
_log = structlog.get_logger("demo")


class World(Struct, frozen=True, kw_only=True):
    """Where the company is reached."""

    mail: DemoMail
    ports: Ports
    url: str
    token: str
    callback_url: str
    dice: random.Random
    crowd: int = 3
    """So many played contacts at most wait or are worked on: the visitor's own find room."""


async def send_mail(
    ports: Ports, sender: str, name: str, subject: str, body: str, answers: str = ""
) -> str:
    """Write to the company by SMTP; returns the Message-ID."""
    mail = EmailMessage()
    mail["From"] = formataddr((name, sender))
    mail["To"] = SUPPORT
    mail["Subject"] = subject
    mail["Message-ID"] = make_msgid(domain="customer.demo")
    if answers:
        mail["In-Reply-To"] = answers
        mail["References"] = answers
    mail.set_content(body)
    await aiosmtplib.send(
        mail, hostname="127.0.0.1", port=ports.smtp, sender=sender, recipients=[SUPPORT]
    )
    return str(mail["Message-ID"])


async def play(world: World) -> None:
    """All customers, until cancelled."""
    door = asyncio.Lock()
    async with asyncio.TaskGroup() as group:
        group.create_task(_again_and_again(lambda m: _mail(world, m), MAIL_SECONDS, world, door, 0))
        group.create_task(_again_and_again(lambda m: _chat(world, m), CHAT_SECONDS, world, door, 3))
        group.create_task(_again_and_again(lambda m: _task(world, m), TASK_SECONDS, world, door, 5))
        group.create_task(_visit(lambda m: _mail(world, m), CLOSED))


async def _again_and_again(
    one: Callable[[Matter], Awaitable[None]],
    every: float,
    world: World,
    door: asyncio.Lock,
    first: int,
) -> Never:
    """Start one visit after the other; several may be under way, as long as it is not crowded."""
    async with asyncio.TaskGroup() as visits:
        for matter in itertools.islice(itertools.cycle(MATTERS), first, None):
            async with door:
                while await _present(world) >= world.crowd:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(1)  # asked by REST: nobody tells who has left
                visits.create_task(_visit(one, matter))
                await asyncio.sleep(ENTERING_SECONDS)  # until it counts as present
            await asyncio.sleep(every * world.dice.uniform(0.6, 1.4))
    raise AssertionError("the customers never run out")


async def _present(world: World) -> float:
    """How many contacts wait in an open queue or are worked on; too many while nobody says."""
    headers = {"Authorization": f"Bearer {world.token}"}
    limit = aiohttp.ClientTimeout(total=5)
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=limit) as session,
            session.get(f"{world.url}/api/v1/live", raise_for_status=True) as answer,
        ):
            live = await answer.json()
    except (OSError, aiohttp.ClientError):  # a time-out is an OSError
        return math.inf
    open_queues = [queue for queue in live["queues"] if queue["name"] != CLOSED_QUEUE]
    return float(sum(queue["waiting"] + queue["in_hand"] for queue in open_queues))


async def _visit(one: Callable[[Matter], Awaitable[None]], matter: Matter) -> None:
    try:
        await one(matter)
    except (OSError, aiohttp.ClientError, aiosmtplib.SMTPException, WebSocketException) as error:
        _log.debug("a played customer gave up", reason=str(error))


# -- mail -----------------------------------------------------------------------------------


async def _mail(world: World, matter: Matter) -> None:
    """Write, wait for the answer, and often say thanks or ask on."""
    sender = f"{uuid.uuid4().hex[:8]}@customer.demo"
    world.mail.add(Account(sender, drop_oldest=True))
    await send_mail(world.ports, sender, matter.name, matter.subject, matter.body)
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            letters = await world.mail.wait(sender, 1)
            answer = BytesParser(policy=default).parsebytes(letters[0].raw)
            if world.dice.random() < 0.35:
                await asyncio.sleep(world.dice.uniform(10, 25))
                await send_mail(
                    world.ports,
                    sender,
                    matter.name,
                    f"Re: {matter.subject}",
                    matter.more,
                    answers=str(answer["Message-ID"]),
                )


# -- chat -----------------------------------------------------------------------------------


async def _chat(world: World, matter: Matter) -> None:
    """Ask, tell more when answered, say thanks and go."""
    said = iter((matter.body.split("\n\n")[1], matter.more, matter.thanks))
    url = f"{world.url.replace('http', 'ws', 1)}/chat/v1"
    visitor: str | None = None
    seq, due = 0, next(said)
    pending = uuid.uuid4().hex
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    async with connect(url, subprotocols=["switchroom.chat.v1"]) as socket:  # type: ignore[list-item]
                        await _say(socket, t="hello", **_hello(matter, visitor, seq))
                        await _say(socket, t="send", id=pending, body=due)
                        async for text in socket:
                            frame = msgspec.json.decode(text)
                            if frame["t"] == "welcome":
                                visitor = frame["visitor"]
                            elif frame["t"] == "message":
                                seq = max(seq, frame["seq"])
                                if frame["author"]["kind"] == "agent":
                                    await asyncio.sleep(world.dice.uniform(2, 6))
                                    due = next(said)
                                    pending = uuid.uuid4().hex
                                    await _say(socket, t="send", id=pending, body=due)
                except StopIteration:
                    return
                except (OSError, WebSocketException):
                    # The node is away: the same message with the same id, once it is back.
                    await asyncio.sleep(world.dice.uniform(0.5, 2))


def _hello(matter: Matter, visitor: str | None, seq: int) -> dict[str, Any]:
    hello: dict[str, Any] = {
        "channel": "site",
        "locale": matter.language,
        "profile": {"name": matter.name},
    }
    if visitor is not None:
        hello |= {"visitor": visitor, "resume": {"seq": seq}}
    return hello


async def _say(socket: Any, **frame: Any) -> None:
    await socket.send(msgspec.json.encode(frame).decode())


# -- tasks ----------------------------------------------------------------------------------


async def _task(world: World, matter: Matter) -> None:
    """Another system files a task; the same key until it is taken."""
    title, body, priority = world.dice.choice(TASKS)
    key = uuid.uuid4().hex
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                await file_task(
                    session,
                    world,
                    key=key,
                    title=title,
                    body=body,
                    priority=priority,
                    customer=matter.name,
                )
            except (OSError, aiohttp.ClientError):
                await asyncio.sleep(world.dice.uniform(0.5, 2))
            else:
                return


async def file_task(
    session: aiohttp.ClientSession,
    world: World,
    *,
    key: str,
    title: str,
    body: str,
    priority: int,
    customer: str,
) -> dict[str, Any]:
    """File a task by REST; returns the item. Raises ``aiohttp.ClientError``."""
    async with session.post(
        f"{world.url}/api/v1/tasks",
        headers={"Authorization": f"Bearer {world.token}", "Idempotency-Key": key},
        json={
            "title": title,
            "body": body,
            "priority": priority,
            "queue": "backoffice",
            "customer": {"kind": "account", "value": customer.lower(), "name": customer},
            "callback_url": world.callback_url,
        },
        timeout=aiohttp.ClientTimeout(total=15),
        raise_for_status=True,
    ) as answer:
        item: dict[str, Any] = await answer.json()
        return item
