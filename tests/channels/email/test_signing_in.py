"""Signing in, against servers that play a script: what each refusal means."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec
import pytest
from aiohttp import web

from channels.email.imap import connect
from channels.email.oauth import TokenSource
from channels.email.settings import Imap, OAuth2
from channels.email.tokens import TURN_SECONDS, Held, SharedTokens, Sign
from gateway.core.errors import (
    BadCredentials,
    BadSetup,
    ChannelError,
    NotLetIn,
    Throttled,
    Unreachable,
)
from gateway.core.ids import ChannelName
from tests.support.mailworld import Journal, WallClock

pytestmark = pytest.mark.integration

CAPABLE = "* OK [CAPABILITY IMAP4rev1 IDLE SASL-IR AUTH=XOAUTH2] hello\r\n"
Script = Callable[[str, str], str]


@asynccontextmanager
async def imap(greeting: str, answer: Script) -> AsyncIterator[int]:
    """A server that answers each line by ``answer(tag, rest of the line)``."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting.encode())
        while line := await reader.readline():
            tag, _, rest = line.decode().rstrip("\r\n").partition(" ")
            writer.write(answer(tag, rest).encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def sign_in(port: int, token: str = "") -> None:
    said = Imap(host="127.0.0.1", port=port, security="none", user="me", password="pw")
    connection = await connect(said, 100_000, ssl.create_default_context(), token)
    await connection.close()


def refusing(words: str) -> Script:
    def answer(tag: str, rest: str) -> str:
        said = words if words.startswith("*") else f"{tag} {words}"
        return f"{said}\r\n" if rest.startswith("LOGIN") else f"{tag} OK\r\n"

    return answer


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("NO [AUTHENTICATIONFAILED] no", BadCredentials),
        ("NO wrong", BadCredentials),
        ("NO [UNAVAILABLE] the directory is away", Unreachable),
        ("NO [SERVERBUG] oops", Unreachable),
        ("NO [LIMIT] slowly", Throttled),
        ("NO Too many simultaneous connections", Throttled),
        ("NO [PRIVACYREQUIRED] not in the clear", BadSetup),
        ("BAD what?", BadSetup),
        ("* BYE going down", Unreachable),
    ],
)
async def test_only_a_plain_no_is_the_passwords_fault(
    words: str, error: type[ChannelError]
) -> None:
    async with imap(CAPABLE, refusing(words)) as port:
        with pytest.raises(error) as caught:
            await sign_in(port)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        ("* BYE too busy\r\n", Unreachable),
        ("220 I speak SMTP\r\n", Unreachable),
        ("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hello\r\n", BadSetup),
    ],
)
async def test_a_greeting_can_say_no(greeting: str, error: type[ChannelError]) -> None:
    async with imap(greeting, refusing("NO")) as port:
        with pytest.raises(error):
            await sign_in(port)


async def test_a_token_is_shown_instead_of_a_password() -> None:
    shown: list[str] = []

    def answer(tag: str, rest: str) -> str:
        shown.append(rest)
        return f"{tag} OK\r\n"

    async with imap(CAPABLE, answer) as port:
        await sign_in(port, "t0ken")
    verb, _, coded = shown[0].partition(" XOAUTH2 ")
    assert verb == "AUTHENTICATE"
    assert base64.b64decode(coded) == b"user=me\x01auth=Bearer t0ken\x01\x01"


async def test_a_refused_token_ends_in_an_error_and_not_in_silence() -> None:
    started: list[str] = []

    def answer(tag: str, rest: str) -> str:
        if rest.startswith("AUTHENTICATE"):
            started.append(tag)
            return "+ eyJzdGF0dXMiOiI0MDEifQ==\r\n"
        if not tag and started:  # the empty line that the mechanism asks for
            return f"{started[0]} NO [AUTHENTICATIONFAILED] expired\r\n"
        return f"{tag} OK\r\n"

    async with imap(CAPABLE, answer) as port:
        with pytest.raises(BadCredentials, match="expired"):
            await sign_in(port, "old")


