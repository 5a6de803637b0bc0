"""The channel beside a real mail server: Exim takes what we send, and brings us mail by itself."""

import asyncio
import email
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from email import policy
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from channels.email.channel import EmailChannel
from channels.email.door import Doors
from channels.email.settings import Receive, Settings, Smtp
from gateway.core.errors import Deferred, TryAgain, Undeliverable
from gateway.core.ids import ChannelName
from gateway.ports import Outbound
from tests.channels.email.test_sending import ID, outbound
from tests.support.dovecot import Dovecot
from tests.support.exim import Exim
from tests.support.mailworld import QUICK, UNDERSTANDING, Journal, Running, mail, services, settings
from tests.support.proxy import Link

pytestmark = pytest.mark.integration
PATIENCE = 30.0


@pytest.fixture(scope="module")
def server() -> Iterator[Exim]:
    with Exim.running() as exim:
        yield exim


@pytest.fixture
def exim(server: Exim) -> Exim:
    """The server, which has an answer ready for nobody."""
    server.answers()
    return server


async def there(is_so: Callable[[], Any]) -> Any:
    """What it is, as soon as there is something."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await asyncio.to_thread(is_so)):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
    return found


# -- what we send -----------------------------------------------------------------------------


@pytest.fixture
async def line(exim: Exim) -> AsyncIterator[Link]:
    """To the server. No connection of ours stays when its mail has left: it has no place for many.

    (Exim listens on in clear, for minutes, when only TLS has ended.)
    """
    async with Link(exim.port) as link:
        yield link
        async with asyncio.timeout(PATIENCE / 3):
            while link.open:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.01)  # what it has told us is read


def sending(exim: Exim, line: Link, **smtp: Any) -> EmailChannel:
    said = {
        "port": line.port,
        "security": "starttls",
        "user": exim.user,
        "password": exim.password,
    }
    made = EmailChannel(settings({"port": 1}, said | smtp), services(Journal()), UNDERSTANDING)
    made._tls = exim.trusted()
    return made


def to(*people: str, **changes: Any) -> Outbound:
    made = outbound(to=people[:1], cc=people[1:], **changes)
    return replace(made, address=people[0])


def mails(box: Path) -> list[Any]:
    files = sorted((box / "new").glob("*"))
    return [email.message_from_bytes(one.read_bytes(), policy=policy.default) for one in files]


async def test_what_we_send_after_starttls_and_a_password_is_read_where_it_arrives(
    exim: Exim, line: Link
) -> None:
    with Dovecot.running() as dovecot:
        await asyncio.to_thread(dovecot.fill, [])
        exim.box("eva", dovecot.home / "mail")
        receipt = await sending(exim, line).send(to("eva@mail.example"))
        assert (receipt.external_id, receipt.reason) == (f"<{ID}@example.com>", "")
        journal = Journal()
        reads = {"port": dovecot.port, "user": dovecot.user, "password": dovecot.password}
        reader = EmailChannel(settings(reads), services(journal), UNDERSTANDING, QUICK)
        async with Running(reader):
            (read,) = await journal.has(1)
    assert (read.external_id, read.subject) == (receipt.external_id, "Re: Lamp [#1000123]")
    assert "\n.a line that begins with a dot" in read.body
    assert b"with esmtpsa" in (read.raw or b""), "encrypted, and signed in"


async def test_a_wrong_password_is_ours_to_mend_and_sends_nothing_back(
    exim: Exim, line: Link
) -> None:
    with pytest.raises(TryAgain, match=r"535 .*check smtp.user and smtp.password"):
        await sending(exim, line, password="wrong").send(to("eva@mail.example"))


async def test_who_is_refused_for_now_is_tried_again_alone_and_who_is_refused_for_good_is_not(
    exim: Exim, line: Link
) -> None:
    eva, bob = exim.box("eva3"), exim.box("bob3")
    exim.answers(
        never={"nobody@mail.example": "550 5.1.1 no such person"},
        later={"bob3@mail.example": "452 4.2.2 mailbox full"},
    )
    out = to("eva3@mail.example", "nobody@mail.example", "bob3@mail.example")
    receipt = await sending(exim, line).send(out)
    assert receipt.later == ("bob3@mail.example",)
    assert "nobody@mail.example: 550 5.1.1 no such person" in receipt.reason
    assert "bob3@mail.example: 452 4.2.2 mailbox full" in receipt.reason
    alone = replace(out, only=receipt.later, attempt=2)
    with pytest.raises(Deferred, match=r"452 4\.2\.2"):
        await sending(exim, line).send(alone)
    exim.answers()
    assert (await sending(exim, line).send(alone)).reason == ""
    (first,) = await there(lambda: mails(eva))
    (second,) = await there(lambda: mails(bob))
    assert first["Message-ID"] == second["Message-ID"] == f"<{ID}@example.com>"


async def test_refusals_for_now_and_for_good_are_told_apart_at_each_step(
    exim: Exim, line: Link
) -> None:
    exim.answers(later={"eva@mail.example": "451 4.7.1 greylisted, come again"})
    with pytest.raises(Deferred, match=r"451 4\.7\.1 greylisted"):
        await sending(exim, line).send(to("eva@mail.example"))
    exim.answers(never={"eva@mail.example": "550 5.2.1 closed"})
    with pytest.raises(Undeliverable, match=r"550 5\.2\.1 closed"):
        await sending(exim, line).send(to("eva@mail.example"))
    exim.answers()
    base = to("eva@mail.example")
    assert base.message is not None
    spam = replace(base, message=replace(base.message, subject="unwanted"))
    with pytest.raises(Undeliverable, match=r"550 5\.7\.1 this looks like spam"):
        await sending(exim, line).send(spam)
    with pytest.raises(Undeliverable, match="relay not permitted"):
        await sending(exim, line, user="").send(to("eva@elsewhere.example"))


async def test_a_mail_over_the_size_that_it_announces_is_refused_before_a_byte_is_sent(
    exim: Exim, line: Link
) -> None:
    large = to("eva@mail.example")
    assert large.message is not None
    large = replace(large, message=replace(large.message, body="all of it\n" * (exim.most // 10)))
    with pytest.raises(Undeliverable, match=r"the server takes 0\.2 MB at most"):
        await sending(exim, line).send(large)


# -- what it brings us --------------------------------------------------------------------------


def brought(exim: Exim, journal: Journal, protocol: str, **said: Any) -> EmailChannel:
    """A channel with a door where Exim looks for one."""
    if protocol == "smtp":
        tls = {"certificate": str(exim.certificate), "key": str(exim.key), "require_tls": True}
        said = tls | said
    listen = f"127.0.0.1:{exim.lmtp if protocol == 'lmtp' else exim.smtp}"
    rooms = said.pop("rooms", None)
    name = said.pop("name", "support")
    made = Settings(
        name=ChannelName(name),
        address=f"{name}@{protocol}.example",
        receive=Receive(listen=listen, protocol=protocol, **said),  # type: ignore[arg-type]
        smtp=Smtp(host="127.0.0.1", port=exim.port, security="none"),
    )
    return EmailChannel(made, services(journal), UNDERSTANDING, doors=rooms)


@asynccontextmanager
async def open_to(
    exim: Exim, journal: Journal, protocol: str, **said: Any
) -> AsyncIterator[EmailChannel]:
    made = brought(exim, journal, protocol, **said)
    async with Running(made) as running:
        await running.up()
        yield made


def letter(subject: str, to: str, **more: Any) -> bytes:
    return mail(subject, sender="ada@mail.example", **more).replace(
        b"support@example.com", to.encode()
    )


@pytest.mark.parametrize("protocol", ["lmtp", "smtp"])
async def test_what_waits_for_us_in_its_queue_comes_once_when_we_are_back(
    exim: Exim, protocol: str
) -> None:
    journal, us = Journal(), f"support@{protocol}.example"
    bring = asyncio.to_thread
    await bring(exim.bring, letter("while we were down", us), us, sender="ada@mail.example")
    await there(lambda: exim.queued() == 1)
    journal.unavailable = True
    async with open_to(exim, journal, protocol) as channel:
        await bring(
            exim.bring, letter("while we could not write", us), us, sender="ada@mail.example"
        )
        await journal.has_refused(2)
        journal.unavailable = False
        first, second = await journal.has(2)
        await there(lambda: exim.queued() == 0)
        assert channel.counts()["stored"] == 2
        assert channel.counts()["put_off"] >= 1
    assert {first.subject, second.subject} == {"while we were down", "while we could not write"}
    assert not journal.repeats
    with_ = b"with SMTPS id" if protocol == "smtp" else b"with LMTP id"
    assert with_ in (first.raw or b"")


async def test_by_lmtp_only_who_was_put_off_is_tried_again(exim: Exim) -> None:
    ours, theirs = Journal(), Journal()
    rooms = Doors(UNDERSTANDING.brought, "mx.us.example")
    theirs.unavailable = True
    both = ("support@lmtp.example", "billing@lmtp.example")
    async with (
        open_to(exim, ours, "lmtp", rooms=rooms),
        open_to(exim, theirs, "lmtp", rooms=rooms, name="billing"),
    ):
        await asyncio.to_thread(
            exim.bring, letter("both", both[0]), *both, sender="ada@mail.example"
        )
        await theirs.has_refused(2)
        assert ours.subjects() == ["both"]
        theirs.unavailable = False
        await theirs.has(1)
        await there(lambda: exim.queued() == 0)
    assert (ours.subjects(), theirs.subjects()) == (["both"], ["both"])
    assert not ours.repeats


async def test_who_writes_to_nobody_here_or_too_much_is_told_by_their_own_server(
    exim: Exim,
) -> None:
    journal, ada = Journal(), exim.box("ada")
    async with open_to(exim, journal, "lmtp", max_bytes=65_536):
        # Exim takes both on trust, and learns from us that there is no such address, or no room.
        for to, size in (("bo@lmtp.example", 0), ("support@lmtp.example", 100_000)):
            raw = letter("lost", to, size=size)
            await asyncio.to_thread(exim.bring, raw, to, sender="ada@mail.example")
        await there(lambda: len(mails(ada)) == 2)
    told = sorted(str(report) for report in mails(ada))
    assert all("multipart/report" in one for one in told)
    assert any("550 5.1.1 There is no such address here" in one for one in told)
    assert any("552 " in one for one in told)
    assert journal.subjects() == []


async def test_a_real_report_of_failure_names_the_mail_of_ours_that_did_not_arrive(
    exim: Exim,
) -> None:
    journal = Journal()
    async with open_to(exim, journal, "lmtp") as channel:
        # No such box: taken at the door, sent back afterwards, to who stands in the envelope.
        receipt = await channel.send(to("gone@mail.example"))
        (report,) = await journal.has(1)
    assert report.machine
    assert report.attributes["machine"] == "bounce"
    assert report.attributes["bounce_action"] == "failed"
    assert report.attributes["bounce_recipient"] == "gone@mail.example"
    assert report.references[0] == receipt.external_id
