"""Mail servers that bring us mail by SMTP and LMTP: what they are told, and what is stored."""

import asyncio
import contextlib
import os
import smtplib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from msgspec.structs import replace
from structlog.testing import capture_logs

from channels.email import door as doors
from channels.email import serving
from channels.email.channel import EmailChannel
from channels.email.direct import identity
from channels.email.door import Doors, owner
from channels.email.settings import Receive, Settings, Smtp
from gateway.core.errors import BadSetup
from gateway.core.ids import ChannelName
from tests.support.mailworld import UNDERSTANDING, Journal, Running, mail, services
from tests.support.ports import free_port
from tests.support.tls import certificate

pytestmark = pytest.mark.integration
US = "support@example.com"
ADA = "ada@example.org"


def channel(
    journal: Journal, port: int, rooms: Doors | None = None, *, address: str = US, **said: Any
) -> EmailChannel:
    receive = {"listen": f"127.0.0.1:{port}", "protocol": "smtp", **said}
    settings = Settings(
        name=ChannelName(address.partition("@")[0]),
        address=address,
        aliases=("help@example.com",) if address == US else (),
        receive=Receive(**receive),
        smtp=Smtp(host="127.0.0.1", port=1, security="none"),
    )
    return EmailChannel(settings, services(journal), UNDERSTANDING, doors=rooms)


@asynccontextmanager
async def open_to(journal: Journal, **said: Any) -> AsyncIterator[int]:
    port = free_port()
    async with Running(channel(journal, port, **said)) as running:
        await running.up()
        yield port


async def bring(
    port: int, act: Callable[[Any], Any], kind: type[smtplib.SMTP] = smtplib.SMTP
) -> Any:
    """What a real client does there, in a thread of its own."""

    def there() -> Any:
        with kind("127.0.0.1", port, timeout=30) as client:
            return act(client)

    return await asyncio.to_thread(there)


def handing(raw: bytes, *to: str, sender: str = ADA, **more: Any) -> Callable[[Any], Any]:
    return lambda client: client.sendmail(sender, to or (US,), raw, **more)


async def test_a_mail_is_answered_with_250_once_it_is_stored_and_traced() -> None:
    journal = Journal()
    async with open_to(journal) as port:
        assert await bring(port, handing(mail("One"))) == {}
        (stored,) = journal.stored.values()
    assert (stored.subject, stored.body.strip()) == ("One", "Hello")
    assert stored.identity is not None
    assert stored.identity.value == ADA
    head, _, rest = (stored.raw or b"").partition(b"From: ")
    assert b"From: " + rest == mail("One")
    assert head.startswith(
        b"Return-Path: <ada@example.org>\r\nDelivered-To: support@example.com\r\n"
    )
    assert b"with SMTP id" in head


async def test_a_mail_that_comes_again_is_stored_once_and_answered_again() -> None:
    journal = Journal()
    raw = b"Received: from x by mx with ESMTP id 4Q; Fri, 20 Nov 2026 09:15:00 +0000\r\n" + mail(
        "A"
    )
    late = b"Delivery-date: Fri, 20 Nov 2026 09:16:00 +0000\r\n"
    async with open_to(journal) as port:
        for again in (raw, raw, late + raw):
            assert await bring(port, handing(again)) == {}
    assert len(journal.stored) == 1
    assert len(journal.repeats) == 2


def test_twins_are_told_apart_by_the_server_that_took_them() -> None:
    bare = b"From: a@b.example\r\nSubject: disk full\r\n\r\nagain\r\n"
    first, second = (b"Received: by mx id %d\r\n" % n + bare for n in (1, 2))
    assert identity(first) == identity(first)
    assert identity(first) != identity(second)
    assert identity(bare) != identity(bare), "nothing tells these from a repeat: each is a mail"
    assert identity(mail("One")) == identity(mail("One"))


async def test_only_our_own_addresses_are_taken_aliases_and_plus_addresses_too() -> None:
    journal = Journal()
    async with open_to(journal) as port:
        to = (US, "Support+4711@EXAMPLE.com", "help@example.com", "boss@example.com")
        refused = await bring(port, handing(mail("One"), *to))
    assert list(refused) == ["boss@example.com"]
    assert refused["boss@example.com"][0] == 550
    assert len(journal.stored) == 1


def test_an_address_is_ours_in_every_way_it_is_written() -> None:
    own = {"support@xn--bcher-kva.example"}
    assert owner("SUPPORT+a+b@bücher.example", own) == "support@xn--bcher-kva.example"
    assert owner("support@other.example", own) == ""
    assert owner("support", own) == ""


