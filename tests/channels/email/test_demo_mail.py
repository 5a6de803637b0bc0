"""The demo's mail server, and our channel against it: the same as against Dovecot."""

import asyncio
import time
from collections.abc import AsyncIterator

import aiosmtplib
import pytest

from channels.email.channel import EmailChannel
from channels.email.reading import Pace
from gateway.core.errors import BadCredentials, BadSetup, Unreachable
from gateway.demo.mailserver import Account, DemoMail, Ports, UnkeepableMailError
from tests.channels.email.test_sending import outbound
from tests.support.mailworld import (
    QUICK,
    UNDERSTANDING,
    Journal,
    Running,
    mail,
    services,
    settings,
    vector,
)

pytestmark = pytest.mark.integration

SUPPORT, ADA = "support@example.com", "ada@example.org"


@pytest.fixture
async def demo() -> AsyncIterator[DemoMail]:
    server = DemoMail([Account(SUPPORT), Account(ADA, drop_oldest=True)], max_mails=20)
    server.ports = await server.start()  # type: ignore[attr-defined]
    yield server
    await server.stop()


@pytest.fixture
def journal() -> Journal:
    return Journal()


def ports(demo: DemoMail) -> Ports:
    found = demo.ports  # type: ignore[attr-defined]
    assert isinstance(found, Ports)
    return found


def channel(demo: DemoMail, journal: Journal, pace: Pace = QUICK, **imap: str) -> EmailChannel:
    reads = {"port": ports(demo).imap, "user": SUPPORT, "password": "demo"} | imap
    return EmailChannel(
        settings(reads, {"port": ports(demo).smtp}), services(journal), UNDERSTANDING, pace
    )


async def post(demo: DemoMail, raw: bytes, to: str = SUPPORT) -> None:
    await aiosmtplib.send(
        raw, sender=ADA, recipients=[to], hostname="127.0.0.1", port=ports(demo).smtp,
        start_tls=False,
    )  # fmt: skip


async def test_a_customers_mail_is_read_and_our_answer_reaches_the_customer(
    demo: DemoMail, journal: Journal
) -> None:
    reading = channel(demo, journal, Pace(idle=300))
    async with Running(reading) as running:
        await running.up()
        for count in range(1, 4):
            sent = time.monotonic()
            await post(demo, mail(f"live {count}"))
            await journal.has(count)
            assert time.monotonic() - sent < 1.0
        await reading.send(outbound())
    (letter,) = await demo.wait(ADA, 1)
    assert b"In-Reply-To: <plain@example.org>" in letter.raw
    assert [letter.seen for letter in await demo.inbox(SUPPORT)] == [True, True, True]
    stored = list(journal.stored.values())
    assert stored[0].raw is not None
    assert stored[0].raw.endswith(mail("live 1"))
    assert stored[0].machine is False


async def test_mail_waits_for_the_node_and_comes_once(demo: DemoMail, journal: Journal) -> None:
    await post(demo, mail("before"))
    async with Running(channel(demo, journal)):
        await journal.has(1)
    for number in range(10):
        await post(demo, mail(f"while away {number}"))
    async with Running(channel(demo, journal)):
        await journal.has(11)
    assert journal.repeats == []


async def test_while_the_journal_is_away_mail_stays_unread(
    demo: DemoMail, journal: Journal
) -> None:
    async with Running(channel(demo, journal)) as running:
        await running.up()
        journal.unavailable = True
        await post(demo, mail("patience"))
        await journal.has_refused(3)
        assert [letter.seen for letter in await demo.inbox(SUPPORT)] == [False]
        journal.unavailable = False
        await journal.has(1)


async def test_nasty_mails_stop_nothing(demo: DemoMail, journal: Journal) -> None:
    part = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    nested = b"".join(part % (n, n) for n in range(400))
    with pytest.raises(UnkeepableMailError):
        await demo.deliver(nested, [SUPPORT])
    for name in ("not_a_mail", "crlf_from", "iso2022jp", "dsn", "inline_image"):
        await demo.deliver(vector(name), [SUPPORT])
    await post(demo, mail("the last"))
    async with Running(channel(demo, journal)):
        stored = await journal.has(6)
    assert [bool(inbound.problem) for inbound in stored] == [True, *[False] * 5]
    assert stored[2].subject == "注文したランプ"


async def test_errors_are_the_same_as_with_any_server(demo: DemoMail, journal: Journal) -> None:
    for reading, error in (
        (channel(demo, journal, password="wrong"), BadCredentials),
        (channel(demo, journal, user="nobody@example.com"), BadCredentials),
        (channel(demo, journal, folder="Nowhere"), BadSetup),
    ):
        async with Running(reading) as running:
            assert isinstance(await running.ended(), error)


async def test_check_finds_everything_in_order(demo: DemoMail, journal: Journal) -> None:
    assert [fix for _, fix in await channel(demo, journal).check()] == [None, None, None]


async def test_stopping_the_server_frees_the_channel_and_its_ports(journal: Journal) -> None:
    server = DemoMail([Account(SUPPORT)])
    server.ports = at = await server.start()  # type: ignore[attr-defined]
    async with Running(channel(server, journal)) as running:
        await running.up()
        await server.stop()
        assert isinstance(await running.ended(), Unreachable)
    again = DemoMail([Account(SUPPORT)], ports=at)
    assert await again.start() == at
    await again.stop()


async def test_who_signs_in_to_send_is_no_news_for_the_log(
    demo: DemoMail, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    said = {"port": ports(demo).smtp, "user": SUPPORT, "password": "demo"}
    await EmailChannel(settings({"port": 1}, said), services(journal), UNDERSTANDING).send(
        outbound()
    )
    assert [one.message for one in caplog.records if one.levelname == "WARNING"] == []


async def test_unknown_recipients_are_refused(demo: DemoMail) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await post(demo, mail("lost"), "nobody@example.com")
    demo.add(Account("nobody@example.com"))
    await post(demo, mail("found"), "Nobody@Example.com")
    assert len(await demo.wait("nobody@example.com", 1)) == 1


async def test_a_mailbox_full_of_unread_mail_refuses_and_loses_nothing(
    demo: DemoMail, journal: Journal
) -> None:
    for number in range(20):
        await post(demo, mail(f"unread {number}"))
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused, match="452"):
        await post(demo, mail("one too many"))
    async with Running(channel(demo, journal)):
        await journal.has(20)
        async with asyncio.timeout(60):
            while not await demo.room(SUPPORT):  # noqa: ASYNC110 - the mark follows by IMAP
                await asyncio.sleep(0.01)
        await post(demo, mail("room again"))
        await journal.has(21)
    assert len(await demo.inbox(SUPPORT)) <= 20


async def test_a_customers_mailbox_keeps_the_newest(demo: DemoMail) -> None:
    for number in range(25):
        await demo.deliver(mail(f"to ada {number}"), [ADA])
    letters = await demo.inbox(ADA)
    assert len(letters) == 20
    assert b"to ada 24" in letters[-1].raw
