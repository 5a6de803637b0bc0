"""The reader on a played mailbox that crashes between any two steps and loses its numbering."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Never, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email import cursor as cursors
from channels.email import fetch
from channels.email import reader as readers
from channels.email.mailbox import Info, Mailbox
from channels.email.parse import Envelope, MailParser
from channels.email.reader import Reader
from channels.email.reading import Source
from channels.email.understand import Understanding, Underway, Work
from gateway.core.errors import Interrupted, Unreachable
from gateway.core.ids import ChannelName
from tests.support.mailworld import LANGUAGE, QUICK, UNDERSTANDING, Journal, WallClock, mail

START = datetime(2026, 11, 20, tzinfo=UTC)


class Played:
    """A folder as ``Mailbox`` shows it. ``steps`` is how many calls it lives through."""

    def __init__(self) -> None:
        self.validity = 1
        self.mails: dict[int, tuple[bytes, datetime]] = {}
        self.read: set[int] = set()
        self.next_uid = 1
        self.steps = 0
        self.connection = SimpleNamespace(
            grown=False, exists=0, has=lambda what: True, idle=self._idle
        )

    def deliver(self, raw: bytes) -> None:
        self.mails[self.next_uid] = (raw, START + timedelta(seconds=self.next_uid))
        self.next_uid += 1

    def renumber(self, *, from_uid: int) -> None:
        """Every mail gets another number, and keeps its mark."""
        self.validity += 1
        old, read = self.mails, self.read
        self.mails, self.read, self.next_uid = {}, set(), from_uid
        for uid, kept in sorted(old.items()):
            self.mails[self.next_uid] = kept
            if uid in read:
                self.read.add(self.next_uid)
            self.next_uid += 1

    async def search(self, criteria: str) -> list[int]:
        self._step()
        words = criteria.split()
        found = set(self.mails)
        if words[0] == "UID" and "," in words[1]:
            return sorted(found & {int(word) for word in words[1].split(",")})
        if words[0] == "UID":
            low, _, high = words[1].partition(":")
            if high == "*":
                newest = {max(self.mails)} if self.mails else set()
                found = {uid for uid in found if uid >= int(low)} | newest
            else:
                found = {uid for uid in found if int(low) <= uid <= int(high or low)}
        if words[-1] == "UNSEEN":
            found -= self.read
        return sorted(found)

    async def infos(self, uids: list[int]) -> list[Info]:
        self._step()
        return [
            Info(u, len(self.mails[u][0]), self.mails[u][1], u in self.read)
            for u in uids
            if u in self.mails
        ]

    async def bodies(
        self, uids: list[int], first: int | None = None, start: int = 0
    ) -> dict[int, bytes]:
        self._step()
        return {uid: self.mails[uid][0][start:][:first] for uid in uids}

    async def mark_seen(self, uids: list[int]) -> None:
        self._step()
        self.read |= set(uids)

    async def noop(self) -> None:
        self._step()

    async def _idle(self, seconds: float) -> None:
        raise Unreachable("nothing more happens")

    def _step(self) -> None:
        if self.steps == 0:
            raise Unreachable("crash")
        self.steps -= 1


def reader(journal: Journal, understanding: Understanding = UNDERSTANDING) -> Reader:
    """A fresh one, as after the restart of the process."""
    return Reader(
        Source(
            channel=ChannelName("support"),
            folder="INBOX",
            envelope=lambda key, at, size: Envelope(
                channel=ChannelName("support"), key=key, at=at, size=size
            ),
            max_bytes=100_000,
        ),
        clock=WallClock(),
        intake=journal,
        memory=journal,
        understanding=understanding,
        pace=QUICK,
    )


async def live(box: Played, journal: Journal, steps: int) -> None:
    box.steps = steps
    await again(box, journal)


async def again(
    box: Played, journal: Journal, understanding: Understanding = UNDERSTANDING
) -> Reader:
    """Read until a crash or until there is nothing more; returns who has read."""
    reading = reader(journal, understanding)
    with pytest.raises(Unreachable):
        await reading.run(cast("Mailbox", box), lambda: None)
    return reading


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.integers(1, 12)),
        st.tuples(st.just("twin"), st.integers(1, 3)),
        st.tuples(st.just("live"), st.integers(0, 14)),
        st.tuples(st.just("renumber"), st.integers(1, 40)),
    ),
    max_size=14,
)


@given(ACTS)
@settings(max_examples=80)
def test_whatever_crashes_every_mail_is_taken_once(acts: list[tuple[str, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cursors, "TAIL", 4)
        patch.setattr(fetch, "MAX_BATCH", 3)
        with asyncio.Runner() as runner:
            runner.run(play(acts))


async def play(acts: list[tuple[str, int]]) -> None:
    box, journal = Played(), Journal()
    delivered: list[str] = []
    await live(box, journal, steps=1_000)
    for act, number in [*acts, ("live", 1_000)]:
        if act == "live":
            await live(box, journal, number)
        elif act == "renumber":
            box.renumber(from_uid=number)
        else:
            for _ in range(number):
                subject = "twin" if act == "twin" else f"mail {len(delivered)}"
                delivered.append(subject)
                box.deliver(mail(subject))
    assert Counter(journal.subjects()) == Counter(delivered)
    assert box.read == set(box.mails)


ONE_FETCH = 4
"""Steps of a line that breaks before a second batch is here."""


async def test_a_line_that_breaks_at_every_second_batch_still_gets_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetch, "MAX_BATCH", 3)
    box, journal = Played(), Journal()
    await live(box, journal, 1_000)
    subjects = [f"mail {number}" for number in range(12)]
    for subject in subjects:
        box.deliver(mail(subject))
    lives = 0
    while len(journal.subjects()) < len(subjects):
        before = len(journal.subjects())
        await live(box, journal, ONE_FETCH)
        assert len(journal.subjects()) > before, "it got no further"
        lives += 1
    assert journal.subjects() == subjects
    assert lives == 4, "one batch a life: or this test tells nothing"


async def test_what_is_here_is_stored_before_a_line_that_tells_nothing_of_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetch, "MAX_BATCH", 3)
    monkeypatch.setattr(readers, "INFO_BATCH", 3)
    box, journal = Played(), Journal()
    await live(box, journal, 1_000)
    subjects = [f"mail {number}" for number in range(6)]
    for subject in subjects:
        box.deliver(mail(subject))
    infos = box.infos

    async def none_of_the_last(uids: list[int]) -> list[Info]:
        if max(uids) == max(box.mails):
            raise Unreachable("the server says nothing of it")
        return await infos(uids)

    monkeypatch.setattr(box, "infos", none_of_the_last)
    await live(box, journal, 1_000)
    assert journal.subjects() == subjects[:3]


class Unable(Understanding):
    """Cannot say what a batch is, the first time."""

    asked = 0

    async def begin(self, work: Work) -> Underway:
        self.asked += 1
        underway = await super().begin(work)
        if self.asked == 1:
            underway.done = self._refuse  # type: ignore[method-assign]
        return underway

    async def _refuse(self) -> Never:
        raise Unreachable("no process can be started")


async def test_a_line_that_breaks_is_told_apart_by_whether_it_had_brought_something() -> None:
    box, journal = Played(), Journal()
    box.steps = 1_000
    reading = reader(journal)
    for subject in ("one", "two"):
        box.deliver(mail(subject))
        with pytest.raises(Interrupted):
            await reading.run(cast("Mailbox", box), lambda: None)
    with pytest.raises(Unreachable) as nothing_came:
        await reading.run(cast("Mailbox", box), lambda: None)
    assert type(nothing_came.value) is Unreachable


async def test_a_new_numbering_is_followed_on_from_where_the_line_broke(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readers, "HEAD_BATCH", 5)
    monkeypatch.setattr(cursors, "TAIL", 8)
    box, journal = Played(), Journal()
    for number in range(100):
        box.deliver(mail(f"mail {number % 90}"))
    await live(box, journal, 1_000)
    box.renumber(from_uid=7)
    box.deliver(mail("mail 3"))
    breaks = 0
    while box.validity != cursors.decode(journal.memory["imap:INBOX"]).validity:
        await live(box, journal, 12)  # enough for a few batches, never for all
        breaks += 1
    assert breaks > 3
    await live(box, journal, 1_000)
    assert len(journal.stored) == 101
    assert not [key for key in journal.memory if "renumbering" in key and journal.memory[key]]


async def test_no_batch_is_passed_by_when_the_one_before_could_not_be_understood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetch, "MAX_BATCH", 3)
    box, journal = Played(), Journal()
    await live(box, journal, 1_000)
    subjects = [f"mail {number}" for number in range(9)]
    for subject in subjects:
        box.deliver(mail(subject))
    unable = Unable(MailParser(LANGUAGE))
    await again(box, journal, unable)
    assert journal.subjects() == []
    await again(box, journal, unable)
    assert journal.subjects() == subjects


async def test_old_pages_are_let_go_and_old_read_mail_still_counts_as_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cursors, "TAIL", 4)
    monkeypatch.setattr(cursors, "MAX_PAGES", 3)
    box, journal = Played(), Journal()
    for number in range(60):
        box.deliver(mail(f"mail {number}"))
        await live(box, journal, 1_000)
    kept = [key for key, value in journal.memory.items() if value]
    assert len(kept) <= 1 + 3 + 1  # the cursor, the pages, one being written
    box.renumber(from_uid=500)
    box.deliver(mail("new"))
    await live(box, journal, 1_000)
    assert len(journal.stored) == 61