class Ticking:
    """A clock that stands still until it is told otherwise."""

    seconds = 0.0

    def now(self) -> None: ...

    def monotonic(self) -> float:
        return self.seconds


@asynccontextmanager
async def provider(
    handle: Callable[[web.Request], Awaitable[web.Response]],
) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/token", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/token"
    finally:
        await runner.cleanup()


async def test_a_token_is_fetched_once_and_again_before_it_expires() -> None:
    forms: list[dict[str, str]] = []

    async def handle(request: web.Request) -> web.Response:
        forms.append({name: str(value) for name, value in (await request.post()).items()})
        return web.json_response({"access_token": f"t{len(forms)}", "expires_in": 3600})

    clock = Ticking()
    async with provider(handle) as url:
        said = OAuth2(token_url=url, client_id="id", client_secret="cs", refresh_token="rt")
        source = TokenSource(said, clock)  # type: ignore[arg-type]
        assert [await source.get(), await source.get()] == ["t1", "t1"]
        clock.seconds = 3_550
        assert await source.get() == "t2"
        source.forget()
        assert await source.get() == "t3"
    assert forms[0] == {
        "client_id": "id",
        "client_secret": "cs",
        "grant_type": "refresh_token",
        "refresh_token": "rt",
    }


async def instantly(_seconds: float) -> None:
    await asyncio.sleep(0)


async def test_a_new_refresh_token_is_used_by_every_node_and_outlives_the_process() -> None:
    """As at Microsoft: with each access token comes a new refresh token, and the old one ends."""
    good, forms = ["rt0"], []

    async def handle(request: web.Request) -> web.Response:
        used = str((await request.post())["refresh_token"])
        forms.append(used)
        if used != good[0]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        good[0] = f"rt{len(forms)}"
        return web.json_response({"access_token": "t", "expires_in": 1, "refresh_token": good[0]})

    journal, clock = Journal(), WallClock()
    async with provider(handle) as url:
        said = OAuth2(token_url=url, client_id="id", refresh_token="rt0")

        def a_node() -> TokenSource:
            return TokenSource(said, clock, SharedTokens(journal, ChannelName("m"), clock))

        one, two = a_node(), a_node()
        for source in (one, two, one, a_node()):
            assert await source.get() == "t"
        assert forms == ["rt0", "rt1", "rt2", "rt3"]
        journal.unavailable = True
        with pytest.raises(Unreachable, match="refresh token is not known"):
            await a_node().get()
        journal.unavailable = False
        # The database goes away between the answer and the storing: kept, and stored the next time.
        late = SharedTokens(journal, ChannelName("m"), clock, sleep=instantly)
        mine = await late.my_turn(said, "", "")
        assert isinstance(mine, Held)
        journal.unavailable = True
        await late.keep(said, mine, Sign(refresh=good[0]))
        journal.unavailable = False
        assert await TokenSource(said, clock, late).get() == "t"
        fresh = msgspec.structs.replace(said, refresh_token=good[0])
        assert await TokenSource(fresh, clock, late).get() == "t", "a new one in the file counts"


class Strict:
    """A provider that ends all that came of a refresh token when it is used a second time."""

    def __init__(self) -> None:
        self.newest, self.given = "rt0", 0
        self.may_answer = asyncio.Event()
        self.asked = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        used = str((await request.post())["refresh_token"])
        if used != self.newest:
            self.newest = "none any more"
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.given += 1
        self.newest = f"rt{self.given}"
        self.asked.set()
        await self.may_answer.wait()
        body = {"access_token": f"t{self.given}", "expires_in": 3600, "refresh_token": self.newest}
        return web.json_response(body)


async def test_two_nodes_that_need_a_token_at_once_spend_one_refresh_token() -> None:
    strict, journal, clock = Strict(), Journal(), WallClock()
    async with provider(strict.handle) as url:
        said = OAuth2(token_url=url, client_id="id", refresh_token="rt0")

        def a_node() -> TokenSource:
            shared = SharedTokens(journal, ChannelName("m"), clock, sleep=instantly)
            return TokenSource(said, clock, shared)

        async with asyncio.TaskGroup() as nodes:
            asking = [nodes.create_task(a_node().get()) for _ in range(4)]
            await strict.asked.wait()
            strict.may_answer.set()
        assert ([one.result() for one in asking], strict.given) == (["t1"] * 4, 1)
        refused = a_node()
        assert await refused.get() == "t1"
        refused.forget()
        assert (await refused.get(), await a_node().get(), strict.given) == ("t2", "t2", 2)


