"""A supervised set of short tasks inside one component: the sanctioned place to spawn."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

import structlog

from gateway.core.errors import Refused

_log = structlog.get_logger("tasks")


class Tasks:
    """Tasks that end with their owner's scope and whose failures are logged, never lost.

    What is refused because the node ends is no failure: one line says so, however many there are.

    Use as ``async with Tasks("intake") as tasks: … tasks.spawn(coro, name)``.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._group: asyncio.TaskGroup | None = None
        self._refusals: set[str] = set()

    async def __aenter__(self) -> Self:
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        group, self._group = self._group, None
        if group is not None:
            await group.__aexit__(kind, error, trace)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run ``work`` in the set. Its failure is logged and harms nobody else."""
        if self._group is None:
            work.close()
            return
        task = self._group.create_task(self._guard(work, name), name=f"{self._owner}:{name}")
        # Cancelled before its first turn, it has never begun with ``work``.
        task.add_done_callback(lambda _task: work.close())

    async def _guard(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await work
        except Refused as refused:
            if refused.detail not in self._refusals:
                self._refusals.add(refused.detail)
                _log.warning("cut short", owner=self._owner, task=name, reason=refused.detail)
        except Exception:  # noqa: BLE001 - its own failure, nobody else's
            _log.exception("task failed", owner=self._owner, task=name)


class KeyedLocks:
    """One lock per key, alive only while somebody holds or awaits it: order per identity."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, list[int]]] = {}

    def hold(self, key: str) -> "_Hold":
        return _Hold(self._locks, key)


class _Hold:
    def __init__(self, locks: dict[str, tuple[asyncio.Lock, list[int]]], key: str) -> None:
        self._locks = locks
        self._key = key

    async def __aenter__(self) -> None:
        lock, users = self._locks.setdefault(self._key, (asyncio.Lock(), [0]))
        users[0] += 1
        try:
            await lock.acquire()
        except BaseException:
            self._leave(users)
            raise

    async def __aexit__(self, *error: object) -> None:
        lock, users = self._locks[self._key]
        lock.release()
        self._leave(users)

    def _leave(self, users: list[int]) -> None:
        users[0] -= 1
        if users[0] == 0:
            del self._locks[self._key]
