"""Two nodes over one PostgreSQL: a customer at one of them, whose agent is at the other."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from msgspec import Struct

from channels.webchat.protocol import (
    Delivered,
    End,
    Hello,
    MessageFrame,
    Ok,
    Read,
    ReadFrame,
    ResumeFrom,
    Send,
    State,
    Typing,
    TypingFrame,
    Welcome,
)
from gateway.core.model import Delivery, ItemState
from push.client import AgentClient
from tests.edge.test_homes import meet
from tests.support.chatserver import Visitor, visiting
from tests.support.process import NodeProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(150)]

SITE = {"kind": "webchat", "name": "site", "per_minute": 6_000}


def a_node(folder: Path, name: str, dsn: str) -> NodeProcess:
    folder.mkdir()
    sections = {"node": {"name": name, "region": name}, "store": {"dsn": dsn}}
    return NodeProcess(folder, [SITE, {"kind": "task", "name": "office"}], sections=sections)


class Talk(Struct):
    """A conversation that began at the agent's node; the customer's window is at the other."""

    here: NodeProcess
    there: NodeProcess
    ana: AgentClient
    visitor: Visitor
    welcome: Welcome

    @property
    def item(self) -> str:
        (item,) = self.ana.desktop.items
        return item

    def heard_by_ana(self) -> list[str]:
        return [m.body for m in self.ana.desktop.messages.get(self.item, [])]  # type: ignore[call-overload]

    def shown(self) -> list[str]:
        return [f.body for f in self.visitor.seen if isinstance(f, MessageFrame)]


@pytest.fixture
async def talk(tmp_path: Path, database: str) -> AsyncIterator[Talk]:
    one, two = (a_node(tmp_path / name, name, database) for name in ("one", "two"))
    try:
        await one.start()
        await two.start()
        await meet(one, two)
        await one.call("PUT", "/api/v1/agents/ana", {"display_name": "Ana"})
        token = await one.token_for("ana")
        async with AgentClient([f"{two.ws}/agent/v1"], token) as ana:
            await ana.ready()
            async with visiting(f"{two.ws}/chat/v1") as visitor:
                await visitor.say(Hello(channel="site"))
                await visitor.until(Welcome)
                await visitor.say(Send(id="the-first", body="Good morning"))
                began = await visitor.until(Welcome)
                await visitor.until(Ok)
                await ana.until(lambda d: d.offers)
                await ana.accept(next(iter(ana.desktop.offers)))
                await ana.until(lambda d: d.items)
            async with visiting(f"{one.ws}/chat/v1") as visitor:
                resume = ResumeFrom(seq=1, conversation=began.conversation)
                await visitor.say(Hello(channel="site", visitor=began.visitor, resume=resume))
                welcome = await visitor.until(Welcome)
                yield Talk(two, one, ana, visitor, welcome)
    finally:
        await one.kill()
        await two.stop()


async def test_the_conversation_goes_on_both_ways_in_order_and_once(talk: Talk) -> None:
    ana, visitor = talk.ana, talk.visitor
    assert talk.welcome.state == "active"
    asked = [f"question {n}" for n in range(12)]
    answers = [f"answer {n}" for n in range(12)]

    async def ask() -> None:
        for n, body in enumerate(asked):
            await visitor.say(Send(id=f"question-{n}", body=body))
        while sum(isinstance(f, Ok) for f in visitor.seen) < len(asked):
            await visitor.next()
        while not set(answers) <= set(talk.shown()):
            await visitor.next()

    async def answer() -> None:
        for body in answers:
            await ana.send(talk.item, body)  # type: ignore[arg-type]

    async with asyncio.timeout(40):
        await asyncio.gather(ask(), answer())
        await ana.until(lambda _: set(asked) <= set(talk.heard_by_ana()))
    assert [b for b in talk.heard_by_ana() if b in asked] == asked
    assert [b for b in talk.shown() if b in answers] == answers
    assert [b for b in talk.shown() if b in asked] == asked
    seqs = [f.seq for f in visitor.seen if isinstance(f, MessageFrame)]
    assert seqs == list(range(2, 26))


async def page_of(node: NodeProcess, number: int) -> str:
    """The customer's own page, as a path that every node serves."""
    case = await node.call("GET", f"/api/v1/cases/{number}")
    return str(case["ticket_url"]).removeprefix(node.url)


async def on_page(node: NodeProcess, path: str, **form: str) -> str:
    """What the page shows, after this form was sent if there is one."""
    async with aiohttp.ClientSession(node.url) as http:
        send = http.post(path, data=form) if form else http.get(path)
        async with send as answer:
            assert answer.status == 200
            return await answer.text()


async def test_marks_and_typing_cross(talk: Talk) -> None:
    ana, visitor = talk.ana, talk.visitor
    async with asyncio.timeout(30):
        await visitor.say(Typing(on=True))
        await ana.until(lambda d: d.typing)
        await visitor.say(Send(id="question", body="Are you there?"))
        await visitor.until(Ok)
        while not any(isinstance(f, Delivered) and f.seq == 2 for f in visitor.seen):
            await visitor.next()
        await ana.until(lambda _: "Are you there?" in talk.heard_by_ana())
        asked = ana.desktop.messages[talk.item][-1]  # type: ignore[index]
        await ana.typing(talk.item)  # type: ignore[arg-type]
        assert (await visitor.until(TypingFrame)).name == "Ana"
        await ana.read(talk.item, asked.id)  # type: ignore[arg-type]
        assert (await visitor.until(ReadFrame)).seq == 2
        await ana.send(talk.item, "I am")  # type: ignore[arg-type]
        answer = await visitor.until(MessageFrame)
        await visitor.say(Read(seq=answer.seq))
        await ana.until(
            lambda d: (note := d.deliveries.get(answer.id)) and note.state is Delivery.READ
        )
    number = talk.welcome.number
    messages = await talk.there.call("GET", f"/api/v1/cases/{number}/messages")
    assert [m["delivery"] for m in messages["items"]] == [None, "read", "read"]


