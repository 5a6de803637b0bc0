"""Who says stop is written to no more, by nobody, until they say start."""

import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.model import ChannelKind, Delivery, OutboundState
from gateway.core.silence import why_silent
from gateway.core.stopping import stop_of
from gateway.core.stopwords import CONFIRMED, START, STOP, confirmation, wish_of
from gateway.core.view import item_view
from tests.support.flownode import new_tables
from tests.support.textworld import ADA, MOBILE, OURS, TextWorld, texting


def words(lists: Any) -> Iterator[tuple[str, str]]:
    return ((language, word) for language, all_ in lists.items() for word in all_)


@pytest.mark.parametrize(("language", "word"), list(words(STOP)))
def test_a_word_is_known_however_it_is_written(language: str, word: str) -> None:
    bare = "".join(
        one for one in unicodedata.normalize("NFD", word) if unicodedata.category(one) != "Mn"
    )
    for said in (word, word.upper(), f" {word}! ", f"«{word}».", f"{word}\n", bare):
        found = wish_of(said)
        assert found is not None, said
        assert found[0] == "stop"


@pytest.mark.parametrize(
    "said",
    [
        "please do not stop the delivery",
        "Stop by on Monday?",
        "the end of the week",
        "I want to cancel my order 4711",
        "non-stop",
        "",
        "?",
        "s t o p",
        "no",
    ],
)
def test_what_says_more_is_for_a_person_to_read(said: str) -> None:
    assert wish_of(said) is None


@given(st.text(max_size=60))
def test_any_text_is_looked_at_and_only_whole_words_count(said: str) -> None:
    found = wish_of(said)
    if found is not None:
        everything = {word for _, word in (*words(STOP), *words(START))}
        assert any(len(word) <= len(said.strip()) + 3 for word in everything)
        assert wish_of(f"{said} and more of it") is None


@pytest.mark.parametrize("language", [*CONFIRMED, "xx", "de-AT", "zh-HK"])
def test_both_are_confirmed_in_the_nearest_language(language: str) -> None:
    assert confirmation("stop", language) != confirmation("start", language)


def stopped(world: TextWorld, address: str = ADA) -> bool:
    return stop_of(world.rig.node.ledger.state, ChannelKind.SMS, address) is not None


async def sent(world: TextWorld, count: int) -> list[str]:
    await world.until(lambda: len(world.carrier.taken) >= count)
    await world.rig.caught_up()
    assert len(world.carrier.taken) == count
    return [one["text"] for one in world.carrier.taken]


async def test_stop_is_confirmed_once_and_nothing_leaves_until_start() -> None:
    async with texting() as world:
        await world.text("Where is my parcel?")
        item = await world.take()
        await world.text("STOP")
        assert stopped(world)
        (told,) = await sent(world, 1)
        assert told == confirmation("stop", "en")
        await world.text("Stop!", MessageSid="SMagain")
        with pytest.raises(Refused, match="no more messages") as refused:
            await world.answer("On Friday")
        assert refused.value.field == "to"
        state = world.rig.node.ledger.state
        known = state.items[item.id]
        assert "STOP" in item_view(known, state.cases[known.case]).stopped  # type: ignore[operator]
        assert "no more messages" in why_silent(state, state.cases[known.case], known, world.now())
        compose = c.Compose(id=world.rig.command(), channel=MOBILE, to=ADA, body="Hello?")
        with pytest.raises(Refused, match="no more messages"):
            await world.act(compose)
        assert len(await sent(world, 1)) == 1
        await world.text("start", MessageSid="SMstart")
        assert not stopped(world)
        assert not state.items[item.id].stopped
        await world.answer("On Friday")
        assert (await sent(world, 3))[1:] == [confirmation("start", "en"), "On Friday"]


async def test_what_waited_in_the_outbox_does_not_leave_any_more() -> None:
    async with texting() as world:
        await world.text("Where is my parcel?")
        world.carrier.fail(503, {})
        message = await world.answer("On Friday")
        await world.until(lambda: world.outbox[-1].state is OutboundState.PENDING)
        await world.until(lambda: world.outbox[-1].attempts == 1)
        order = world.outbox[-1]
        await world.text("ARRÊT")
        world.rig.node.dispatch.hurry(order.id)
        await world.until(lambda: world.rig.tables.outbox[order.id].state is OutboundState.FAILED)
        await world.rig.caught_up()
        assert world.state_of(message) is Delivery.FAILED
        await world.until(lambda: len(world.carrier.taken) == 1)
        assert world.carrier.taken[0]["text"] == confirmation("stop", "fr")


async def test_stop_without_a_case_makes_no_work_and_is_known_after_a_restart() -> None:
    tables = new_tables()
    async with texting(tables=tables) as world:
        await world.text("退订")
        assert stopped(world)
        assert not world.items
        (told,) = await sent(world, 1)
        assert told == confirmation("stop", "zh")
        assert world.carrier.taken[0]["sender"] == OURS
    async with texting(tables=tables) as world:
        assert stopped(world)
        assert not stopped(world, "+447911123457")
        await world.text("Where is my parcel?", MessageSid="SMnext")
        (item,) = world.items
        assert item.stopped
        assert ADA not in repr(next(x for x in tables.journal.values() if "Stop" in repr(x.event)))


@pytest.mark.parametrize("how", ["provider", "setting"])
async def test_where_the_provider_confirms_we_do_not(how: str) -> None:
    more: dict[str, Any] = {} if how == "provider" else {"confirm_stop": False}
    async with texting(**more) as world:
        marks = {"OptOutType": "STOP"} if how == "provider" else {}
        await world.text("STOP", **marks)
        assert stopped(world)
        assert not world.outbox


async def test_start_is_a_word_like_others_for_who_never_stopped() -> None:
    async with texting() as world:
        await world.text("start")
        assert len(world.items) == 1
        assert not world.outbox


async def test_the_journal_tells_of_both() -> None:
    async with texting() as world:
        await world.text("stop")
        await world.text("start")
        events = [entry.event for entry in world.rig.tables.journal.values()]
        (on,) = [one for one in events if isinstance(one, e.ContactStopped)]
        (off,) = [one for one in events if isinstance(one, e.ContactResumed)]
        assert on.stop.name == off.stop
        assert on.stop.word == "STOP"
