"""Channels that are changed while the node serves, over and over and at the same time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Never, cast

import pytest

from gateway.channelroom import ChannelRoom
from gateway.core.errors import BadCredentials, Refused
from gateway.core.ids import ChannelName
from gateway.core.model import ChannelKind
from gateway.ports import ChannelSettings, ChannelType, Limits, Route, Services, SocketRoute
from gateway.supervise import Supervisor
from tests.support.builders import HandClock

ONE = ChannelName("one")
TWO = ChannelName("two")


class ToySettings(ChannelSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    colour: str
    password: str = ""


class Toy:
    kind = ChannelKind.TASK
    limits = Limits(max_text=1)
    running: set["Toy"]

    def __init__(self, settings: ToySettings, running: set["Toy"]) -> None:
        self.name = settings.name
        self.colour = settings.colour
        self.running = running

    def routes(self) -> list[Route]:
        async def handle(_: object) -> None: ...

        return [SocketRoute(path="/toy", subprotocol=self.colour, handle=handle)]

    async def run(self, ready: Callable[[], None]) -> Never:
        self.running.add(self)
        try:
            if self.colour == "none":
                raise BadCredentials("the paint shop refuses the password")
            ready()
            await asyncio.Event().wait()
            raise AssertionError("never")
        finally:
            self.running.remove(self)


class CountingToy(Toy):
    def counts(self) -> Mapping[str, int]:
        return {"server": 7, "stored": 5}


class Table:
    def __init__(self) -> None:
        self.rows: dict[ChannelName, Mapping[str, Any]] = {}
        self.halted: set[ChannelName] = set()

    async def made(self) -> Mapping[ChannelName, Mapping[str, Any]]:
        await asyncio.sleep(0)
        return dict(self.rows)

    async def paused(self) -> set[ChannelName]:
        return set(self.halted)

    async def put(self, name: ChannelName, settings: Mapping[str, Any]) -> None:
        await asyncio.sleep(0)
        self.rows[name] = settings

    async def drop(self, name: ChannelName) -> bool:
        self.halted.discard(name)
        return self.rows.pop(name, None) is not None

    async def set_paused(self, name: ChannelName, *, paused: bool) -> None:
        (self.halted.add if paused else self.halted.discard)(name)


class World:
    def __init__(self, table: Table | None = None) -> None:
        self.running: set[Toy] = set()
        self.table = table or Table()
        self.served: list[str] = []
        self.supervisor = Supervisor(HandClock(), lambda _name, _health: None)
        opens = cast(
            "Any",
            lambda settings, _: (CountingToy if settings.colour == "plaid" else Toy)(
                settings, self.running
            ),
        )
        kind = ChannelType(kind=ChannelKind.TASK, settings=ToySettings, open=opens)
        self.room = ChannelRoom(
            kinds={"toy": kind},
            services=cast("Services", None),
            supervisor=self.supervisor,
            table=self.table,
            channels={},
            kinds_by_name={},
            queues={},
            file="switchroom.toml",
        )
        self.room.routes_changed = self._serve

    def _serve(self) -> None:
        self.served = [r.subprotocol for r in self.room.socket_routes()]

    async def colours(self) -> list[str]:
        """Those that run once everything has come to rest."""
        for _ in range(20):
            await asyncio.sleep(0)
        return sorted(toy.colour for toy in self.running)


@pytest.fixture
async def other(world: World) -> AsyncIterator[World]:
    """Another node over the same table."""
    other = World(world.table)
    async with asyncio.TaskGroup() as scope:
        other.room.start(scope)
        yield other
        other.room.stop()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    async with asyncio.TaskGroup() as scope:
        world.room.start(scope)
        yield world
        world.room.stop()


def toy(colour: str) -> dict[str, str]:
    return {"kind": "toy", "colour": colour}


async def test_a_channel_opened_anew_is_the_only_one_of_its_name(world: World) -> None:
    await world.room.put(ONE, toy("red"))
    assert await world.colours() == ["red"]
    await world.room.put(ONE, toy("blue"))
    assert await world.colours() == ["blue"]
    assert world.served == ["blue"]
    await world.room.remove(ONE)
    assert await world.colours() == []
    assert world.served == []


async def test_two_admins_at_once_leave_one_channel_behind(world: World) -> None:
    await asyncio.gather(*(world.room.put(ONE, toy(c)) for c in ("red", "blue", "green")))
    assert await world.colours() == world.served
    assert len(world.served) == 1


async def test_a_channel_removed_while_paused_and_made_again_is_not_paused(world: World) -> None:
    await world.room.put(ONE, toy("red"))
    assert await world.colours() == ["red"]
    await world.room.pause(ONE)
    assert await world.colours() == []
    await world.room.remove(ONE)
    await world.room.put(ONE, toy("blue"))
    assert await world.colours() == ["blue"]


async def test_pause_and_resume_in_one_breath_runs_it_on(world: World) -> None:
    await world.room.put(ONE, toy("red"))
    assert await world.colours() == ["red"]
    await world.room.pause(ONE)
    await world.room.resume(ONE)
    assert await world.colours() == ["red"]
    assert world.supervisor.health[ONE].state == "up"


async def test_a_parked_channel_says_why_in_a_sentence_with_the_code_beside_it(
    world: World,
) -> None:
    await world.room.put(ONE, toy("none"))
    assert await world.colours() == []
    (card,) = world.room.cards()
    assert (card.health, card.code) == ("parked", "bad_credentials")
    assert card.reason == "the paint shop refuses the password"


async def test_a_channel_that_is_not_valid_any_more_is_shown_and_can_be_removed(
    world: World,
) -> None:
    world.room.open_made({ONE: {"kind": "toy", "colour": 3}})
    (card,) = world.room.cards()
    assert (card.name, card.kind, card.health) == (ONE, "toy", "parked")
    assert "colour" in card.reason
    assert card.code == "bad_setup"
    await world.room.remove(ONE)
    assert world.room.cards() == []
    with pytest.raises(Refused):
        await world.room.remove(ONE)


async def test_the_card_has_the_counts_of_a_channel_that_counts(world: World) -> None:
    assert (await world.room.put(ONE, toy("red"))).counts == {}
    assert (await world.room.put(ONE, toy("plaid"))).counts == {"server": 7, "stored": 5}


async def test_what_is_done_with_a_channel_at_one_node_is_done_at_the_other(
    world: World, other: World
) -> None:
    await world.room.put(ONE, toy("red"))
    await other.room.follow()
    assert (await other.colours(), other.served) == (["red"], ["red"])
    await world.room.put(ONE, toy("blue"))
    await other.room.follow()
    assert (await other.colours(), other.served) == (["blue"], ["blue"])
    await world.room.pause(ONE)
    await other.room.follow()
    assert await other.colours() == []
    await world.room.resume(ONE)
    await other.room.follow()
    assert await other.colours() == ["blue"]
    await world.room.remove(ONE)
    await other.room.follow()
    assert (await other.colours(), other.served) == ([], [])


async def test_a_channel_that_nobody_has_touched_runs_on_undisturbed(
    world: World, other: World
) -> None:
    await world.room.put(ONE, toy("red"))
    await other.room.follow()
    await other.colours()
    before = set(other.running) | set(world.running)
    for _ in range(3):
        await other.room.follow()
        await world.room.follow()
    await other.colours()
    assert other.running | world.running == before


async def test_a_channel_that_the_file_declares_is_not_another_node_s_to_change(
    world: World, other: World
) -> None:
    other.room.open_declared([ToySettings(name=ONE, colour="green")], set())
    await world.room.put(ONE, toy("red"))
    await other.room.follow()
    (card,) = other.room.cards()
    assert card.declared_in
    assert other.served == []


async def test_a_secret_is_never_shown_and_stays_when_it_is_not_said_again(world: World) -> None:
    await world.room.put(ONE, {**toy("red"), "password": "hunter2"})
    assert world.room.settings_of(ONE) == (toy("red"), ["password"])
    await world.room.put(ONE, toy("blue"))
    assert world.table.rows[ONE] == {**toy("blue"), "password": "hunter2"}
    await world.room.put(ONE, {**toy("blue"), "password": ""})
    assert world.room.settings_of(ONE) == (toy("blue"), [])
    world.room.open_declared([ToySettings(name=TWO, colour="green", password="hunter2")], set())
    settings, secrets = world.room.settings_of(TWO)
    assert (settings["colour"], settings["kind"], secrets) == ("green", "toy", ["password"])
    with pytest.raises(Refused, match="no channel"):
        world.room.settings_of(ChannelName("three"))


async def test_settings_are_tried_without_a_trace(world: World) -> None:
    await world.room.put(ONE, {**toy("red"), "password": "hunter2"})
    trial = world.room.trial(ONE, toy("blue"))
    assert cast("Toy", trial).colour == "blue"
    assert (await world.colours(), world.table.rows[ONE]["colour"]) == (["red"], "red")
    with pytest.raises(Refused) as caught:
        world.room.trial(TWO, {"kind": "toy"})
    assert caught.value.field == "colour"
