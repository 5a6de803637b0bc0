"""What is done about a mail that does not come when it is asked for."""

from typing import Any, cast

import pytest

from channels.email import fetch
from channels.email.fetch import Fetcher, Loaded
from channels.email.imap import Refusal
from channels.email.mailbox import Info, Mailbox
from channels.email.wire import Decoder, Literal, Status
from gateway.core.errors import Unreachable
from tests.channels.email.test_reader import Played, again, live
from tests.support.mailworld import Journal, mail


class Moody(Played):
    """A mailbox that does not give every mail at the first asking."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 1_000
        self.shy: dict[int, int] = {}
        """UID → how often it is still left out."""
        self.emptied: set[int] = set()
        """Being deleted: nothing is left of it but its number, until NOOP tells."""
        self.empty: set[int] = set()
        self.refused: set[int] = set()
        self.deleted_unseen: set[int] = set()
        """Gone, and only NOOP tells."""

    async def bodies(
        self, uids: list[int], first: int | None = None, start: int = 0
    ) -> dict[int, bytes]:
        if self.refused & set(uids):
            raise Refusal(Status("NO", "", "", "not now"))
        out = await super().bodies(
            [uid for uid in uids if uid not in self.deleted_unseen], first, start
        )
        for uid in [uid for uid in out if self.shy.get(uid, 0) > 0]:
            self.shy[uid] -= 1
            del out[uid]
        return {uid: b"" if uid in self.emptied | self.empty else out[uid] for uid in out}

    async def noop(self) -> None:
        await super().noop()
        for uid in self.deleted_unseen | self.emptied:
            self.mails.pop(uid, None)


def infos(*uids: int) -> list[Info]:
    return [Info(uid, 100, None, seen=False) for uid in uids]


@pytest.fixture
def box() -> Moody:
    moody = Moody()
    for number in range(1, 5):
        moody.deliver(mail(f"mail {number}"))
    return moody


async def load(box: Moody) -> tuple[list[int], dict[int, str]]:
    loaded = await Fetcher(100_000).load(cast("Mailbox", box), infos(1, 2, 3, 4))
    return sorted(loaded.bodies), loaded.withheld


async def test_a_mail_that_was_left_out_is_asked_for_again(box: Moody) -> None:
    box.shy = {2: 1}
    assert await load(box) == ([1, 2, 3, 4], {})


async def test_a_mail_deleted_between_search_and_fetch_is_passed_by(box: Moody) -> None:
    box.deleted_unseen = {3}
    assert await load(box) == ([1, 2, 4], {})


async def test_a_mail_that_comes_empty_because_it_is_being_deleted_is_passed_by(box: Moody) -> None:
    box.emptied = {2, 4}
    assert await load(box) == ([1, 3], {})


async def test_a_mail_that_is_empty_and_stays_is_an_empty_mail(box: Moody) -> None:
    box.empty = {2}
    assert await load(box) == ([1, 2, 3, 4], {})


async def test_a_mail_that_the_server_refuses_is_kept_back_alone(box: Moody) -> None:
    box.refused = {4}
    bodies, withheld = await load(box)
    assert bodies == [1, 2, 3]
    assert "not now" in withheld[4]


async def test_what_is_kept_back_is_owed_over_restarts_and_taken_once(box: Moody) -> None:
    journal = Journal()
    box.refused = {2}
    await live(box, journal, 1_000)
    assert journal.subjects() == ["mail 1", "mail 3", "mail 4"]
    box.deliver(mail("mail 5"))
    await live(box, journal, 1_000)
    assert journal.subjects()[3:] == ["mail 5"]
    assert 2 not in box.read
    box.refused = set()
    await live(box, journal, 1_000)
    await live(box, journal, 1_000)
    assert sorted(journal.subjects()) == [f"mail {n}" for n in range(1, 6)]
    assert box.read == {1, 2, 3, 4, 5}
    assert journal.repeats == []
    assert not any(inbound.problem for inbound in journal.stored.values())


async def test_what_is_kept_back_and_then_deleted_is_forgotten(box: Moody) -> None:
    journal = Journal()
    box.refused = {2}
    await live(box, journal, 1_000)
    del box.mails[2]
    await live(box, journal, 1_000)
    assert (await again(box, journal)).counts.withheld == 0
    assert len(journal.stored) == 3


async def test_a_mail_kept_back_while_the_numbering_changes_is_not_lost(box: Moody) -> None:
    journal = Journal()
    await live(box, journal, 1_000)
    box.deliver(mail("mail 5"))
    box.renumber(from_uid=11)
    box.refused = {15}
    await live(box, journal, 1_000)
    assert len(journal.stored) == 4
    box.refused = set()
    await live(box, journal, 1_000)
    assert sorted(journal.subjects()) == [f"mail {n}" for n in range(1, 6)]


class Telling:
    """A connection that answers every command with the same words."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    async def command(self, *_: bytes | Literal) -> tuple[Any, Any]:
        return None, Decoder(10_000).feed(self._said)


