"""Mails that are understood in a process of their own, and those that take it down."""

import asyncio
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from channels.email.parse import Envelope, MailParser
from channels.email.understand import (
    LARGE_BYTES,
    MANY,
    Helper,
    Understanding,
    Work,
    understand,
)
from gateway.core.errors import Unreachable
from gateway.core.ids import ChannelName
from tests.support.mailworld import LANGUAGE, mail, vector

AT = datetime(2026, 11, 20, tzinfo=UTC)
PARSER = MailParser(LANGUAGE)
NASTY = """
import os, sys, time
from channels.language import LanguageGuess
from channels.email.parse import MailParser
from channels.email.worker import serve
read = MailParser(LanguageGuess())
def nasty(raw, envelope):
    if b"deadly" in raw:
        os._exit(9)
    if b"endless" in raw:
        time.sleep(600)
    return read(raw, envelope)
serve(nasty, sys.stdin.buffer, sys.stdout.buffer)
"""
"""A worker with a parser that some mails take down, as one might an extension module."""


def work(*raws: bytes) -> Work:
    return [
        (raw, Envelope(channel=ChannelName("support"), key=str(n), at=AT, size=len(raw)))
        for n, raw in enumerate(raws)
    ]


async def come_of(understanding: Understanding, mails: Work) -> list[str]:
    """What came of each, in words."""
    async with understanding.many(MANY):
        underway = await understanding.begin(mails)
        return [inbound.problem or inbound.subject for inbound, _ in await underway.done()]


@pytest.mark.parametrize("mails", [1, MANY], ids=["here", "in a process of its own"])
async def test_what_comes_of_a_mail_is_the_same_wherever_it_is_understood(mails: int) -> None:
    asked = work(mail("One"), vector("alternative"), b"", b"\x00\xff" * 4_000)
    understanding = Understanding(PARSER)
    async with understanding.many(mails):
        underway = await understanding.begin(asked)
        assert await underway.done() == understand(PARSER, asked)


async def test_a_mail_that_ends_the_process_is_quarantined_and_those_beside_it_are_read() -> None:
    start = partial(Helper.start, (sys.executable, "-c", NASTY))
    first, deadly, last = await come_of(
        Understanding(PARSER, start),
        work(mail("One"), mail("deadly"), mail("Three")),
    )
    assert (first, last) == ("One", "Three")
    assert deadly == "the mail could not be read: reading it ended the process that did"


async def test_a_mail_that_is_never_done_with_is_quarantined() -> None:
    start = partial(Helper.start, (sys.executable, "-c", NASTY), seconds=2.0)
    endless, last = await come_of(Understanding(PARSER, start), work(mail("endless"), mail("Two")))
    assert endless == "the mail could not be read: reading it took more than 2 s"
    assert last == "Two"


async def test_what_nobody_waits_for_any_more_never_answers_the_next() -> None:
    understanding = Understanding(PARSER)
    async with understanding.many(MANY):
        given_up = await understanding.begin(work(mail("Given up")))
        given_up.abandon()
        assert await come_of(understanding, work(mail("Next"))) == ["Next"]


async def test_while_the_process_reads_one_mailbox_another_is_read_beside_it() -> None:
    understanding = Understanding(PARSER)
    async with understanding.many(MANY):
        one = await understanding.begin(work(mail("One")))
        other = await understanding.begin(work(mail("Other")))
        found = [(await underway.done())[0][0].subject for underway in (other, one)]
        assert found == ["Other", "One"]


async def test_a_mailbox_that_is_done_does_not_end_the_process_under_another() -> None:
    started: list[Helper] = []

    async def start() -> Helper:
        started.append(await Helper.start())
        return started[-1]

    understanding = Understanding(PARSER, start)
    async with understanding.many(MANY):
        one = await understanding.begin(work(mail("One")))
        await one.done()
        other = await understanding.begin(work(mail("Other")))
        one.abandon()
        assert [helper.alive for helper in started] == [True]
        assert (await other.done())[0][0].subject == "Other"


async def test_the_process_has_the_next_batch_at_hand_and_a_third_goes_elsewhere() -> None:
    started: list[Helper] = []

    async def start() -> Helper:
        started.append(await Helper.start())
        return started[-1]

    understanding = Understanding(PARSER, start)
    async with understanding.many(MANY):
        first = await understanding.begin(work(mail("One")))
        assert started[0].free
        second = await understanding.begin(work(mail("Two")))
        assert not started[0].free
        third = await understanding.begin(work(mail("Three")))
        found = [(await underway.done())[0][0].subject for underway in (third, second, first)]
        assert found == ["Three", "Two", "One"]
        assert started[0].free


async def test_who_reads_on_finds_the_process_again_and_a_channel_that_stops_ends_it() -> None:
    started: list[Helper] = []

    async def start() -> Helper:
        started.append(await Helper.start())
        return started[-1]

    understanding = Understanding(PARSER, start)

    async def broken() -> None:
        async with understanding.many(MANY):
            (await understanding.begin(work(mail("Lost")))).abandon()
            raise Unreachable("the line broke")

    with pytest.raises(Unreachable):
        await broken()
    assert await come_of(understanding, work(mail("Next"))) == ["Next"]
    assert len(started) == 1
    await understanding.leave()
    assert not started[0].alive


async def test_a_large_mail_is_read_in_a_process_of_its_own_which_leaves_later() -> None:
    started: list[Helper] = []

    async def start() -> Helper:
        started.append(await Helper.start())
        return started[-1]

    understanding = Understanding(PARSER, start, linger=0.05)
    (large,) = work(mail("Large", size=LARGE_BYTES + 1_000))
    for _ in range(2):
        underway = await understanding.begin([large])
        assert await underway.done() == understand(PARSER, [large])
    async with asyncio.timeout(30):
        while any(helper.alive for helper in started):  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.01)
    await asyncio.gather(*(helper.stop() for helper in started))


ORPHAN = """
import asyncio, os, signal
from channels.email.understand import Helper
async def main():
    helper = await Helper.start()
    pid = helper._process.pid
    os.kill(pid, signal.SIGSTOP)  # stuck in a mail, for all that anybody can tell
    print(pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it looks itself, each second")
async def test_kill_9_of_the_node_ends_the_process_in_the_middle_of_a_mail() -> None:
    node = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ORPHAN, stdout=asyncio.subprocess.PIPE
    )
    assert node.stdout is not None
    helper = int(await node.stdout.readline())
    node.kill()
    await node.wait()
    async with asyncio.timeout(30):
        while _runs(helper):  # noqa: ASYNC110 - it is no child of ours
            await asyncio.sleep(0.01)


def _runs(pid: int) -> bool:
    """Whether it does anything yet; what nobody has buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_process_that_begins_when_the_full_mailbox_is_read_is_ended() -> None:
    begun, go = asyncio.Event(), asyncio.Event()
    started: list[Helper] = []

    async def start() -> Helper:
        begun.set()
        await go.wait()
        started.append(await Helper.start())
        return started[0]

    understanding = Understanding(PARSER, start)
    async with asyncio.TaskGroup() as group:
        async with understanding.many(MANY):
            small = group.create_task(understanding.begin(work(mail("Small"))))
            await begun.wait()
        go.set()
        underway = await small
    assert [inbound.subject for inbound, _ in await underway.done()] == ["Small"]
    assert not started[0].alive
