"""Mails' bytes into ``Inbound``s without holding up the loop.

A small mail is parsed on the spot, a batch in a thread. When a mailbox is full, after an outage
say, a process of its own does it: parsing is most of what reading costs, and a thread shares the
interpreter with all else that the node does. A mail that takes that process down, or keeps it too
long, is quarantined; the node and the mails beside it live.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import msgspec
import structlog
from msgspec.structs import replace

from channels.email.budget import BROUGHT_BYTES, FETCHED_BYTES, Budget
from channels.email.cursor import fingerprint
from channels.email.imap import Refusal
from channels.email.parse import Envelope, MailParser, unreadable
from gateway.core.errors import ChannelError, Unreachable
from gateway.ports import Inbound

Work = list[tuple[bytes, Envelope]]
Understood = list[tuple[Inbound, bytes]]
"""Each mail with its fingerprint, in the order of the work."""

ON_LOOP_BYTES = 4_096
"""Up to so much is parsed on the event loop."""
MANY = 200
"""From so many unread mails on a process pays, which takes a second to begin."""
SECONDS = 60.0
"""A batch that takes longer holds something poisonous; a mail takes some milliseconds."""
START_SECONDS = 60.0
LINGER_SECONDS = 30.0
"""How long the process stays when a line broke, and after a large mail."""
LARGE_BYTES = 1_000_000
"""A mail above it is read by the process too: a thread's long steps hold the loop up."""
HELD = 2
"""Batches that the process has: the next one lies ready when it is done with one."""
COMMAND = (sys.executable, "-m", "channels.email.worker")
HEAD_BYTES = 4
_STREAM_BYTES = 1 << 26
_DECODER = msgspec.msgpack.Decoder(list[tuple[Inbound, bytes]])

_log = structlog.get_logger("email")


def understand(parser: MailParser, work: Work) -> Understood:
    """Pure, and never raises: what cannot be understood has a ``problem``."""
    return [understood(parser, raw, envelope) for raw, envelope in work]


def understood(parser: MailParser, raw: bytes, envelope: Envelope) -> tuple[Inbound, bytes]:
    """One mail with its fingerprint, by which copies in other mailboxes are known as well."""
    mark = fingerprint(raw)
    return msgspec.structs.replace(parser(raw, envelope), mark=mark.hex()), mark


def without_bytes(found: Understood) -> Understood:
    """For the way back: whoever asked has each mail's bytes."""
    return [(replace(inbound, raw=None), mark) for inbound, mark in found]


def with_bytes(found: Understood, work: Work) -> Understood:
    return [
        (replace(inbound, raw=raw), mark)
        for (inbound, mark), (raw, _) in zip(found, work, strict=True)
    ]


def framed(value: Any) -> tuple[bytes, bytes]:
    """As it travels between the node and its helper."""
    data = msgspec.msgpack.encode(value)
    return len(data).to_bytes(HEAD_BYTES), data


class HelperGone(Exception):
    """The process ended, or was ended because it took too long."""


