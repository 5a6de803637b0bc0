"""The channel on real websockets, with a node in memory behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from channels.webchat.channel import WebChat
from channels.webchat.protocol import (
    Close,
    Delivered,
    End,
    Error,
    Hello,
    MessageFrame,
    Ok,
    Profile,
    Read,
    ReadFrame,
    ResumeFrom,
    Send,
    State,
    Tick,
    Typing,
    TypingFrame,
    Welcome,
)
from channels.webchat.settings import Settings
from gateway.core.events import CustomerLeft
from gateway.core.ids import CaseId, ChannelName, OutboundId
from gateway.core.model import Delivery
from gateway.core.owed import Gone
from gateway.ports import Outbound
from tests.support.chatserver import Visitor, serving, visiting
from tests.support.chatvalues import SITE, START
from tests.support.chatworld import ChatWorld

pytestmark = pytest.mark.integration

SHOP = "https://shop.example.com"


@pytest.fixture
def world() -> ChatWorld:
    return ChatWorld()


@pytest.fixture
async def url(world: ChatWorld) -> AsyncIterator[str]:
    async with serving(chat(world)) as address:
        yield address


def chat(world: ChatWorld, name: ChannelName = SITE, **more: object) -> WebChat:
    settings = Settings(name=name, origins=(SHOP,), title="Help", **more)  # type: ignore[arg-type]
    return WebChat(settings, world.services(), heartbeat=30.0, queue_look=0.01)


async def greet(visitor: Visitor, token: str = "", seq: int | None = None) -> Welcome:
    resume = None if seq is None else ResumeFrom(seq=seq)
    await visitor.say(Hello(channel="site", visitor=token or None, resume=resume, locale="de-AT"))
    return await visitor.until(Welcome)


async def begin(visitor: Visitor, body: str = "hello") -> tuple[Welcome, Ok]:
    """The first words of a conversation; the welcome that names it, and the ok."""
    await greet(visitor)
    await visitor.say(Send(id="first-0001", body=body))
    return await visitor.until(Welcome), await visitor.until(Ok)


def case_in(welcome: Welcome) -> CaseId:
    assert welcome.conversation is not None
    return welcome.conversation


def bodies(visitor: Visitor) -> list[str]:
    return [frame.body for frame in visitor.seen if isinstance(frame, MessageFrame)]


async def test_a_conversation_from_the_first_word_to_the_end(world: ChatWorld, url: str) -> None:
    async with visiting(url, SHOP) as mia:
        welcome, ok = await begin(mia, "Where is my order?")
        case = case_in(welcome)
        assert (welcome.number, ok.seq, ok.conversation) == (1001, 1, case)
        assert [frame.state for frame in mia.seen if isinstance(frame, State)][-1] == "queued"

        world.assign(case, "ana")
        assert (await mia.until(State)).agent == "Ana"
        assert (await mia.until(Delivered)).seq == 1
        world.read_by_agent(world.said[case][0])
        assert (await mia.until(ReadFrame)).seq == 1

        answer = world.answer(case, "On its way.")
        assert (await mia.until(MessageFrame)).body == "On its way."
        assert (answer.id, Delivery.DELIVERED) in world.marked
        await mia.say(Read(seq=answer.seq))
        await mia.say(End(id="the-end-01"))
        assert (await mia.until(State)).state == "closed"
        assert (await mia.until(Ok)).re == "the-end-01"
        assert (answer.id, Delivery.READ) in world.marked


async def test_what_reaches_the_node(world: ChatWorld, url: str) -> None:
    async with visiting(url, SHOP) as mia:
        profile = Profile(name="Mia", email="mia@example.com")
        hello = Hello(channel="site", profile=profile, locale="de-AT", page="https://shop/cart")
        await mia.say(hello)
        await mia.until(Welcome)
        await mia.say(Send(id="first-0001", body="Guten Tag"))
        await mia.until(Ok)
    (inbound,) = world.received
    assert inbound.identity is not None
    visitor = inbound.identity.value
    assert (inbound.identity.kind, inbound.identity.verified) == ("visitor", True)
    assert inbound.key == f"{visitor}:first-0001"
    assert (inbound.client_id, inbound.address, inbound.language) == ("first-0001", visitor, "de")
    assert inbound.attributes["claimed_email"] == "mia@example.com"
    assert inbound.attributes["page"] == "https://shop/cart"


async def test_ok_comes_only_when_it_is_on_disk(world: ChatWorld, url: str) -> None:
    async with visiting(url) as mia:
        await greet(mia)
        world.hold()
        await mia.say(Send(id="first-0001", body="hello"))
        await _eventually(lambda: world.knocked == 1)
        await mia.caught_up()
        told_before = [type(frame) for frame in mia.seen]
        world.release()
        await mia.until(Ok)
    assert told_before == [Welcome, State]
    assert [type(frame) for frame in mia.seen][-2:] == [MessageFrame, Ok]


async def test_a_message_repeated_after_a_cut_is_one_message(world: ChatWorld, url: str) -> None:
    world.hold()
    async with visiting(url) as mia:
        token = (await greet(mia)).visitor
        await mia.say(Send(id="first-0001", body="hello"))
    world.release()
    async with visiting(url) as mia:
        await greet(mia, token)
        await mia.say(Send(id="first-0001", body="hello"))
        ok = await mia.until(Ok)
        await mia.say(Send(id="first-0001", body="hello"))
        assert await mia.until(Ok) == ok
    (messages,) = world.said.values()
    assert [m.body for m in messages] == ["hello"]


async def test_who_comes_back_gets_what_was_missed_once_and_in_order(
    world: ChatWorld, url: str
) -> None:
    async with visiting(url) as mia:
        welcome, _ = await begin(mia)
        case = case_in(welcome)
        world.answer(case, "one")
        await mia.until(MessageFrame)
    for number in range(450):  # more than two pages
        world.answer(case, f"missed {number}", "note" if number % 10 == 0 else "out")
    async with visiting(url) as mia:
        await greet(mia, welcome.visitor, seq=2)
        world.answer(case, "live")
        while "live" not in bodies(mia):
            await mia.until(MessageFrame)
    missed = [f"missed {n}" for n in range(450) if n % 10]
    assert bodies(mia) == [*missed, "live"]


async def test_two_tabs_of_one_visitor_see_the_same(world: ChatWorld, url: str) -> None:
    async with visiting(url) as one, visiting(url) as two:
        token = (await greet(one)).visitor
        await greet(two, token)
        await one.say(Send(id="first-0001", body="from the first tab"))
        assert (await two.until(Welcome)).number == 1001
        assert (await two.until(MessageFrame)).body == "from the first tab"
        await two.say(Send(id="second-002", body="from the second"))
        await one.until(Ok)
        assert (await one.until(MessageFrame)).body == "from the second"


async def test_after_the_end_the_next_word_opens_another_conversation(
    world: ChatWorld, url: str
) -> None:
    async with visiting(url) as mia:
        welcome, _ = await begin(mia)
        world.complete(case_in(welcome))
        await mia.say(Send(id="second-002", body="one more thing"))
        assert (await mia.until(Welcome)).number == 1002
        assert (await mia.until(Ok)).seq == 1


async def test_the_place_in_the_queue_is_told_as_it_changes(world: ChatWorld, url: str) -> None:
    async with visiting(url) as mia:
        welcome, _ = await begin(mia)
        world.place(case_in(welcome), 3, 100.0)
        state = await mia.until(State)
        assert (state.state, state.position, state.estimate) == ("queued", 3, 105)


async def test_typing_goes_both_ways_and_ends_with_the_connection(
    world: ChatWorld, url: str
) -> None:
    async with visiting(url) as mia:
        welcome, _ = await begin(mia)
        case = case_in(welcome)
        world.typing_agent(case, "ana", on=True)
        assert await mia.until(TypingFrame) == TypingFrame(on=True, name="Ana")
        await mia.say(Typing(on=True))
        await mia.say(Send(id="second-002", body="x"))
        await mia.until(Ok)
        await mia.say(Typing(on=True))
        await mia.say(End(id="the-end-01"))
        await mia.until(Ok)
    await _eventually(lambda: len(world.typed) == 4)
    assert [on for _, _, on, by_customer in world.typed if by_customer] == [True, False] * 2


async def test_an_outage_holds_the_message_at_the_window(world: ChatWorld, url: str) -> None:
    async with visiting(url) as mia:
        await greet(mia)
        world.outage = True
        await mia.say(Send(id="first-0001", body="hello"))
        error = await mia.until(Error)
        assert (error.re, error.code) == ("first-0001", "unavailable")
        assert error.after is not UNSET
        world.outage = False
        await mia.say(Send(id="first-0001", body="hello"))
        assert (await mia.until(Ok)).seq == 1


async def test_more_than_thirty_messages_a_minute_are_too_fast(world: ChatWorld, url: str) -> None:
    async with visiting(url) as mia:
        await greet(mia)
        for number in range(31):
            await mia.say(Send(id=f"message-{number:03}", body="hello"))
            if number < 30:
                await mia.until(Ok)
        error = await mia.until(Error)
        assert (error.re, error.code) == ("message-030", "too_fast")
        world.clock.seconds += 2.0
        await mia.say(Send(id="message-030", body="hello"))
        await mia.until(Ok)


async def test_a_bad_frame_is_named_and_the_connection_lives(world: ChatWorld, url: str) -> None:
    async with visiting(url) as mia:
        await greet(mia)
        for text, field in [
            ("not json", ""),
            ("[1]", ""),
            ('{"t":"dance"}', "t"),
            ('{"t":"send","id":"first-0001"}', "body"),
            ('{"t":"send","id":"x","body":"hello"}', "id"),
            ('{"t":"read","seq":-1}', "seq"),
            ('{"t":"send","id":"first-0001","body":"  "}', "body"),
        ]:
            await mia.say(text)
            error = await mia.until(Error)
            assert (error.code, error.field or "") == ("bad_frame", field), text
        await mia.say(Send(id="first-0001", body="x" * 10_001))
        assert (await mia.until(Error)).code == "too_long"
        await mia.say(Send(id="first-0001", body="y" * 10_000))
        assert (await mia.until(Ok)).re == "first-0001"


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ('{"t":"typing","on":true}', 4400),
        ('{"t":"hello","channel":"nowhere"}', 4400),
        ('{"t":"hello","channel":"site","resume":{"seq":"x"}}', Close.BAD_HELLO),
        ('{"t":"hello","channel":"site","versions":[9]}', Close.BAD_VERSION),
    ],
)
async def test_a_wrong_start_is_closed_with_its_code(url: str, first: str, code: int) -> None:
    async with visiting(url) as mia:
        await mia.say(first)
        assert await mia.closed() == code


async def test_a_page_of_another_site_is_not_served(world: ChatWorld, url: str) -> None:
    async with visiting(url, "https://evil.test") as mia:
        await mia.say(Hello(channel="site"))
        assert await mia.closed() == Close.BAD_ORIGIN
    assert mia.seen == []


async def test_a_page_that_another_node_served_is_ours_and_is_told_of_the_others(
    world: ChatWorld,
) -> None:
    peers = ("wss://eu-2.example/chat/v1",)
    services = replace(
        world.services(), own_page=lambda o: o == "https://eu-2.example", peers=lambda: peers
    )
    here = WebChat(Settings(name=SITE), services)
    async with serving(here) as url, visiting(url, origin="https://eu-2.example") as mia:
        assert (await greet(mia)).peers == peers


async def test_two_chats_share_the_path_and_not_their_tokens(world: ChatWorld) -> None:
    async with serving(chat(world), chat(world, ChannelName("shop"))) as url:
        async with visiting(url) as mia:
            welcome, _ = await begin(mia)
        async with visiting(url) as mia:
            await mia.say(Hello(channel="shop", visitor=welcome.visitor))
            other = await mia.until(Welcome)
    assert (other.conversation, other.anew) == (None, True)


async def test_a_token_that_is_not_ours_makes_a_new_visitor(url: str) -> None:
    async with visiting(url) as mia:
        welcome = await greet(mia, "v1.forged.token")
    assert welcome.anew
    assert welcome.conversation is None


async def test_a_bad_word_of_the_host_site_is_named_and_the_visitor_stays_a_stranger(
    world: ChatWorld, url: str
) -> None:
    async with visiting(url) as mia:
        await mia.say(Hello(channel="site", identity="not.a.jwt"))
        error = await mia.until(Error)
        assert (error.code, error.field) == ("bad_frame", "identity")
        await mia.until(Welcome)
        await mia.say(Send(id="first-0001", body="hello"))
        await mia.until(Ok)
    (inbound,) = world.received
    assert inbound.identity is not None
    assert inbound.identity.kind == "visitor"


async def test_the_outbox_learns_whether_a_window_took_the_message(world: ChatWorld) -> None:
    channel = chat(world)
    async with serving(channel) as url:
        async with visiting(url) as mia:
            welcome, _ = await begin(mia)
            answer = world.answer(case_in(welcome), "hello Mia")
            out = Outbound(
                id=OutboundId("out-1"),
                channel=SITE,
                purpose="message",
                created_at=answer.at,
                attempt=1,
                repeat=False,
                address="visitor",
                message=answer,
            )
            assert (await channel.send(out)).delivery is Delivery.DELIVERED
            await mia.until(MessageFrame)
        await _eventually(lambda: not len(channel._hub))
        assert (await channel.send(out)).delivery is Delivery.SENT
    assert bodies(mia).count("hello Mia") == 1


async def test_a_sign_of_life_comes_each_heartbeat(world: ChatWorld) -> None:
    channel = WebChat(Settings(name=SITE), world.services(), heartbeat=0.02)
    async with serving(channel) as url, visiting(url) as mia:
        assert (await greet(mia)).heartbeat == 0.02
        await mia.until(Tick)
        await mia.until(Tick)


async def test_a_channel_that_stops_sends_its_windows_away_to_come_back(world: ChatWorld) -> None:
    channel, up = chat(world), asyncio.Event()
    async with asyncio.TaskGroup() as tasks, serving(channel, run=False) as url:
        run = tasks.create_task(channel.run(up.set))
        await up.wait()
        async with visiting(url) as mia:
            await greet(mia)
            run.cancel()
            assert await mia.closed() == Close.DRAIN
        async with visiting(url) as mia:
            await mia.say(Hello(channel="site"))
            assert await mia.closed() == Close.DRAIN, "and while it is paused, later too"


async def _eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - the fact has no event of its own
            await asyncio.sleep(0.005)


# -- whether anybody is there ---------------------------------------------------------------------


def signs(world: ChatWorld) -> list[str]:
    return [inbound.sign for inbound in world.received if inbound.sign]


async def told(world: ChatWorld, sign: str) -> None:
    """Wait until it has been told, and nothing else."""
    async with asyncio.timeout(20):
        while signs(world) != [sign]:
            world.arrived.clear()
            await world.arrived.wait()


async def test_who_closes_the_last_window_while_waiting_has_left(
    world: ChatWorld, url: str
) -> None:
    async with visiting(url) as other:
        async with visiting(url) as visitor:
            welcome, _ = await begin(visitor)
            await greet(other, welcome.visitor)
        async with visiting(url) as third:  # a whole visit later the first is known to be gone
            await greet(third)
        assert signs(world) == [], "another window is open"
    await told(world, "left")


async def test_a_window_that_is_told_that_its_visitor_left_says_that_they_are_there(
    world: ChatWorld, url: str
) -> None:
    async with visiting(url) as visitor:
        welcome, _ = await begin(visitor)
        known = world.items[case_in(welcome)]
        gone = Gone(since=START, until=START)
        item = replace(known, gone=gone, version=known.version + 1)
        world._move(CustomerLeft(item=item.id, case=item.case, gone=gone), item)
        await told(world, "back")


async def test_who_talks_to_somebody_does_not_leave_by_closing_the_window(
    world: ChatWorld, url: str
) -> None:
    async with visiting(url) as visitor:
        welcome, _ = await begin(visitor)
        world.assign(case_in(welcome), "ana")
        await visitor.until(Delivered)
    async with visiting(url) as other:
        await begin(other)
    assert signs(world) in ([], ["left"])
    assert [i.conversation for i in world.received if i.sign] != [case_in(welcome)]
