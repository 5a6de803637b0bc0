"""The channel against a real Dovecot: what happens to mails when things break."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from msgspec.structs import replace

from channels.email import fetch
from channels.email.channel import EmailChannel
from channels.email.imap import Connection
from channels.email.mailbox import Mailbox
from channels.email.reading import Pace
from gateway.core.errors import BadCredentials, BadSetup, Unreachable
from tests.support.dovecot import Dovecot
from tests.support.mailworld import (
    QUICK,
    UNDERSTANDING,
    Journal,
    Running,
    WallClock,
    mail,
    services,
    settings,
    vector,
)
from tests.support.proxy import Link
from tests.support.relay import Relay
from tests.support.smtp_sink import SmtpSink
from tests.support.tls import client_context

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with Dovecot.running() as dovecot:
        yield dovecot


@pytest.fixture
def dovecot(server: Dovecot) -> Dovecot:
    """The server, with a mailbox that nobody has used."""
    server.next_user()
    return server


@pytest.fixture
def journal() -> Journal:
    return Journal()


def channel(
    dovecot: Dovecot,
    journal: Journal,
    *,
    port: int = 0,
    pace: Pace = QUICK,
    max_bytes: int = 100_000,
    **imap: str,
) -> EmailChannel:
    reads: dict[str, Any] = {
        "port": port or dovecot.port,
        "user": dovecot.user,
        "password": dovecot.password,
    } | imap
    said = settings(reads, max_bytes=max_bytes)
    return EmailChannel(said, services(journal), UNDERSTANDING, pace)


@pytest.fixture
async def relay(dovecot: Dovecot) -> AsyncIterator[Relay]:
    async with Relay(dovecot.port) as between:
        yield between


class Delivering(SmtpSink):
    """An SMTP server that puts what it takes into the mailbox."""

    def __init__(self, dovecot: Dovecot) -> None:
        super().__init__()
        self._dovecot = dovecot

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        await asyncio.to_thread(self._dovecot.deliver, self.taken[-1].data)
        return answer


async def test_a_check_sees_its_own_mail_arrive_and_takes_it_away(
    dovecot: Dovecot, journal: Journal
) -> None:
    dovecot.deliver(mail("a customer's"))
    reads = {"port": dovecot.port, "user": dovecot.user, "password": dovecot.password}
    async with Delivering(dovecot) as sink:
        said = settings(reads, {"port": sink.port})
        proving = EmailChannel(said, services(journal), UNDERSTANDING, QUICK)
        found = await proving.prove()
        assert [fix for _, fix in found] == [None, None]
        assert "a mail to support@example.com arrives (after" in found[0][0]
        assert "arrives too" in found[1][0]
        assert [one.recipients[0][:13] for one in sink.taken] == ["support@examp", "support+check"]
        assert len(dovecot.flags()) == 1, "the customer's mail alone is left"
        # From the admin pages the same in two requests.
        sent = await proving.send_proof()
        assert ([one.fix for one in sent.steps], len(sent.marks), sent.done) == ([None], 2, False)
        looked = await proving.look_for_proof(sent)
        assert ([one.fix for one in looked.steps], looked.done) == ([None, None], True)
        assert len(dovecot.flags()) == 1
        late = replace(sent, began=sent.began - timedelta(minutes=2))
        given_up = await proving.look_for_proof(late)
        assert given_up.done
        assert "look for it in the spam folder" in str(given_up.steps[0].fix)
        # A node that was quicker makes no case of it (core.intake): it knows the mark.
        read = proving.read_again(sink.taken[0].data, "k", WallClock().now())
        assert (read.attributes["check"], read.machine) == (True, True)
        forged = sink.taken[0].data.replace(b"From: support@", b"From: eve@")
        assert "check" not in proving.read_again(forged, "k", WallClock().now()).attributes


async def test_unread_mail_is_stored_and_then_marked_as_read(
    dovecot: Dovecot, journal: Journal
) -> None:
    dovecot.deliver(mail("one"), vector("alternative"))
    dovecot.deliver(mail("read before we came"), flags="(\\Seen)")
    async with Running(channel(dovecot, journal)) as running:
        stored = await journal.has(2)
        await running.up()
        await until_all_are_read(dovecot)
    assert [inbound.subject for inbound in stored] == ["one", "Order 42"]
    assert stored[0].raw == mail("one")
    assert stored[0].key.startswith("INBOX:")
    assert stored[0].at.year >= 2026


async def test_a_mail_that_arrives_while_we_listen_is_seen_within_a_second(
    dovecot: Dovecot, journal: Journal
) -> None:
    async with Running(channel(dovecot, journal, pace=Pace(idle=300))) as running:
        await running.up()
        for count in range(1, 4):
            sent = time.monotonic()
            await dovecot.delivered(mail(f"live {count}"))
            await journal.has(count)
            assert time.monotonic() - sent < 1.0
    assert journal.subjects() == ["live 1", "live 2", "live 3"]


async def test_a_server_without_idle_is_asked_now_and_then(
    dovecot: Dovecot, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    has = Connection.has
    monkeypatch.setattr(Connection, "has", lambda self, what: what != "IDLE" and has(self, what))
    async with Running(channel(dovecot, journal)) as running:
        await running.up()
        await dovecot.delivered(mail("polled"))
        await journal.has(1)


async def test_a_restart_doubles_nothing_and_catches_up(dovecot: Dovecot, journal: Journal) -> None:
    dovecot.deliver(*(mail(f"before {n}") for n in range(7)))
    async with Running(channel(dovecot, journal)):
        await journal.has(7)
    dovecot.deliver(*(mail(f"during {n}") for n in range(130)))
    dovecot.deliver(mail("read by a colleague during the outage"), flags="(\\Seen)")
    async with Running(channel(dovecot, journal)):
        await journal.has(138)
    assert journal.repeats == []
    assert len(set(journal.subjects())) == 138


async def test_while_the_journal_is_away_mail_stays_unread_and_comes_again(
    dovecot: Dovecot, journal: Journal
) -> None:
    dovecot.deliver(mail("patient"))
    journal.unavailable = True
    async with Running(channel(dovecot, journal)) as running:
        await journal.has_refused(2)
        assert not running.ready.is_set()
        journal.unavailable = False
        await journal.has(1)
        await running.up()
        journal.unavailable = True
        await dovecot.delivered(mail("patience"))
        await journal.has_refused(5)
        assert len(dovecot.unseen()) == 1
        assert journal.subjects() == ["patient"]
        journal.unavailable = False
        await journal.has(2)
        await until_all_are_read(dovecot)
        assert running.error is None
    assert journal.repeats == []


async def test_a_crash_before_the_mark_repeats_nothing(
    dovecot: Dovecot, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovecot.deliver(mail("stored, not marked"))

    async def crash(box: Mailbox, uids: list[int]) -> None:
        raise Unreachable("cut")

    with monkeypatch.context() as patch:
        patch.setattr(Mailbox, "mark_seen", crash)
        async with Running(channel(dovecot, journal)) as running:
            assert isinstance(await running.ended(), Unreachable)
    assert len(dovecot.unseen()) == 1
    await dovecot.delivered(mail("next"))
    async with Running(channel(dovecot, journal)):
        await journal.has(2)
    assert journal.repeats == []


async def test_a_wrong_password_parks_the_channel(dovecot: Dovecot, journal: Journal) -> None:
    async with Running(channel(dovecot, journal, password="wrong")) as running:
        error = await running.ended()
    assert isinstance(error, BadCredentials)
    assert error.retry_after is None
    assert "support" in str(error)
    assert "imap.password" in str(error)
    assert "wrong" not in str(error)


async def test_a_missing_folder_is_named_with_the_ones_there_are(
    dovecot: Dovecot, journal: Journal
) -> None:
    async with Running(channel(dovecot, journal, folder="INBXO")) as running:
        error = await running.ended()
    assert isinstance(error, BadSetup)
    assert "INBXO" in str(error)
    assert "INBOX" in str(error)


async def test_a_folder_may_have_any_name(dovecot: Dovecot, journal: Journal) -> None:
    dovecot.deliver(mail("archived"), folder="Archiv-K&APY-ln")
    async with Running(channel(dovecot, journal, folder="Archiv-Köln")):
        (inbound,) = await journal.has(1)
    assert inbound.key.startswith("Archiv-Köln:")


async def test_nobody_listening_is_unreachable_and_worth_another_try(
    dovecot: Dovecot, journal: Journal
) -> None:
    async with Running(channel(dovecot, journal, port=1)) as running:
        error = await running.ended()
    assert isinstance(error, Unreachable)
    assert error.retry_after is not None


async def test_a_connection_cut_while_a_mail_is_fetched_loses_and_doubles_nothing(
    dovecot: Dovecot, journal: Journal, relay: Relay
) -> None:
    dovecot.deliver(*(mail(f"big {n}", size=30_000) for n in range(20)))
    cut = channel(dovecot, journal, port=relay.port)
    ends = 0
    for budget in (3_000, 40_000, 200_000, None):
        relay.budget = budget
        async with Running(cut) as running:
            if budget is None:
                await journal.has(20)
                await running.up()
                await until_all_are_read(dovecot)
            else:
                assert isinstance(await running.ended(), Unreachable)
                ends += 1
    assert ends == 3
    assert journal.repeats == []
    assert sorted(journal.subjects()) == sorted(f"big {n}" for n in range(20))


async def test_a_connection_that_dies_in_silence_is_found_out(
    dovecot: Dovecot, journal: Journal, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.email.imap.PATIENCE", 0.3)
    async with Running(channel(dovecot, journal, port=relay.port, pace=Pace(idle=0.3))) as running:
        await running.up()
        relay.freeze()
        assert isinstance(await running.ended(5), Unreachable)


async def test_a_poisonous_mail_in_the_middle_stops_nothing(
    dovecot: Dovecot, journal: Journal
) -> None:
    names = ["abyss", "crlf_from", "not_a_mail", "huge_header", "no_header", "nul_bytes"]
    for name in names:
        dovecot.deliver(mail(f"before {name}"), vector(name))
    dovecot.deliver(mail("the last"))
    async with Running(channel(dovecot, journal)) as running:
        stored = await journal.has(2 * len(names) + 1)
        await running.up()
        await until_all_are_read(dovecot)
    quarantined = [inbound for inbound in stored if inbound.problem]
    assert len(quarantined) == 2
    assert all(inbound.raw for inbound in quarantined)
    assert stored[-1].subject == "the last"


async def test_a_mail_that_the_journal_refuses_is_quarantined_alone(
    dovecot: Dovecot, journal: Journal
) -> None:
    dovecot.deliver(mail("fine 1"), mail("poison"), mail("fine 2"))
    journal.poison = "poison"
    async with Running(channel(dovecot, journal)):
        stored = await journal.has(3)
    assert [inbound.subject for inbound in stored] == ["fine 1", "", "fine 2"]
    assert "does not take this text" in stored[1].problem
    assert stored[1].raw == mail("poison")


async def test_a_mail_that_the_server_keeps_back_is_passed_over_and_comes_when_it_is_mended(
    dovecot: Dovecot, journal: Journal
) -> None:
    dovecot.deliver(mail("good 1"), mail("rotten", body="ROTTEN"), mail("good 2"))
    mend = dovecot.spoil("ROTTEN")
    # Dovecot hangs up on it: the supervisor would start the same channel again and again.
    reading = channel(dovecot, journal, pace=QUICK)
    starts = 0
    while len(journal.stored) < 2 or reading.counts()["withheld"] < 1:
        starts += 1
        assert starts < 20
        async with Running(reading) as running:
            await running.ended_or(journal.has(2))
    assert sorted(journal.subjects()) == ["good 1", "good 2"]
    mend()
    # Another process knows of it too.
    async with Running(channel(dovecot, journal)):
        await journal.has(3)
        await until_all_are_read(dovecot)
    assert sorted(journal.subjects()) == ["good 1", "good 2", "rotten"]
    assert not any(inbound.problem for inbound in journal.stored.values())
    assert journal.repeats == []


async def test_a_mail_over_the_limit_is_stored_with_its_beginning(
    dovecot: Dovecot, journal: Journal
) -> None:
    dovecot.deliver(mail("enormous", size=900_000), mail("small"))
    async with Running(channel(dovecot, journal)):
        enormous, small = await journal.has(2)
    assert enormous.attributes["truncated"] is True
    assert f"All of it stays in INBOX of {dovecot.user} at 127.0.0.1" in enormous.body
    assert len(enormous.raw or b"") == fetch.PARTIAL_BYTES
    assert small.body.startswith("Hello")


async def test_a_mail_deleted_under_our_hands_is_no_trouble(
    dovecot: Dovecot, journal: Journal
) -> None:
    async with Running(channel(dovecot, journal)) as running:
        await running.up()
        await dovecot.delivered(mail("first"))
        await journal.has(1)
        uid = next(iter(dovecot.flags()))
        await asyncio.to_thread(dovecot.expunge, uid)
        await dovecot.delivered(mail("second"))
        await journal.has(2)
    assert journal.subjects() == ["first", "second"]


async def test_a_new_numbering_brings_only_new_mail(dovecot: Dovecot, journal: Journal) -> None:
    twins = [mail("twin")] * 2
    dovecot.deliver(*(mail(f"known {n}") for n in range(5)), *twins)
    async with Running(channel(dovecot, journal)):
        await journal.has(7)
        await until_all_are_read(dovecot)
    dovecot.deliver(mail("new during the outage"), mail("twin"))
    await asyncio.to_thread(dovecot.renumber)
    async with Running(channel(dovecot, journal)) as running:
        await journal.has(9)
        await running.up()
        await dovecot.delivered(mail("after it"))
        await journal.has(10)
    assert journal.subjects().count("twin") == 3
    assert len(journal.stored) == 10
    assert journal.repeats == []


async def test_check_tells_what_works_and_how_to_mend_the_rest(
    dovecot: Dovecot, journal: Journal
) -> None:
    good = await channel(dovecot, journal).check()
    assert [fix for _, fix in good[:2]] == [None, None]
    assert "folder INBOX" in good[1][0]
    assert good[2][1] is not None  # nobody listens for SMTP
    bad = await channel(dovecot, journal, password="wrong").check()
    assert "imap.password" in (bad[0][1] or "")
    lost = await channel(dovecot, journal, folder="Nowhere").check()
    assert "INBOX" in (lost[1][1] or "")


async def until_all_are_read(dovecot: Dovecot) -> None:
    async with asyncio.timeout(60):
        while await asyncio.to_thread(dovecot.unseen):  # noqa: ASYNC110 - asked of a server
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_tls_is_used_and_the_certificate_is_checked(security: str, journal: Journal) -> None:
    with Dovecot.running(tls=True) as secure:
        assert secure.certificate is not None
        secure.deliver(mail("secret"))
        port = secure.tls_port if security == "tls" else secure.port
        reading = channel(secure, journal, port=port, host="localhost", security=security)
        async with Running(reading) as running:
            error = await running.ended()
        assert isinstance(error, Unreachable)
        assert "certificate verify failed" in str(error)
        reading._tls = client_context(secure.certificate)
        async with Running(reading):
            await journal.has(1)


async def test_a_server_without_starttls_is_a_matter_of_setting_up(
    dovecot: Dovecot, journal: Journal
) -> None:
    async with Running(channel(dovecot, journal, security="starttls")) as running:
        error = await running.ended()
    assert isinstance(error, BadSetup)
    assert 'security = "tls"' in str(error)


async def test_a_mail_of_many_megabytes_is_read_whole_over_a_line_that_breaks(
    dovecot: Dovecot, journal: Journal
) -> None:
    large = mail("large", size=6_000_000)
    dovecot.deliver(large, mail("small"))
    async with Link(dovecot.port) as link:
        reads = channel(dovecot, journal, port=link.port, max_bytes=10_000_000)
        for _ in range(3):
            async with Running(reads) as running:
                await link.after(1_500_000, cut=True)
                assert isinstance(await running.ended(), Unreachable)
        assert journal.stored == {}
        async with Running(reads):
            found = {inbound.subject: inbound.raw for inbound in await journal.has(2)}
    assert found == {"large": large, "small": mail("small")}