class Helper:
    """A process that understands batches in the order asked (``channels.email.worker``)."""

    def __init__(self, process: asyncio.subprocess.Process, seconds: float) -> None:
        self._process = process
        self._seconds = seconds
        self._gone = ""
        self._asked = self._heard = 0
        self._size: int | None = None
        self._unwanted: set[int] = set()
        self._answers: dict[int, Understood] = {}
        self._reading = asyncio.Lock()

    @classmethod
    async def start(cls, command: Sequence[str] = COMMAND, *, seconds: float = SECONDS) -> "Helper":
        """Returns once it is ready; ``seconds`` is what a batch may take. Raises ``HelperGone``."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_STREAM_BYTES,
        )
        helper = cls(process, START_SECONDS)
        try:
            await helper.answer(helper.ask([]))
        except BaseException:
            await helper.stop()
            raise
        helper._seconds = seconds
        return helper

    @property
    def alive(self) -> bool:
        return not self._gone and self._process.returncode is None

    @property
    def free(self) -> bool:
        """Whether it may be given one more: it has that at hand when it is done with this one."""
        return self._asked - self._heard < HELD

    def ask(self, work: Work) -> int:
        """Hand it over; ``answer`` has what came of it under the number returned."""
        if self._process.stdin is not None:
            self._process.stdin.writelines(framed(work))
        self._asked += 1
        return self._asked

    def forget(self, number: int) -> None:
        """Nobody waits for this one any more."""
        if self._answers.pop(number, None) is None:
            self._unwanted.add(number)

    async def answer(self, number: int) -> Understood:
        """Raises ``HelperGone``: then all that it was asked and has not answered is still open."""
        async with self._reading:
            while number not in self._answers:
                found = await self._next()
                self._heard += 1
                if self._heard in self._unwanted:
                    self._unwanted.discard(self._heard)
                else:
                    self._answers[self._heard] = found
        return self._answers.pop(number)

    async def _next(self) -> Understood:
        if self._gone:
            raise HelperGone(self._gone)
        try:
            async with asyncio.timeout(self._seconds):
                return await self._read()
        except asyncio.IncompleteReadError as end:
            self._kill("reading it ended the process that did")
            raise HelperGone(self._gone) from end
        except TimeoutError as late:
            self._kill(f"reading it took more than {self._seconds:.0f} s")
            raise HelperGone(self._gone) from late

    async def _read(self) -> Understood:
        """The next answer; whoever is cancelled in between leaves the rest to the next."""
        stdout = self._process.stdout
        if stdout is None:
            raise HelperGone("it says nothing")
        if self._size is None:
            self._size = int.from_bytes(await stdout.readexactly(HEAD_BYTES))
        data = await stdout.readexactly(self._size)
        self._size = None
        return _DECODER.decode(data)

    def _kill(self, why: str) -> None:
        self._gone = self._gone or why
        with suppress(ProcessLookupError):
            self._process.kill()

    def dismiss(self) -> None:
        """End it without waiting for that; what it was about is done again or not at all."""
        self._kill("it was ended")

    async def stop(self) -> None:
        self.dismiss()
        await self._process.wait()


class StartsHelper(Protocol):
    """What starts one; a test passes its own."""

    async def __call__(self) -> Helper: ...


class Underway:
    """A batch that is being understood."""

    def __init__(self, understanding: "Understanding", work: Work, helper: Helper | None) -> None:
        self._understanding = understanding
        self._work = work
        self._helper = helper
        self._number = 0
        self._future: asyncio.Future[Understood] | None = None
        if helper is not None:
            self._number = helper.ask(work)
        elif sum(len(raw) for raw, _ in work) > ON_LOOP_BYTES:
            loop = asyncio.get_running_loop()
            self._future = loop.run_in_executor(None, understand, understanding.parser, work)

    async def done(self) -> Understood:
        """What came of each. Raises ``Unreachable`` as ``Understanding.one_by_one`` does."""
        if self._future is not None:
            return await self._future
        helper, self._helper = self._helper, None
        if helper is None:
            return understand(self._understanding.parser, self._work)
        try:
            return with_bytes(await helper.answer(self._number), self._work)
        except HelperGone as gone:
            return await self._understanding.one_by_one(self._work, str(gone))
        except asyncio.CancelledError:
            helper.forget(self._number)
            raise

    def abandon(self) -> None:
        """Nobody wants to know any more."""
        if self._helper is not None:
            self._helper.forget(self._number)


class Understanding:
    """One for all mailboxes of a node: they share the helper, and the language model."""

    def __init__(
        self,
        parser: MailParser,
        start: StartsHelper = Helper.start,
        *,
        linger: float = LINGER_SECONDS,
    ) -> None:
        self.parser = parser
        self.budget = Budget(FETCHED_BYTES)
        self.brought = Budget(BROUGHT_BYTES)
        self._start = start
        self._linger = linger
        self._helper: Helper | None = None
        self._starting = asyncio.Lock()
        self._users = 0
        self._leaving: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def many(self, mails: int) -> AsyncIterator[None]:
        """While so many are being read: with a process of its own if that pays.

        If the line breaks, the process stays for a while: they will be read on soon.
        """
        if mails < MANY:
            yield
            return
        self._users += 1
        try:
            yield
        except (ChannelError, Refusal):
            self._leave_later()
            raise
        finally:
            self._users -= 1
            if not self._users and self._leaving is None:
                await self.rest()

    async def begin(self, work: Work) -> Underway:
        """Understand these; the caller goes on meanwhile and asks for what came of it later."""
        large = any(len(raw) > LARGE_BYTES for raw, _ in work)
        if large and not self._users:
            self._leave_later()
        helper = await self._free_helper() if work and self._wanted else None
        return Underway(self, work, helper)

    @property
    def _wanted(self) -> bool:
        return self._users > 0 or self._leaving is not None

    def _leave_later(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        self._leaving = asyncio.get_running_loop().call_later(self._linger, self._left_alone)

    def _left_alone(self) -> None:
        self._leaving = None
        if not self._users and self._helper is not None:
            self._helper.dismiss()
            self._helper = None

    async def _free_helper(self) -> Helper | None:
        """The process, if it has not enough to do already."""
        async with self._starting:
            if self._wanted and (self._helper is None or not self._helper.alive):
                try:
                    self._helper = await self._start()
                except (HelperGone, OSError) as problem:
                    _log.warning("mails are read without a process of its own", reason=str(problem))
                    return None
            if not self._wanted:
                await self.rest()  # the full mailbox is read; nobody else would end it
            return self._helper if self._helper is not None and self._helper.free else None

    async def leave(self) -> None:
        """A channel stops: nothing is waited for any more, unless another one is reading."""
        if not self._users:
            await self.rest()

    async def rest(self) -> None:
        """End the process, if there is one; the next who needs one begins another."""
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        helper, self._helper = self._helper, None
        if helper is not None:
            await helper.stop()

    async def one_by_one(self, work: Work, why: str) -> Understood:
        """The same again, each mail alone: the one that does it again is quarantined.

        Raises ``Unreachable``: the mailbox is read later.
        """
        _log.warning("the process that reads mails is gone", reason=why, mails=len(work))
        found: Understood = []
        helper = await self._alone()
        try:
            for raw, envelope in work:
                if not helper.alive:
                    await helper.stop()
                    helper = await self._alone()
                alone = [(raw, envelope)]
                try:
                    found += with_bytes(await helper.answer(helper.ask(alone)), alone)
                except HelperGone as gone:
                    found.append((unreadable(raw, envelope, str(gone)), fingerprint(raw)))
        finally:
            await helper.stop()
        return found

    async def _alone(self) -> Helper:
        """A process to find out which mail it was: not here, where it would take the node down."""
        try:
            return await self._start()
        except (HelperGone, OSError) as problem:
            raise Unreachable(f"no process can be started to read mails: {problem}") from problem