@pytest.mark.parametrize(
    "said",
    [
        b"* 1 FETCH (UID 9 BODY[] {3}\r\none)\r\n* 2 FETCH (UID 2 BODY[] {3}\r\ntwo)\r\n",
        b"* 1 FETCH (UID 2 BODY[] {3}\r\none)\r\n* 2 FETCH (UID 2 BODY[] {3}\r\ntwo)\r\n",
    ],
    ids=["not asked for", "twice"],
)
async def test_an_answer_for_another_mail_makes_all_of_them_doubtful(said: bytes) -> None:
    """One server was seen to send one mail's bytes under another's number."""
    box = Mailbox(cast("Any", Telling(said)), 1, 10)
    with pytest.raises(Refusal, match="answers with mail"):
        await box.bodies([1, 2])


async def test_flags_told_of_other_mails_meanwhile_are_no_matter() -> None:
    said = b"* 2 FETCH (FLAGS (\\Seen) UID 7)\r\n* 1 FETCH (UID 1 BODY[] {3}\r\none)\r\n"
    box = Mailbox(cast("Any", Telling(said)), 1, 10)
    assert await box.bodies([1]) == {1: b"one"}


class Broken(Played):
    """A line that breaks after so many parts."""

    def __init__(self, lives: int) -> None:
        super().__init__()
        self.steps, self.lives = 10_000, lives
        self.asked: list[tuple[int, int | None]] = []

    async def bodies(
        self, uids: list[int], first: int | None = None, start: int = 0
    ) -> dict[int, bytes]:
        self.asked.append((start, first))
        if len(self.asked) % self.lives == 0:
            raise Unreachable("the line broke")
        return await super().bodies(uids, first, start)


async def test_a_large_mail_comes_in_parts_and_goes_on_where_the_line_broke(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetch, "PART_BYTES", 1_000)
    box = Broken(lives=3)
    large = mail("large", size=9_500)
    box.deliver(large)
    fetcher, breaks, loaded = Fetcher(100_000), 0, Loaded()
    info = [Info(1, len(large), None, seen=False)]
    while not loaded.bodies:
        try:
            loaded = await fetcher.load(cast("Mailbox", box), info)
        except Unreachable:
            breaks += 1
            assert fetcher.came
            fetcher.came = False
    assert breaks > 3, "more often than a mail may break the line without getting on"
    assert loaded.bodies == {1: large}
    assert {first for _, first in box.asked} == {1_000}
    came = [start for start, _ in box.asked]
    assert sorted(set(came)) == list(range(0, len(large), 1_000))
    assert len(came) == len(set(came)) + breaks


async def test_a_large_mail_whose_size_is_that_of_whole_parts_is_complete(
    monkeypatch: pytest.MonkeyPatch, box: Moody
) -> None:
    monkeypatch.setattr(fetch, "PART_BYTES", 10)
    raw = mail("even") + b"x" * (-len(mail("even")) % 10)
    box.deliver(raw)
    loaded = await Fetcher(100_000).load(
        cast("Mailbox", box), [Info(5, len(raw), None, seen=False)]
    )
    assert loaded.bodies == {5: raw}