async def test_while_the_journal_cannot_be_written_the_mail_stays_with_its_server() -> None:
    journal = Journal()
    async with open_to(journal) as port:
        journal.unavailable = True
        with pytest.raises(smtplib.SMTPDataError) as told:
            await bring(port, handing(mail("One")))
        assert told.value.smtp_code == 451
        assert journal.stored == {}
        journal.unavailable = False
        assert await bring(port, handing(mail("One"))) == {}
    assert journal.subjects() == ["One"]


async def test_what_cannot_be_read_is_taken_into_quarantine() -> None:
    journal = Journal()
    journal.poison = "bad"
    async with open_to(journal) as port:
        for raw in (b"\r\nno header\r\n", mail("bad text")):
            assert await bring(port, handing(raw)) == {}
    words, poison = journal.stored.values()
    assert (words.body.strip(), words.problem) == ("no header", "")
    assert poison.problem
    assert (poison.raw or b"").endswith(mail("bad text"))


async def test_lmtp_answers_for_each_recipient_and_each_channel_has_its_own() -> None:
    journal, other = Journal(), Journal()
    port, rooms = free_port(), Doors(UNDERSTANDING.brought, "mx.example.com")
    one = channel(journal, port, rooms, protocol="lmtp")
    two = channel(other, port, rooms, protocol="lmtp", address="billing@example.com")

    def talk(client: smtplib.LMTP) -> list[tuple[int, bytes]]:
        client.ehlo_or_helo_if_needed()
        client.mail(ADA)
        for to in (US, "billing@example.com", "help@example.com"):
            assert client.rcpt(to)[0] == 250
        assert client.rcpt("boss@example.com")[0] == 550
        first = client.data(mail("Both"))
        return [first, client.getreply(), client.getreply()]

    async with Running(one) as running, Running(two) as second:
        await running.up()
        assert (await bring(port, lambda c: c.docmd("NOOP"), smtplib.LMTP))[0] == 250
        await second.up()
        other.unavailable = True
        answers = await bring(port, talk, smtplib.LMTP)
    assert [code for code, _ in answers] == [250, 451, 250]
    assert (journal.subjects(), other.subjects()) == (["Both"], [])


async def test_a_channel_that_is_paused_makes_its_mail_wait_and_not_return() -> None:
    journal = Journal()
    port, rooms = free_port(), Doors(UNDERSTANDING.brought, "mx.example.com")
    one = channel(journal, port, rooms)
    channel(journal, port, rooms, address="billing@example.com")  # never runs

    async with Running(one) as running:
        await running.up()
        refused = await bring(port, handing(mail("One"), US, "billing@example.com"))
    assert refused["billing@example.com"][0] == 450


async def test_two_channels_for_one_address_or_with_other_settings_are_refused() -> None:
    journal, rooms, port = Journal(), Doors(UNDERSTANDING.brought, "mx.example.com"), free_port()
    async with Running(channel(journal, port, rooms)) as running:
        await running.up()
        async with Running(channel(journal, port, rooms)) as twin:
            assert "two channels take mail for" in str(await twin.ended())
        other = channel(journal, port, rooms, address="b@example.com", max_connections=3)
        async with Running(other) as unlike:
            assert isinstance(await unlike.ended(), BadSetup)


async def test_only_the_networks_that_may_come_in_are_let_in() -> None:
    async with open_to(Journal(), allow=("192.0.2.0/24",)) as port:
        with pytest.raises(smtplib.SMTPConnectError) as told:
            await bring(port, lambda client: None)
    assert told.value.smtp_code == 554


async def test_size_8bitmime_smtputf8_and_pipelining_are_offered_and_auth_is_not() -> None:
    async with open_to(Journal(), max_bytes=100_000) as port:

        def talk(client: smtplib.SMTP) -> tuple[dict[str, str], int]:
            client.ehlo()
            return client.esmtp_features, client.docmd("AUTH", "PLAIN AGEAYg==")[0]

        features, signed_in = await bring(port, talk)
    assert features["size"] == "100000"
    assert {"8bitmime", "smtputf8", "pipelining"} <= features.keys()
    assert "auth" not in features
    assert signed_in == 502


async def test_a_mail_over_the_limit_is_refused_before_or_behind_its_bytes() -> None:
    journal = Journal()
    large = mail("large", size=120_000)
    async with open_to(journal, max_bytes=100_000) as port:
        with pytest.raises(smtplib.SMTPSenderRefused) as before:
            await bring(port, handing(large))

        def unannounced(client: smtplib.SMTP) -> tuple[int, int]:
            client.helo()
            client.mail(ADA)
            client.rcpt(US)
            return client.data(large)[0], client.docmd("NOOP")[0]

        assert await bring(port, unannounced) == (552, 250)
        assert await bring(port, handing(mail("small"))) == {}
    assert before.value.smtp_code == 552
    assert journal.subjects() == ["small"]


