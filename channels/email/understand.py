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

from channels.email.cursor import fingerprint
from channels.email.parse import Envelope, MailParser, unreadable
from gateway.core.errors import Unreachable
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
COMMAND = (sys.executable, "-m", "channels.email.worker")
HEAD_BYTES = 4
_STREAM_BYTES = 1 << 26
_DECODER = msgspec.msgpack.Decoder(list[tuple[Inbound, bytes]])

_log = structlog.get_logger("email")


def understand(parser: MailParser, work: Work) -> Understood:
    """Pure, and never raises: what cannot be understood has a ``problem``."""
    return [(parser(raw, envelope), fingerprint(raw)) for raw, envelope in work]


def framed(value: Any) -> bytes:
    """As it travels between the node and its helper."""
    data = msgspec.msgpack.encode(value)
    return len(data).to_bytes(HEAD_BYTES) + data


class HelperGone(Exception):
    """The process ended, or was ended because it took too long."""


class Helper:
    """A process that understands one batch at a time (``channels.email.worker``)."""

    def __init__(self, process: asyncio.subprocess.Process, seconds: float) -> None:
        self._process = process
        self._seconds = seconds
        self._gone = False
        self.busy = False

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
        helper.ask([])
        try:
            await helper.answer()
        except BaseException:
            await helper.stop()
            raise
        helper._seconds = seconds
        return helper

    @property
    def alive(self) -> bool:
        return not self._gone and self._process.returncode is None

    def ask(self, work: Work) -> None:
        """Hand it over; ``answer`` has what came of it."""
        self.busy = True
        if self._process.stdin is not None:
            self._process.stdin.write(framed(work))

    async def answer(self) -> Understood:
        """Raises ``HelperGone``. Whoever does not hear it out ends it: half an answer is none."""
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._read()
        except asyncio.IncompleteReadError as end:
            raise HelperGone("reading it ended the process that did") from end
        except TimeoutError as late:
            raise HelperGone(f"reading it took more than {self._seconds:.0f} s") from late
        else:
            self.busy = False
            return found
        finally:
            if self.busy:
                self._kill()

    async def _read(self) -> Understood:
        stdout = self._process.stdout
        if stdout is None:
            raise HelperGone("it says nothing")
        size = int.from_bytes(await stdout.readexactly(HEAD_BYTES))
        return _DECODER.decode(await stdout.readexactly(size))

    def _kill(self) -> None:
        self._gone = True
        with suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> None:
        """End it at once; what it was about is done again or not at all."""
        self._kill()
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
        self._future: asyncio.Future[Understood] | None = None
        if helper is not None:
            helper.ask(work)
        elif sum(len(raw) for raw, _ in work) > ON_LOOP_BYTES:
            loop = asyncio.get_running_loop()
            self._future = loop.run_in_executor(None, understand, understanding.parser, work)

    async def done(self) -> Understood:
        if self._future is not None:
            return await self._future
        # From here on the helper is none of ours: it may be asked by another mailbox next.
        helper, self._helper = self._helper, None
        if helper is None:
            return understand(self._understanding.parser, self._work)
        try:
            return await helper.answer()
        except HelperGone as gone:
            return await self._understanding.one_by_one(self._work, str(gone))

    async def abandon(self) -> None:
        """Nobody wants to know any more: what the helper would answer must not meet the next."""
        if self._helper is not None and self._helper.busy:
            await self._helper.stop()


class Understanding:
    """One for all mailboxes of a node: they share the helper, and the language model."""

    def __init__(self, parser: MailParser, start: StartsHelper = Helper.start) -> None:
        self.parser = parser
        self._start = start
        self._helper: Helper | None = None
        self._starting = asyncio.Lock()
        self._users = 0

    @asynccontextmanager
    async def many(self, mails: int) -> AsyncIterator[None]:
        """While so many are being read: with a process of its own if that pays."""
        if mails < MANY:
            yield
            return
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                await self._dismiss()

    async def begin(self, work: Work) -> Underway:
        """Understand these; the caller goes on meanwhile and asks for what came of it later."""
        helper = await self._idle_helper() if self._users and work else None
        return Underway(self, work, helper)

    async def _idle_helper(self) -> Helper | None:
        """The process, if it is not busy with another mailbox's mails."""
        async with self._starting:
            if self._users and (self._helper is None or not self._helper.alive):
                try:
                    self._helper = await self._start()
                except (HelperGone, OSError) as problem:
                    _log.warning("mails are read without a process of its own", reason=str(problem))
                    return None
            if not self._users:
                await self._dismiss()  # the full mailbox is read; nobody else would end it
            return self._helper if self._helper is not None and not self._helper.busy else None

    async def _dismiss(self) -> None:
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
                helper.ask([(raw, envelope)])
                try:
                    found += await helper.answer()
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