async def test_a_channel_that_is_stopped_in_the_middle_keeps_the_token_it_is_given() -> None:
    strict, journal, clock = Strict(), Journal(), WallClock()
    async with provider(strict.handle) as url:
        said = OAuth2(token_url=url, client_id="id", refresh_token="rt0")
        shared = SharedTokens(journal, ChannelName("m"), clock, sleep=instantly)
        async with asyncio.TaskGroup() as node:
            asking = node.create_task(TokenSource(said, clock, shared).get())
            await strict.asked.wait()
            asking.cancel()
            strict.may_answer.set()
        assert asking.cancelled()
        assert (await shared.load(said)).sign.refresh == "rt1"


class Passing(Ticking):
    """Each wait takes half a second of it."""

    def now(self) -> datetime:  # type: ignore[override]
        return datetime(2026, 1, 1, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


async def test_the_turn_of_a_node_that_died_is_taken_after_half_a_minute() -> None:
    journal, clock = Journal(), Passing()
    said = OAuth2(token_url="u", client_id="id", refresh_token="rt0")

    def a_node() -> SharedTokens:
        return SharedTokens(journal, ChannelName("m"), clock, sleep=clock.sleep)

    dead, alive = a_node(), a_node()
    first = await dead.my_turn(said, "", "")
    second = await alive.my_turn(said, "", "")
    assert isinstance(first, Held)
    assert isinstance(second, Held)
    assert clock.seconds == TURN_SECONDS
    await alive.keep(said, second, Sign(refresh="rt2"))
    await dead.keep(said, first, Sign(refresh="rt1"))
    assert (await alive.load(said)).sign.refresh == "rt2", "who was too late ends nothing"


async def test_who_was_not_let_in_yet_asks_nobody_and_is_once_there_is_consent() -> None:
    strict, journal, clock = Strict(), Journal(), WallClock()
    strict.may_answer.set()
    async with provider(strict.handle) as url:
        said = OAuth2(token_url=url, client_id="id", consent=True)
        shared = SharedTokens(journal, ChannelName("m"), clock)
        with pytest.raises(NotLetIn, match="nobody has signed in"):
            await TokenSource(said, clock, shared).get()
        assert strict.given == 0
        await shared.consented(said, "rt0")
        source = TokenSource(said, clock, shared)
        assert await source.get() == "t1"
        # Taken back at the provider: it is asked once, until somebody signs in again.
        strict.newest = "another"
        source.forget()
        for why in ("invalid_grant", "no more"):
            with pytest.raises(NotLetIn, match=why):
                await source.get()
        strict.newest = "rt9"
        await shared.consented(said, "rt9")
        assert await source.get() == "t2"


@pytest.mark.parametrize(
    ("status", "error"), [(400, BadCredentials), (401, BadCredentials), (503, Unreachable)]
)
async def test_a_provider_that_refuses_parks_and_one_in_trouble_does_not(
    status: int, error: type[ChannelError]
) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response({"error": "invalid_grant"}, status=status)

    async with provider(handle) as url:
        source = TokenSource(OAuth2(token_url=url, client_id="id"), Ticking())  # type: ignore[arg-type]
        with pytest.raises(error, match="invalid_grant"):
            await source.get()


def test_secrets_stay_out_of_what_is_printed() -> None:
    oauth2 = OAuth2(token_url="u", client_id="id", client_secret="s3cret", refresh_token="r3fresh")
    said = Imap(host="h", user="me", password="hunter2", oauth2=oauth2)
    for secret in ("hunter2", "s3cret", "r3fresh"):
        assert secret not in repr(said)
        assert secret not in f"{said}"
    assert "password='***'" in repr(said)