async def test_lines_of_any_length_dots_and_bare_line_ends_arrive_as_they_were_sent() -> None:
    journal = Journal()
    body = b"x" * 300_000 + b"\r\n.\r\n..two\r\n.one\r\n" + b"y" * 65_535 + b"\rz\r\nend\r\n"
    raw = mail("long") + body

    def talk(client: smtplib.SMTP) -> int:
        client.ehlo()
        client.mail(ADA, ["SMTPUTF8", "BODY=8BITMIME"])
        client.rcpt(US)
        assert client.docmd("DATA")[0] == 354
        client.send(raw.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        return client.getreply()[0]

    async with open_to(journal) as port:
        assert await bring(port, talk) == 250
    (stored,) = journal.stored.values()
    assert (stored.raw or b"").endswith(raw)


async def test_commands_sent_together_are_answered_in_order() -> None:
    journal = Journal()
    lines = f"EHLO mx\r\nMAIL FROM:<{ADA}>\r\nRCPT TO:<{US}>\r\nDATA\r\n".encode()
    async with open_to(journal) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(lines + mail("One") + b".\r\nQUIT\r\n")
        said = await reader.read()
        writer.close()
    codes = [line[:3] for line in said.splitlines() if line[3:4] == b" "]
    assert codes == [b"220", b"250", b"250", b"250", b"354", b"250", b"221"]
    assert journal.subjects() == ["One"]


@pytest.mark.parametrize("factory", [None, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_starttls_with_a_certificate_that_is_checked(tmp_path: Path, factory: Any) -> None:
    chain, key = certificate(tmp_path)
    journal = Journal()

    def secured(client: smtplib.SMTP) -> int:
        client.ehlo()
        assert client.docmd("MAIL", f"FROM:<{ADA}>")[0] == 530
        context = ssl.create_default_context(cafile=str(chain))
        context.check_hostname = False
        client.send(b"STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@example.org>\r\n")
        assert client.getreply()[0] == 220
        assert client.sock is not None
        client.sock, client.file = context.wrap_socket(client.sock), None
        assert client.docmd("MAIL", f"FROM:<{ADA}>")[0] == 503, "what came in clear is forgotten"
        client.ehlo()
        assert not client.has_extn("starttls")
        assert client.docmd("STARTTLS")[0] == 503
        return len(client.sendmail(ADA, [US], mail("secret")))

    async def act() -> None:
        said = {"certificate": str(chain), "key": str(key), "require_tls": True}
        async with open_to(journal, **said) as port:
            assert await bring(port, secured) == 0

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(act())
    (stored,) = journal.stored.values()
    assert b"with SMTPS id" in (stored.raw or b"")


async def test_too_many_connections_and_too_many_bytes_at_once_are_told_to_come_again() -> None:
    journal, budget = Journal(), UNDERSTANDING.brought
    async with open_to(journal, max_connections=1) as port:

        def second(_client: smtplib.SMTP) -> int:
            with pytest.raises(smtplib.SMTPConnectError) as told:
                smtplib.SMTP("127.0.0.1", port, timeout=30)
            return int(told.value.smtp_code)

        assert await bring(port, second) == 421
        held = budget.most - 1_000
        assert budget.take_now(held)
        try:
            with pytest.raises(smtplib.SMTPSenderRefused) as full:
                await bring(port, handing(mail("large", size=5_000)))
        finally:
            budget.give_back(held)
        assert full.value.smtp_code == 452
        assert await bring(port, handing(mail("large", size=5_000))) == {}
    assert budget.lent == 0


@pytest.mark.parametrize("said", [["SIZE=1"], []], ids=["a lie", "nothing"])
async def test_who_brings_more_than_was_announced_is_held_to_what_there_is_room_for(
    said: list[str],
) -> None:
    budget, journal = UNDERSTANDING.brought, Journal()

    def more_than_said(client: smtplib.SMTP) -> int:
        client.ehlo()
        assert client.mail(ADA, said)[0] == 250
        client.rcpt(US)
        return int(client.data(mail("large", size=500_000))[0])

    async with open_to(journal) as port:
        held = budget.most - 100_000
        assert budget.take_now(held)
        try:
            assert await bring(port, more_than_said) == 452
            assert budget.lent == held
        finally:
            budget.give_back(held)
        assert await bring(port, more_than_said) == 250
    assert journal.subjects() == ["large"]
    assert budget.lent == 0


async def test_who_announces_much_and_sends_nothing_keeps_nobody_waiting() -> None:
    journal, most = Journal(), UNDERSTANDING.brought.most
    async with open_to(journal) as port:
        stalled = []
        for said in ("", " SIZE=20000000", " SIZE=20000000"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stalled.append(writer)
            writer.write(f"EHLO x\r\nMAIL FROM:<{ADA}>{said}\r\nRCPT TO:<{US}>\r\n".encode())
            writer.write(b"DATA\r\nSubject: to be continued\r\n")
            await reader.readuntil(b"\r\n354 ")
        assert await bring(port, handing(mail("small"))) == {}
        assert UNDERSTANDING.brought.lent < most / 10
        assert UNDERSTANDING.budget.has(UNDERSTANDING.budget.most), "mailboxes have their own"
        for writer in stalled:
            writer.close()
    assert journal.subjects() == ["small"]


@pytest.mark.parametrize("factory", [None, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_who_reads_no_answers_gives_the_place_up(
    monkeypatch: pytest.MonkeyPatch, factory: Any
) -> None:
    monkeypatch.setattr(serving, "COMMAND_SECONDS", 0.2)
    monkeypatch.setattr(serving, "LAST_SECONDS", 0.1)
    sessions: set[serving.Session] = set()
    admitted = doors.Door._session

    def noted(door: doors.Door) -> serving.Session:
        sessions.add(session := admitted(door))
        return session

    monkeypatch.setattr(doors.Door, "_session", noted)

    async def act() -> None:
        async with open_to(Journal(), max_connections=1) as port, asyncio.timeout(20):
            deaf = socket.socket()
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            deaf.setblocking(False)
            await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", port))
            while not sessions:  # noqa: ASYNC110 - it has no news for us
                await asyncio.sleep(0.01)
            (session,) = sessions
            assert session.transport is not None
            there = session.transport.get_extra_info("socket").fileno()
            with socket.socket(fileno=os.dup(there)) as wire:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
            with contextlib.suppress(BlockingIOError):
                while True:
                    deaf.send(b"EHLO x\r\n" * 500)
            await session.over.wait()
            await bring(port, lambda client: client.ehlo())
            deaf.close()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(act())


@pytest.mark.parametrize("factory", [None, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_tls_that_fails_is_one_line_in_the_log(
    tmp_path: Path, factory: Any, caplog: pytest.LogCaptureFixture
) -> None:
    chain, key = certificate(tmp_path)

    async def breaks_off(port: int, how: Callable[[socket.socket], object]) -> None:
        def there(client: smtplib.SMTP) -> None:
            client.ehlo()
            assert client.docmd("STARTTLS")[0] == 220
            assert client.sock is not None
            with contextlib.suppress(OSError):
                how(client.sock)
            client.close()

        with contextlib.suppress(smtplib.SMTPException):
            await bring(port, there)

    def talk(wire: socket.socket) -> None:
        wire.sendall(b"What is TLS?\r\n")
        wire.recv(100)

    async def act() -> list[Any]:
        said = {"certificate": str(chain), "key": str(key)}
        strict = ssl.create_default_context()
        with capture_logs() as lines:
            async with open_to(Journal(), **said) as port:
                await breaks_off(port, talk)
                await breaks_off(port, lambda wire: wire.close())
                await breaks_off(port, lambda w: strict.wrap_socket(w, server_hostname="x.example"))
                assert await bring(port, lambda client: client.starttls()[0]) == 220
        return lines

    with asyncio.Runner(loop_factory=factory) as runner:
        lines = runner.run(act())
    assert len(lines) == 3
    assert {line["event"] for line in lines} == {"no TLS with a mail server"}
    assert all(line["peer"] == "127.0.0.1" and line["reason"] for line in lines)
    assert [one for one in caplog.records if one.levelname in ("WARNING", "ERROR")] == []


async def test_who_says_nothing_or_a_little_for_ever_is_sent_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving, "COMMAND_SECONDS", 0.3)
    monkeypatch.setattr(serving, "DATA_SECONDS", 0.3)
    async with open_to(Journal()) as port, asyncio.timeout(20):
        silent, writer = await asyncio.open_connection("127.0.0.1", port)
        assert (await silent.read()).startswith(b"220")
        writer.close()
        dripping, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"HELO x\r\nMAIL FROM:<{ADA}>\r\nRCPT TO:<{US}>\r\nDATA\r\n".encode())
        while not dripping.at_eof():
            writer.write(b"x")
            if (await dripping.read(1_000)) == b"":
                break
        writer.close()


async def test_who_stops_answers_what_is_being_stored_and_sends_the_others_away() -> None:
    journal, go, came = Journal(), asyncio.Event(), asyncio.Event()
    receive = journal.receive

    async def slowly(*given: Any) -> Any:
        came.set()
        await go.wait()
        return await receive(*given)

    def hand(client: smtplib.SMTP) -> Any:
        refused = client.sendmail(ADA, [US], mail("One"))
        client.close()  # what comes behind the 250 is 421
        return refused

    journal.receive = slowly  # type: ignore[method-assign,assignment]
    port = free_port()
    running = Running(channel(journal, port))
    await running.__aenter__()
    await running.up()
    idle, writer = await asyncio.open_connection("127.0.0.1", port)
    await idle.readline()
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(bring(port, hand))
        await came.wait()
        stopping = group.create_task(running.__aexit__())
        assert (await idle.readline()).startswith(b"421")
        go.set()
        assert await asked == {}
        await stopping
    writer.close()
    assert journal.subjects() == ["One"]


async def test_by_lmtp_a_fault_of_ours_is_told_to_each_recipient() -> None:
    async def broken(*_: object) -> Any:
        raise RuntimeError("a bug")

    def talk(client: smtplib.LMTP) -> list[int]:
        client.ehlo_or_helo_if_needed()
        client.mail(ADA)
        client.rcpt(US)
        client.rcpt("help@example.com")
        return [client.data(mail("One"))[0], client.getreply()[0], client.docmd("NOOP")[0]]

    journal = Journal()
    journal.receive = broken  # type: ignore[method-assign,assignment]
    async with open_to(journal, protocol="lmtp") as port:
        assert await bring(port, talk, smtplib.LMTP) == [451, 451, 250]


async def test_a_fault_of_ours_sends_no_mail_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> list[str]:
        raise RuntimeError("a bug")

    monkeypatch.setattr(doors.Door, "taken", broken)
    async with open_to(Journal()) as port:
        with pytest.raises(smtplib.SMTPDataError) as told:
            await bring(port, handing(mail("One")))
    assert told.value.smtp_code == 451


async def test_the_check_tells_whether_we_can_listen_and_who_does_already(tmp_path: Path) -> None:
    port = free_port()
    mine = channel(Journal(), port)
    assert (await mine.check())[0][1] is None
    async with Running(mine) as running:
        await running.up()
        told, fault = (await channel(Journal(), port).check())[0]
        assert fault is None
        assert "a running node takes it" in told
    bad = channel(Journal(), port, certificate=str(tmp_path / "none.pem"))
    assert "receive.certificate" in str((await bad.check())[0][1])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"receive": None}, "imap: missing"),
        ({"authserv_id": "mx.example.com"}, "authserv_id: where anybody may bring mail"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(said: dict[str, Any], why: str) -> None:
    wide = Receive(listen="127.0.0.1:24", allow=("0.0.0.0/0",))
    base = {"name": ChannelName("x"), "address": US, "smtp": Smtp(host="h"), "receive": wide}
    with pytest.raises(ValueError, match=why):
        Settings(**{**base, **said})


@pytest.mark.parametrize(
    ("allow", "to_all"),
    [
        (("127.0.0.0/8", "::1/128"), False),
        (("10.0.0.0/8", "192.168.0.0/16", "fd00::/8"), False),
        (("40.92.0.0/15", "40.107.0.0/16", "52.100.0.0/14", "104.47.0.0/17"), False),
        (("2404:6800:4000::/36", "2a00:1450:4000::/36"), False),
        (("0.0.0.0/0",), True),
        (("::/0",), True),
        (("0.0.0.0/1", "128.0.0.0/1"), True),
        (("8.0.0.0/9",), True),
        (tuple(f"20.{n}.0.0/16" for n in range(17)), True),
        (("2000::/3",), True),
        (("10.0.0.0/7",), True),
    ],
)
def test_networks_larger_than_anybodys_mail_servers_are_open_to_all(
    allow: tuple[str, ...], to_all: bool
) -> None:
    assert Receive(listen="127.0.0.1:24", allow=allow).open_to_all() is to_all


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"allow": ("10.0.0.1/8",)}, "allow: '10.0.0.1/8' is no network"),
        ({"listen": "h:70000"}, "listen: 'h:70000' names no port"),
        ({"require_tls": True}, "require_tls: needs certificate"),
    ],
)
def test_where_mail_is_brought_is_checked(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        replace(Receive(listen="127.0.0.1:24"), **change)
