"""Questions that come while one is under way travel together in the next statement.

When everybody signs in at once, a statement for each would keep the database busy for longer than
the people's patience lasts. Nobody waits for company: the first question goes at once, alone.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

Q = TypeVar("Q")
A = TypeVar("A")


class _Lead(Struct, frozen=True):
    """In place of an answer: it is your turn to ask for everybody who waits."""


class _Asked(Struct, Generic[Q, A], eq=False):
    question: Q
    future: "asyncio.Future[A | _Lead]"


class Together(Generic[Q, A]):
    """``answer`` gives the answers to several questions, in their order.

    It is awaited by one of those who ask, and no task runs beside them. When that one is cancelled
    the others' questions are put again, so repeating a question must be harmless.
    """

    def __init__(
        self, answer: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], *, most: int = 500
    ) -> None:
        self._answer = answer
        self._most = most
        self._waiting: deque[_Asked[Q, A]] = deque()
        self._led = False

    async def ask(self, question: Q) -> A:
        """The answer; raises what ``answer`` raises for the questions that it travelled with."""
        mine: _Asked[Q, A] = _Asked(question, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        if self._led:
            try:
                found = await mine.future
            except asyncio.CancelledError:
                self._leave(mine)
                raise
            if not isinstance(found, _Lead):
                return found
        return await self._lead(mine)

    async def _lead(self, mine: _Asked[Q, A]) -> A:
        """Ask for the longest waiting, of whom ``mine`` is one; nobody else leads meanwhile."""
        self._led = True
        part = self._part(mine)
        others = [asked for asked in part if asked is not mine]
        try:
            answers = await self._answer([asked.question for asked in part])
        except asyncio.CancelledError:
            self._waiting.extendleft(reversed(others))
            raise
        except BaseException as problem:
            for asked in others:
                if not asked.future.done():
                    asked.future.set_exception(problem)
            raise
        else:
            found = dict(zip(map(id, part), answers, strict=True))
            for asked in others:
                if not asked.future.done():
                    asked.future.set_result(found[id(asked)])
            return found[id(mine)]
        finally:
            self._pass_on()

    def _part(self, mine: _Asked[Q, A]) -> list[_Asked[Q, A]]:
        """Without those whose askers have gone."""
        part: list[_Asked[Q, A]] = []
        while self._waiting and len(part) < self._most:
            asked = self._waiting.popleft()
            if asked is mine or not asked.future.done():
                part.append(asked)
        return part

    def _pass_on(self) -> None:
        """Whoever waits longest asks next."""
        self._led = False
        for asked in self._waiting:
            if not asked.future.done():
                self._led = True
                asked.future.set_result(_Lead())
                return

    def _leave(self, mine: _Asked[Q, A]) -> None:
        """``mine`` was cancelled while it waited; perhaps it had just been told to lead."""
        future = mine.future
        told = future.done() and not future.cancelled() and future.exception() is None
        if told and isinstance(future.result(), _Lead):
            self._waiting.remove(mine)
            self._pass_on()
