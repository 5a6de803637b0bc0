"""Asking another node, which alone may do or knows something (docs/decisions/0005).

A question is a row addressed to a node; the answer is written into the same row. Whoever is asked
does it at least once: after a crash between the effect and the answer it is asked again, so what
takes effect must be repeatable, or know the id of the command that it comes from. The first answer
stands. A question that nobody waits for any more is withdrawn, and not begun.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import structlog
from msgspec import Struct

from gateway.cluster.bell import Bell
from gateway.cluster.persistence import Persistence, Sleep
from gateway.core.edition import EDITION, refuse_unknown
from gateway.core.errors import Refused
from gateway.core.ids import NodeName
from gateway.flow.ledger import Ledger
from gateway.flow.naps import news_within
from gateway.flow.tasks import Tasks
from gateway.flow.writer import Writer
from gateway.store.contract import CommitUnknown, Fenced, Unavailable
from gateway.store.relay import Question, RelayRows

LOOK_SECONDS = 1.0
"""Between two looks when nothing is under way: the bell only makes it quicker."""
OPEN_SECONDS = 0.05
"""The same while an answer is awaited."""
WITHDRAW_SECONDS = 2.0

NOTHING = msgspec.Raw()

T = TypeVar("T")
Handler = Callable[[NodeName, bytes], Awaitable[bytes]]
_log = structlog.get_logger("asking")


class Why(Struct, frozen=True):
    """A ``Refused`` on its way."""

    code: str
    detail: str
    field: str | None = None


class Reply(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an answer stands in its row."""

    said: msgspec.Raw = NOTHING
    refused: Why | None = None
    withdrawn: bool = False


