"""Runs channels. Errors carry policy; there is one retry ladder, and it is here.

A channel that fails is told to wait as its error says, or parked until a person acts. It is
logged once when it goes down and once when it is back. Anything that is not a ``ChannelError`` is a
bug: it is logged with its trace and tried again slowly, so that the others run on.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Literal

import structlog
from msgspec import Struct
from msgspec.structs import replace

from gateway.cluster.seats import Seat
from gateway.core.errors import BadSetup, ChannelError, StoodDown
from gateway.core.ids import ChannelName
from gateway.ports import Channel, Clock

State = Literal["starting", "up", "down", "parked", "paused", "standby"]
BUG_SECONDS = 30.0
MOST_SECONDS = 300.0
STEADY_SECONDS = 60.0
"""A channel that was up this long starts its ladder anew."""

BY_AN_OPERATOR = "paused by an operator"

_log = structlog.get_logger("channels")
Sleep = Callable[[float], Awaitable[None]]


class Health(Struct, frozen=True, kw_only=True):
    """How a channel is, since when, and why: a sentence, and the kind of fault as a code.

    ``next_try`` is when one that is down is tried again.
    """

    state: State
    since: datetime
    reason: str = ""
    code: str = ""
    next_try: datetime | None = None


class Supervisor:
    """Keeps every channel running, and knows how each one is."""

    def __init__(
        self,
        clock: Clock,
        changed: Callable[[ChannelName, Health], None],
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.health: dict[ChannelName, Health] = {}
        self._clock = clock
        self._changed = changed
        self._sleep = sleep
        self._wanted: dict[ChannelName, asyncio.Event] = {}
        self._running: dict[ChannelName, asyncio.Task[None]] = {}
        self._why: dict[ChannelName, str] = {}

    def pause(self, name: ChannelName, why: str = BY_AN_OPERATOR) -> None:
        """Stop the channel until ``resume``; what it had taken is safe."""
        self._why[name] = why
        self._wanted[name].clear()
        if name in self._running:
            self._running[name].cancel()

    def resume(self, name: ChannelName) -> None:
        """Start a paused or parked channel again, now."""
        self._wanted[name].clear()
        self._wanted[name].set()

    def forget(self, name: ChannelName) -> None:
        """The channel is no more."""
        self._wanted.pop(name, None)
        self.health.pop(name, None)

    def note_unusable(self, name: ChannelName, reason: str) -> None:
        """A channel could not even be opened; it is parked until somebody changes it."""
        self._note(name, "parked", reason, BadSetup.code)

    async def run(
        self, channel: Channel, *, paused: bool = False, seat: Seat | None = None
    ) -> None:
        """Look after one channel until cancelled; with a ``seat`` it runs while that has a turn."""
        wanted = self._wanted.setdefault(channel.name, asyncio.Event())
        if not paused:
            wanted.set()
        while True:
            if not wanted.is_set():
                why = self._why.get(channel.name, BY_AN_OPERATOR)
                self._note(channel.name, "paused", why)
                await wanted.wait()
            await self._while_wanted(channel, wanted, seat)

    async def _while_wanted(
        self, channel: Channel, wanted: asyncio.Event, seat: Seat | None
    ) -> None:
        async with asyncio.TaskGroup() as scope:
            task = scope.create_task(
                self._keep(channel, wanted, seat), name=f"channel:{channel.name}"
            )
            self._running[channel.name] = task
            try:
                await asyncio.wait([task])
            finally:
                self._running.pop(channel.name, None)
                task.cancel()

    async def _keep(self, channel: Channel, wanted: asyncio.Event, seat: Seat | None) -> None:
        failures = 0
        while True:
            if seat is not None:
                await seat.turn(lambda why: self._note(channel.name, "standby", why))
            self._note(channel.name, "starting")
            began = self._clock.monotonic()
            ended = await self._attempt(channel, seat)
            if ended is None:
                failures = 0
                continue
            wait, reason, code, anew = ended
            if wait is None:
                self._note(channel.name, "parked", reason, code)
                wanted.clear()
                await wanted.wait()
                continue
            self._note(channel.name, "down", reason, code)
            steady = self._clock.monotonic() - began > STEADY_SECONDS
            failures = 1 if steady or anew else failures + 1
            most = min(wait * 2.0 ** (failures - 1), MOST_SECONDS)
            wait = most * (0.5 + random.random() / 2)  # noqa: S311 - jitter
            next_try = self._clock.now() + timedelta(seconds=wait)
            self.health[channel.name] = replace(self.health[channel.name], next_try=next_try)
            await self._sleep(wait)

    async def _attempt(
        self, channel: Channel, seat: Seat | None
    ) -> tuple[float | None, str, str, bool] | None:
        """Seconds to wait, the reason and its code, and whether it had worked meanwhile.

        ``None``: another node has it now.
        """
        try:
            await self._work(channel, seat)
        except StoodDown:
            return None
        except ChannelError as error:
            return error.retry_after, str(error), error.code, error.anew
        except Exception as error:  # noqa: BLE001 - logged; the others run on
            _log.exception("a channel has a bug", channel=channel.name)
            return BUG_SECONDS, f"{type(error).__name__}: {error}", "bug", False
        return BUG_SECONDS, "it ended without a reason", "bug", False

    async def _work(self, channel: Channel, seat: Seat | None) -> None:
        def ready() -> None:
            self._note(channel.name, "up")

        if seat is None:
            await channel.run(ready)
        else:
            await seat.work(lambda _term: channel.run(ready))

    def _note(self, name: ChannelName, state: State, reason: str = "", code: str = "") -> None:
        before = self.health.get(name)
        if before is not None and before.state == state:
            if state == "standby":  # that another node has it now is not worth a record
                self.health[name] = replace(before, reason=reason)
            return
        health = Health(state=state, since=self._clock.now(), reason=reason, code=code)
        if state == "starting" and before is not None and before.state == "down":
            return
        self.health[name] = health
        if state in ("down", "parked"):
            _log.error("channel is " + state, channel=name, code=code, reason=reason)
        elif state == "up":
            _log.info("channel is up", channel=name)
        if state != "starting":
            self._changed(name, health)
