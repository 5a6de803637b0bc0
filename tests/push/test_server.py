"""The endpoint with sockets in memory: waiting, order, limits, faults, ticks, drain."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection
from typing import Any

import pytest

from gateway.core.ids import AgentName
from gateway.origins import Pages
from gateway.ports import Elsewhere, Here, Later
from push.protocol import Error, LiveFrame, Moved, Ok, ServerFrame, Snapshot, Tick, Waiting, Welcome
from push.server import AgentPush, PushSettings
from push.tab import MOST_WAITING
from tests.support.pushworld import (
    FakeAuth,
    FakeHomes,
    FakeLive,
    FakeSignals,
    FakeSocket,
    World,
    until,
)

ANA = AgentName("ana")


class Server:
    """A push server over a world, with its loops running."""

    def __init__(self, **settings: Any) -> None:
        self.world = World("ana", "ben", "sue")
        self.auth = FakeAuth()
        self.homes = FakeHomes()
        self.live = FakeLive()
        self.tasks: asyncio.TaskGroup
        self.invalid: set[str] = set()
        self.asked: list[set[str]] = []
        defaults: dict[str, Any] = {
            "node": "here",
            "url": "ws://here/agent/v1",
            "public_url": "https://desk.example.com",
            "waiting_seconds": 60.0,  # but where a test is about it
            "retry_seconds": 0.02,
            "recheck_seconds": 0.02,
        }
        self.push = AgentPush(
            self.world,
            self.world,
            self.auth,
            self.world.clock,
            FakeSignals(),
            PushSettings(**{**defaults, **settings}),
            homes=self.homes,
            live=self.live,
            own_page=Pages(
                "https://desk.example.com", peers=lambda: ["https://peer.example.com"]
            ).has,
            revoked=self.revoked,
        )
        self.push.load((), (), self.world.state.profiles.values())

    async def revoked(self, tokens: Collection[str]) -> set[str]:
        self.asked.append(set(tokens))
        return self.invalid & set(tokens)

    def connect(self, agent: str = "ana", *, hello: bool = True, **more: Any) -> FakeSocket:
        socket = FakeSocket(more.pop("origin", None))
        if hello:
            frame = {"t": "hello", "token": f"agent-{agent}", "versions": [1], **more}
            socket.say(json.dumps(frame))
        self.tasks.create_task(self.push.handle(socket))
        return socket

    async def welcome(self, agent: str = "ana") -> FakeSocket:
        socket = self.connect(agent)
        await until(lambda: self.world.pending)
        self.world.commit()
        assert [type(f) for f in socket.frames if not isinstance(f, Tick)] == [Welcome, Snapshot]
        return socket


def say(socket: FakeSocket, **frame: Any) -> None:
    socket.say(json.dumps(frame))


def answers(socket: FakeSocket) -> list[tuple[str, Any]]:
    return [(f.t, f.re) for f in map(_named, socket.frames) if f.t in {"ok", "error"}]


class _named:  # noqa: N801
    def __init__(self, frame: ServerFrame) -> None:
        self.t = {Ok: "ok", Error: "error"}.get(type(frame), "")
        self.re = getattr(frame, "re", None)


@pytest.fixture
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    made = Server(**getattr(request, "param", {}))
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        made.tasks = group
        loops = group.create_task(made.push.run(ready.set))
        await ready.wait()
        yield made
        for tab in made.push._all():
            group.create_task(tab.shut(1012, "the test is over"))
        await until(lambda: not made.push.connected)
        loops.cancel()


@pytest.mark.parametrize("server", [{"waiting_seconds": 0.02}], indirect=True)
async def test_a_desktop_is_told_why_it_waits_and_welcomed_once_committed(server: Server) -> None:
    socket = server.connect()
    await until(lambda: socket.of(Waiting))
    assert [type(f) for f in socket.frames] == [Waiting]
    server.world.commit()
    assert [type(f) for f in socket.frames] == [Waiting, Welcome, Snapshot]
    (welcome,) = socket.of(Welcome)
    assert (welcome.node, welcome.epoch, welcome.agent.name) == ("here", 1, "ana")


@pytest.mark.parametrize("server", [{"waiting_seconds": 0.5}], indirect=True)
async def test_a_quick_welcome_comes_without_waiting(server: Server) -> None:
    socket = await server.welcome()
    await asyncio.sleep(0.6)
    assert socket.of(Waiting) == []


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        ({"token": "nobody", "versions": [1]}, 4401),
        ({"token": "agent-stranger", "versions": [1]}, 4401),
        ({"token": "agent-ana", "versions": [7]}, 4406),
        ({"token": 5, "versions": [1]}, 4400),
    ],
)
async def test_who_may_not_in_is_told_by_the_close_code(
    server: Server, hello: dict[str, Any], code: int
) -> None:
    socket = server.connect(hello=False)
    say(socket, t="hello", **hello)
    await until(lambda: socket.closed)
    assert socket.closed is not None
    assert socket.closed[0] == code
    assert server.push.connected == 0


@pytest.mark.parametrize("server", [{"hello_seconds": 0.02}], indirect=True)
async def test_who_says_nothing_is_closed(server: Server) -> None:
    socket = server.connect(hello=False)
    await until(lambda: socket.closed)
    assert socket.closed is not None
    assert socket.closed[0] == 4400


@pytest.mark.parametrize(
    ("origin", "welcome"),
    [
        (None, True),
        ("https://desk.example.com", True),
        ("https://desk.example.com:443", True),
        ("https://peer.example.com", True),
        ("http://desk.example.com", False),
        ("https://evil.example.com", False),
        ("null", False),
    ],
)
async def test_only_pages_of_our_own_nodes_may_connect(
    server: Server, origin: str | None, welcome: bool
) -> None:
    socket = server.connect(origin=origin)
    await until(lambda: socket.closed or server.push.connected)
    assert (socket.closed is None) == welcome
    if socket.closed is not None:
        assert socket.closed[0] == 4403


async def test_commands_are_done_in_order_while_the_connection_keeps_reading(
    server: Server,
) -> None:
    socket = await server.welcome()
    release = asyncio.Event()
    server.world.before_act = release.wait  # type: ignore[assignment]
    for number in range(3):
        say(socket, t="state", id=f"command-{number}", state="ready")
    say(socket, t="dance", id="command-x")
    await until(lambda: answers(socket) == [("error", "command-x")])
    assert len(server.world.acted) == 1, "one at a time"
    server.world.autocommit = True
    release.set()
    await until(lambda: len(answers(socket)) == 4)
    assert answers(socket)[1:] == [("ok", f"command-{n}") for n in range(3)]
    assert socket.of(Ok)[-1].seq == server.push.hub.seq(socket.of(Welcome)[0].agent.name)  # type: ignore[arg-type]


@pytest.mark.parametrize("server", [{"waiting_seconds": 0.02}], indirect=True)
async def test_commands_sent_before_the_welcome_are_done_after_it(server: Server) -> None:
    socket = server.connect()
    say(socket, t="state", id="command-1", state="ready")
    await until(lambda: socket.of(Waiting))
    assert server.world.acted == []
    server.world.autocommit = True
    server.world.commit()
    await until(lambda: socket.of(Ok))
    kinds = [type(f).__name__ for f in socket.frames]
    assert kinds == ["Waiting", "Welcome", "Snapshot", "StateFrame", "Ok"]


async def test_too_many_waiting_commands_are_refused_each_by_name(server: Server) -> None:
    socket = await server.welcome()
    release = asyncio.Event()
    server.world.before_act = release.wait  # type: ignore[assignment]
    server.world.autocommit = True
    say(socket, t="state", id="command-a", state="ready")
    await until(lambda: server.world.acted)
    for number in range(MOST_WAITING + 2):
        say(socket, t="state", id=f"command-{number}", state="ready")
    await until(lambda: len(socket.of(Error)) == 2)
    assert {error.code for error in socket.of(Error)} == {"unavailable"}
    release.set()
    await until(lambda: len(socket.of(Ok)) == MOST_WAITING + 1)


async def test_a_fault_in_one_command_is_answered_and_the_next_one_works(server: Server) -> None:
    socket = await server.welcome()
    server.world.autocommit = True

    async def fail() -> None:
        server.world.before_act = None
        server.world._answers.clear()
        raise ZeroDivisionError

    server.world.before_act = fail
    say(socket, t="state", id="command-1", state="ready")
    await until(lambda: socket.of(Error))
    assert (socket.of(Error)[0].code, socket.of(Error)[0].re) == ("internal", "command-1")
    say(socket, t="state", id="command-2", state="ready")
    await until(lambda: socket.of(Ok))


async def test_a_tab_that_goes_is_detached_once_and_its_commands_dropped(server: Server) -> None:
    socket = await server.welcome()
    release = asyncio.Event()
    server.world.before_act = release.wait  # type: ignore[assignment]
    for number in range(3):
        say(socket, t="state", id=f"command-{number}", state="ready")
    await until(lambda: server.world.acted)
    socket.hang_up()
    await until(lambda: not server.push.connected)
    release.set()
    server.world.commit()
    kinds = [type(c).__name__ for _, c, _ in server.world.acted]
    assert kinds == ["State"], "what waited is repeated by the client, not done behind its back"
    assert server.world.state.statuses["ana"].tabs == 0  # type: ignore[index]


@pytest.mark.parametrize("server", [{"heartbeat": 0.1}], indirect=True)
async def test_every_desktop_gets_its_ticks(server: Server) -> None:
    sockets = [await server.welcome("ana"), await server.welcome("ben")]
    waiting = server.connect()
    await until(lambda: all(len(s.of(Tick)) >= 3 for s in (*sockets, waiting)))


async def test_a_token_found_invalid_later_closes_the_socket(server: Server) -> None:
    ana, ben = await server.welcome("ana"), await server.welcome("ben")
    server.invalid.add("agent-ana")
    await until(lambda: ana.closed)
    assert ana.closed is not None
    assert ana.closed[0] == 4401
    assert ben.closed is None


async def test_tokens_are_checked_again_a_few_at_a_time(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.welcome("ana")
    ben = await server.welcome("ben")
    monkeypatch.setattr("push.server.RECHECKED_AT_ONCE", 1)
    server.asked.clear()
    await until(lambda: {"agent-ana"} in server.asked and {"agent-ben"} in server.asked)
    server.invalid.add("agent-ben")
    await until(lambda: ben.closed)


async def test_a_drain_says_where_to_go_and_closes_everyone(server: Server) -> None:
    sockets = [await server.welcome("ana"), await server.welcome("ben")]
    await server.push.drain("upgrade", seconds=0.01)
    for socket in sockets:
        (moved,) = socket.of(Moved)
        assert (moved.url, moved.reason) == ("ws://here/agent/v1", "upgrade")
        assert socket.closed is not None
        assert socket.closed[0] == 1012
    late = server.connect()
    await until(lambda: late.closed)
    assert [type(f) for f in late.frames] == [Moved]


@pytest.mark.parametrize("server", [{"give_up_seconds": 0}], indirect=True)
async def test_a_node_that_cannot_write_sends_the_desktop_away_in_the_end(server: Server) -> None:
    server.world.closed = True
    socket = server.connect()
    await until(lambda: socket.closed)
    assert socket.closed is not None
    assert socket.closed[0] == 1012


async def test_who_is_at_home_elsewhere_is_sent_there_and_not_attached(server: Server) -> None:
    server.homes.answers[ANA] = [Elsewhere("ws://there/agent/v1")]
    socket = server.connect()
    await until(lambda: socket.closed)
    assert socket.closed is not None
    assert socket.closed[0] == 1012
    (moved,) = socket.of(Moved)
    assert moved.url == "ws://there/agent/v1"
    assert not server.world.pending, "nothing is recorded of an agent who is elsewhere"


async def test_who_must_wait_is_told_why_and_attached_once_the_home_is_here(
    server: Server,
) -> None:
    server.homes.answers[ANA] = [Later("a takeover goes on", "taken_over"), Here()]
    socket = server.connect(unreachable=["ws://gone/agent/v1"])
    await until(lambda: server.world.pending)
    waiting = Waiting(reason="a takeover goes on", code="taken_over")
    assert socket.of(Waiting)[0] == waiting
    assert server.homes.asked == [(ANA, ("ws://gone/agent/v1",))] * 2
    server.world.commit()
    assert len(socket.of(Welcome)) == 1


@pytest.mark.parametrize("server", [{"give_up_seconds": 0}], indirect=True)
async def test_who_has_waited_long_enough_is_sent_on_without_an_attachment(server: Server) -> None:
    server.homes.answers[ANA] = [Later("the home lives on")]
    socket = server.connect()
    await until(lambda: socket.closed)
    assert socket.closed == (1012, "the home lives on")
    assert not server.world.pending


async def test_a_supervisor_watches_without_being_at_work(server: Server) -> None:
    socket = server.connect("sue", watching=True)
    await until(lambda: socket.of(Welcome))
    say(socket, t="watch", id="watch-001", what="live")
    await until(lambda: socket.of(LiveFrame))
    (answer,), (frame,) = socket.of(Ok), socket.of(LiveFrame)
    assert answer.body == {"watch": frame.watch}
    assert frame.board == server.live.board
    assert (list(server.world.pending), server.homes.asked, socket.of(Snapshot)) == ([], [], [])
    say(socket, t="state", id="state-001", state="ready")
    await until(lambda: socket.of(Error))
    assert socket.of(Error)[0].code == "not_allowed"
    say(socket, t="unwatch", id="watch-002", watch="live")
    await until(lambda: len(socket.of(Ok)) == 2)
    assert server.push.watchers.count == 0
    say(socket, t="watch", id="watch-003", what="live")
    await until(lambda: server.push.watchers.count)
    socket.hang_up()
    await until(lambda: not server.push.connected)
    assert server.push.watchers.count == 0


async def test_a_supervisor_may_watch_from_the_desktop_too_and_an_agent_may_not(
    server: Server,
) -> None:
    boss = await server.welcome("sue")
    say(boss, t="watch", id="watch-001", what="live")
    await until(lambda: boss.of(LiveFrame))
    ana = await server.welcome()
    say(ana, t="watch", id="watch-001", what="live")
    await until(lambda: ana.of(Error))
    assert ana.of(Error)[0].code == "not_allowed"
    say(ana, t="watch", id="watch-002", what="moon")
    await until(lambda: len(ana.of(Error)) == 2)
    assert (ana.of(Error)[1].code, ana.of(Error)[1].field) == ("bad_frame", "what")
