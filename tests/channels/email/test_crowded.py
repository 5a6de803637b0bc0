"""A mailbox that others fill, read and empty while we read it: nothing lost, nothing made up."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator

import pytest

from channels.email import wire
from channels.email.channel import EmailChannel
from channels.email.mailbox import Mailbox
from channels.email.reading import Pace
from gateway.demo.mailserver import Account, DemoMail, Ports
from gateway.ports import Inbound
from tests.support.dovecot import Dovecot
from tests.support.mailworld import UNDERSTANDING, Journal, Running, mail, services, settings

pytestmark = pytest.mark.integration

SUPPORT = "support@example.com"
PATIENT = Pace(idle=300)


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with Dovecot.running() as dovecot:
        yield dovecot


@pytest.fixture
def dovecot(server: Dovecot) -> Dovecot:
    server.next_user()
    return server


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
async def demo() -> AsyncIterator[tuple[DemoMail, Ports]]:
    served = DemoMail([Account(SUPPORT)], max_mails=20)
    yield served, await served.start()
    await served.stop()


def on_demo(ports: Ports, journal: Journal, pace: Pace = PATIENT) -> EmailChannel:
    reads = {"port": ports.imap, "user": SUPPORT, "password": "demo"}
    return EmailChannel(settings(reads), services(journal), UNDERSTANDING, pace)


def on_dovecot(dovecot: Dovecot, journal: Journal, pace: Pace = PATIENT) -> EmailChannel:
    reads = {"port": dovecot.port, "user": dovecot.user, "password": dovecot.password}
    return EmailChannel(settings(reads), services(journal), UNDERSTANDING, pace)


def bodies_fit(stored: list[Inbound]) -> bool:
    return all(inbound.subject in inbound.body for inbound in stored)


async def test_a_mailbox_that_lets_read_mail_go_while_it_is_read_loses_none(
    demo: tuple[DemoMail, Ports], journal: Journal
) -> None:
    served, ports = demo
    subjects = [f"mail {n}" for n in range(300)]
    async with Running(on_demo(ports, journal)) as running:
        await running.up()
        async with asyncio.timeout(60):
            for number, subject in enumerate(subjects):
                while not await served.room(SUPPORT):  # noqa: ASYNC110 - asked of a server
                    await asyncio.sleep(0.002)
                await served.deliver(mail(subject, body=f"about {subject}"), [SUPPORT])
                if number % 3 == 2:
                    await asyncio.sleep(0.003)
            stored = await journal.has(300, 30)
        assert running.error is None
    assert [inbound.problem for inbound in stored if inbound.problem] == []
    assert sorted(journal.subjects()) == sorted(subjects)
    assert bodies_fit(stored)
    assert journal.repeats == []


async def test_a_mail_that_comes_between_the_last_answer_and_idle_is_announced(
    demo: tuple[DemoMail, Ports], journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, ports = demo
    mark_seen = Mailbox.mark_seen
    late = [mail("late 1"), mail("late 2")]

    async def mark_then_deliver(box: Mailbox, uids: list[int]) -> None:
        await mark_seen(box, uids)
        if late:
            await served.deliver(late.pop(0), [SUPPORT])

    monkeypatch.setattr(Mailbox, "mark_seen", mark_then_deliver)
    async with Running(on_demo(ports, journal)) as running:
        await running.up()
        await served.deliver(mail("first"), [SUPPORT])
        await journal.has(3)


async def test_dovecot_announces_what_comes_between_the_last_answer_and_idle(
    dovecot: Dovecot, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark_seen = Mailbox.mark_seen
    late = [mail("late 1"), mail("late 2")]

    async def mark_then_deliver(box: Mailbox, uids: list[int]) -> None:
        await mark_seen(box, uids)
        if late:
            await dovecot.delivered(late.pop(0))

    monkeypatch.setattr(Mailbox, "mark_seen", mark_then_deliver)
    async with Running(on_dovecot(dovecot, journal)) as running:
        await running.up()
        await dovecot.delivered(mail("first"))
        await journal.has(3)


async def test_a_colleague_who_deletes_under_our_hands_makes_no_trouble(
    dovecot: Dovecot, journal: Journal
) -> None:
    """300 mails come in bursts while somebody deletes at random, read or not."""
    dice = random.Random(7)
    deleted: set[int] = set()

    def busy() -> None:
        with dovecot.client() as client:
            client.select("INBOX")
            for number in range(300):
                body = mail(f"mail {number}", body=f"about mail {number}", size=3_000)
                client.append("INBOX", "", "", body)
                if number % 5 == 4:
                    uids = [int(uid) for uid in client.uid("SEARCH", "ALL")[1][0].split()]
                    gone = dice.sample(uids[-8:], min(3, len(uids)))
                    client.uid("STORE", ",".join(map(str, gone)), "+FLAGS", "(\\Deleted)")
                    client.expunge()
                    deleted.update(gone)

    reading = on_dovecot(dovecot, journal)
    async with Running(reading) as running:
        await running.up()
        await asyncio.to_thread(busy)
        left = {f"mail {uid - 1}" for uid in dovecot.flags()}
        async with asyncio.timeout(90):
            for subject in left:
                while subject not in journal.subjects():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        assert running.error is None
    stored = list(journal.stored.values())
    assert [inbound.problem for inbound in stored if inbound.problem] == []
    assert all(f"mail {int(i.key.rpartition(':')[2]) - 1}" == i.subject for i in stored)
    assert bodies_fit(stored)
    assert journal.repeats == []
    assert reading.counts()["withheld"] == 0
    assert len(left) + len(deleted) == 300


async def test_mail_that_is_never_announced_is_looked_for(
    dovecot: Dovecot, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Pace().idle <= 30
    counted = wire.counted
    deaf = lambda said, word: None if word == b"EXISTS" else counted(said, word)  # noqa: E731
    monkeypatch.setattr(wire, "counted", deaf)
    async with Running(on_dovecot(dovecot, journal, Pace(idle=0.3))) as running:
        await running.up()
        for count in (1, 2):
            await dovecot.delivered(mail(f"unheard {count}"))
            await journal.has(count)


async def test_the_counts_compare_server_and_journal_also_after_a_restart(
    dovecot: Dovecot, journal: Journal
) -> None:
    dovecot.deliver(mail("one"), b"no mail at all", mail("two"))
    async with Running(on_dovecot(dovecot, journal)):
        await journal.has(3)
    await dovecot.delivered(mail("three"))
    again = on_dovecot(dovecot, journal)
    async with Running(again) as running:
        await journal.has(4)
        await running.up()
    zero = {"withheld": 0, "gone": 0, "waiting": 0}
    assert again.counts() == {"server": 4, "stored": 4, "quarantined": 1} | zero