class Asking:
    """See the module's docstring."""

    def __init__(
        self,
        ledger: Ledger,
        writer: Writer,
        rows: RelayRows,
        *,
        bell: Bell | None = None,
        every: float = LOOK_SECONDS,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._every = every
        self.asked = self.answered = 0
        self._me = ledger.state.node
        self._ledger = ledger
        self._rows = rows
        self._bell = bell
        self._sleep = sleep
        self._persistence = Persistence(writer, "a question to another node", sleep=sleep)
        self._handlers: dict[str, Handler] = {}
        self._open: dict[str, asyncio.Future[bytes]] = {}
        self._busy: set[str] = set()
        self._foreign: set[str] = set()
        self._news = asyncio.Event()
        self._tasks = Tasks("asking")
        self._failures = 0

    def serve(self, kind: str, handler: Handler) -> None:
        """``handler(asker, said)`` answers questions of a kind; both are JSON.

        What it tells must be on disk when it returns. ``Refused`` is an answer; after
        ``Unavailable`` or ``CommitUnknown`` it is called again.
        """
        self._handlers[kind] = handler

    async def ask(
        self, node: NodeName, kind: str, doc: Struct, answer: type[T], *, seconds: float = 10.0
    ) -> T:
        """What ``node`` answers. Raises what it refused with.

        And ``Refused('unavailable')`` when there is no answer in time; it may be done all the same.
        ``Refused('wrong_state')`` for what a node of the version before, that is still there, would
        misunderstand.
        """
        said = msgspec.json.encode(doc)
        if node == self._me:
            return msgspec.json.decode(await self._handlers[kind](node, said), type=answer)
        if self._ledger.written < EDITION:
            refuse_unknown(doc, self._ledger.written)
        self.asked += 1
        new_id = self._ledger.new_id()
        question = Question(id=new_id, asker=self._me, kind=kind, said=said, seconds=seconds)
        raw = await self._asked(node, question, seconds)
        reply = msgspec.json.decode(raw, type=Reply)
        if reply.refused is not None:
            raise Refused(reply.refused.code, reply.refused.detail, reply.refused.field)
        if reply.withdrawn:
            raise _silent(node)
        try:
            return msgspec.json.decode(reply.said, type=answer)
        except msgspec.ValidationError as error:
            detail = f"{node} runs a version that answers otherwise: {error}"
            raise Refused("unavailable", detail) from error

    def look(self) -> None:
        """Look now: somebody is known to have asked."""
        self._news.set()

    async def _asked(self, node: NodeName, question: Question, seconds: float) -> bytes:
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._open[question.id] = future
        try:
            async with asyncio.timeout(seconds):
                await self._persistence.surely(lambda term: self._rows.ask(term, node, question))
                self._ring(node)
                self.look()
                return await future
        except TimeoutError:
            late = await self._withdraw(question.id)
            if late is None:
                raise _silent(node) from None
            return late
        except Fenced as error:
            raise Refused("unavailable", "this node begins anew; try again") from error
        finally:
            del self._open[question.id]

    async def _withdraw(self, question: str) -> bytes | None:
        """Nobody waits for it any more; the answer, if it came in the last moment."""
        gone = msgspec.json.encode(Reply(withdrawn=True))
        try:
            async with asyncio.timeout(WITHDRAW_SECONDS):
                await self._persistence.as_ourselves(
                    lambda term: self._rows.answer(term, question, gone)
                )
                return (await self._rows.answers([question])).get(question)
        except (TimeoutError, Unavailable, CommitUnknown, Fenced):
            return None  # it ends by itself when its time is over

    def _ring(self, node: NodeName) -> None:
        if self._bell is not None:
            self._bell.ring("relay", node)

    # -- the loop ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Look for questions and answers until cancelled."""
        leave = self._bell.on("relay", self._rung) if self._bell is not None else lambda: None
        try:
            async with self._tasks:
                while True:
                    self._news.clear()
                    await self._look()
                    await news_within(self._news, OPEN_SECONDS if self._open else self._every)
        finally:
            leave()

    def _rung(self, _ringer: NodeName, asked: str) -> None:
        if asked == self._me:
            self.look()

    async def _look(self) -> None:
        try:
            if self._open:
                for question, raw in (await self._rows.answers(list(self._open))).items():
                    future = self._open.get(question)
                    if future is not None and not future.done():
                        future.set_result(raw)
            for asked in await self._rows.waiting(self._me):
                if asked.id not in self._busy:
                    self._busy.add(asked.id)
                    self._tasks.spawn(self._answer(asked), asked.kind)
            self._failures = 0
        except Unavailable as error:
            if self._failures == 0:
                _log.warning("questions cannot be read", reason=str(error))
            self._failures += 1

    async def _answer(self, asked: Question) -> None:
        """Once in this life, unless the database was away; the answer surely."""
        try:
            reply = await self._reply(asked)
            if reply is not None:
                await self._ledger.gate.passed()
                raw = msgspec.json.encode(reply)
                await self._persistence.surely(lambda term: self._rows.answer(term, asked.id, raw))
                self.answered += 1
                self._ring(asked.asker)
            else:
                await self._sleep(LOOK_SECONDS)
        except (Fenced, Refused):
            return  # the node begins anew, and its next life is asked again
        self._busy.discard(asked.id)

    async def _reply(self, asked: Question) -> Reply | None:
        """``None``: not now, ask again."""
        handler = self._handlers.get(asked.kind, _unknown)
        try:
            return Reply(said=msgspec.Raw(await handler(asked.asker, asked.said)))
        except msgspec.ValidationError as error:
            return self._not_known(asked, str(error))
        except Refused as refused:
            if asked.seconds is None:
                return None  # it is to be done, whenever
            return Reply(refused=Why(refused.code, refused.detail, refused.field))
        except (Unavailable, CommitUnknown) as error:
            _log.warning("not answered yet", kind=asked.kind, reason=str(error))
            return None
        except Fenced:
            raise
        except Exception:  # noqa: BLE001 - its own failure, nobody else's
            _log.exception("a question could not be answered", kind=asked.kind, asker=asked.asker)
            return Reply(refused=Why("internal", "a fault of ours; it is logged"))

    def _not_known(self, asked: Question, why: str) -> Reply | None:
        """A node of another version asks: what is to be done, whenever, waits for our upgrade."""
        if asked.seconds is not None:
            detail = f"{self._me} runs a version that does not know this: {why}"
            return Reply(refused=Why("unavailable", detail))
        if asked.id not in self._foreign:
            self._foreign.add(asked.id)
            _log.warning("cannot be done by this version", kind=asked.kind, why=why, by=asked.asker)
        return None


async def _unknown(asker: NodeName, _said: bytes) -> bytes:
    raise msgspec.ValidationError(f"no such question, and {asker} asks it")


def _silent(node: NodeName) -> Refused:
    return Refused("unavailable", f"{node}, which would have to do it, does not answer; try again")