async def test_the_customer_ends_the_chat_at_a_node_that_does_not_have_it(talk: Talk) -> None:
    async with asyncio.timeout(30):
        await talk.visitor.say(End(id="good-bye"))
        await talk.visitor.until(Ok)
        while State(state="closed") not in talk.visitor.seen:
            await talk.visitor.next()
        await talk.ana.until(lambda d: all(i.state is ItemState.WRAPPING for i in d.items.values()))


async def test_the_place_in_the_queue_is_told_by_the_node_that_has_the_item(talk: Talk) -> None:
    await talk.ana.not_ready("break")
    async with (
        asyncio.timeout(60),
        visiting(f"{talk.here.ws}/chat/v1") as first,
        visiting(f"{talk.here.ws}/chat/v1") as second,
    ):
        for n, visitor in enumerate((first, second), start=1):
            await visitor.say(Hello(channel="site"))
            await visitor.until(Welcome)
            await visitor.say(Send(id=f"the-first-{n}", body="Hello"))
            await placed(visitor, n)
        began = next(f for f in reversed(second.seen) if isinstance(f, Welcome))
        async with visiting(f"{talk.there.ws}/chat/v1") as back:
            resume = ResumeFrom(seq=1, conversation=began.conversation)
            await back.say(Hello(channel="site", visitor=began.visitor, resume=resume))
            await placed(back, 2)
            await first.say(End(id="good-bye"))
            await placed(back, 1)


async def placed(visitor: Visitor, place: int) -> None:
    """Return once the window was told this place."""
    while not any(isinstance(f, State) and f.position == place for f in visitor.seen):
        await visitor.next()


async def test_the_agents_node_is_killed_and_the_customer_hears_of_the_heir(talk: Talk) -> None:
    await talk.visitor.say(Send(id="question-1", body="before"))
    await talk.visitor.until(Ok)
    page = await page_of(talk.here, talk.welcome.number or 0)
    form = {"act": "reply", "id": "form-of-the-page", "text": "on the page"}
    for node in (talk.there, talk.here):  # the same form: one message
        assert (await on_page(node, page, **form)).count("on the page") == 1
    await talk.here.kill()
    async with asyncio.timeout(60):
        await talk.visitor.say(Send(id="question-2", body="after"))
        await talk.visitor.until(Ok)
    assert talk.shown() == ["before", "on the page", "after"]
    shown = await on_page(talk.there, page, **form)
    assert [shown.count(words) for words in ("before", "on the page", "after")] == [1, 1, 1]


async def test_the_same_task_filed_at_both_nodes_at_once_is_one_task(talk: Talk) -> None:
    task = {"title": "Check it", "customer": {"kind": "account", "value": "7", "verified": True}}
    filed = await asyncio.gather(
        *(
            node.call("POST", "/api/v1/tasks", task, **{"Idempotency-Key": f"key-{n}"})
            for n in range(10)
            for node in (talk.here, talk.there, talk.here)
        )
    )
    assert len({answer["id"] for answer in filed}) == 10
    for node in (talk.here, talk.there):
        with pytest.raises(aiohttp.ClientError, match="422"):
            await node.call(
                "POST", "/api/v1/tasks", task | {"title": "No"}, **{"Idempotency-Key": "key-1"}
            )
        assert "not as this node believed" not in node.log.read_text()


async def test_a_mass_of_contacts_of_the_same_customers_at_both_nodes_makes_one_case_each(
    talk: Talk,
) -> None:
    """Each visitor has a window at either node, and writes in both at the same time."""
    async with asyncio.timeout(100):
        numbers = await asyncio.gather(*(written_at_both(talk, n) for n in range(6)))
    assert len(set(numbers)) == 6
    for number in numbers:
        told = await talk.there.call("GET", f"/api/v1/cases/{number}/messages?limit=100")
        said = [(m["seq"], m["body"]) for m in told["items"] if m["direction"] == "in"]
        assert sorted(body for _, body in said) == sorted(
            ["Good morning", *(f"{n} at {door}" for n in range(10) for door in ("left", "right"))]
        )
        for door in ("left", "right"):
            assert [b for _, b in said if b.endswith(door)] == [f"{n} at {door}" for n in range(10)]
    for node in (talk.here, talk.there):
        assert node.pid is not None
        assert "begins anew" not in node.log.read_text()
        assert "decision failed" not in node.log.read_text()


async def written_at_both(talk: Talk, turn: int) -> int:
    """The number of the case that a visitor has written to."""
    first = (talk.here, talk.there)[turn % 2]
    async with visiting(f"{first.ws}/chat/v1") as window:
        await window.say(Hello(channel="site"))
        await window.until(Welcome)
        await window.say(Send(id=f"hello-{turn:03}", body="Good morning"))
        welcome = await window.until(Welcome)
        await window.until(Ok)

    async def write(node: NodeProcess, door: str) -> None:
        async with visiting(f"{node.ws}/chat/v1") as window:
            await window.say(Hello(channel="site", visitor=welcome.visitor))
            await window.until(Welcome)
            for n in range(10):
                await window.say(Send(id=f"{door}-{turn:03}-{n:03}", body=f"{n} at {door}"))
            for _ in range(10):
                await window.until(Ok)

    await asyncio.gather(write(talk.here, "left"), write(talk.there, "right"))
    assert welcome.number is not None
    return welcome.number
