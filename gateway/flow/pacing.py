"""Counts who writes how often, tells the other nodes, and outlives a restart.

Counting costs no question to the database: what was counted is stored every other second, in one
statement, and what others have counted is read then. A node that is killed has forgotten at most
what it counted since.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from gateway.core import events as e
from gateway.core.inbound import Inbound
from gateway.core.model import ADDRESSED, Message
from gateway.core.pretence import keys_of_inbound, keys_of_reply
from gateway.core.scrutiny import IN
from gateway.core.silence import REACH, note_withheld, note_words, spend, written
from gateway.core.state import NodeState
from gateway.flow.ledger import Ledger
from gateway.store.contract import Unavailable
from gateway.store.paces import PaceRows

EVERY_SECONDS = 2.0
FORGET_SECONDS = 600.0

_log = structlog.get_logger("paces")


def count_inbound(
    state: NodeState, inbound: Inbound, changes: Sequence[e.Change], now: datetime
) -> None:
    """Something was said to us, and has been recorded."""
    said = [one.event for one in changes if type(one.event) is e.MessageAdded]
    if not said:
        return
    note_words(state, inbound, next((one.hush for one in said if one.hush), ""))
    if not (asked := state.rules.paced(*IN)):
        return
    keys = keys_of_inbound(inbound)
    state.paces.count(asked, "in", "messages", keys, now)
    if any(type(change.event) is e.CaseOpened for change in changes):
        state.paces.count(asked, "in", "matters", keys, now)


def count_reply(state: NodeState, entry: e.Entry) -> None:
    """One of us has written to a customer."""
    event = entry.event
    if type(event) is not e.MessageAdded or event.direction != "out" or event.automatic:
        return
    if not (asked := state.rules.paced("reply")):
        return
    for row in entry.rows:
        if isinstance(row, Message) and row.author.kind == "agent":
            state.paces.count(asked, "out", "messages", keys_of_reply(row), entry.at)


def count_mails(state: NodeState, entry: e.Entry) -> None:
    """One of us has written a mail or a text, and mostly it is counted that a machine did."""
    event = entry.event
    if type(event) is not e.MessageAdded or event.direction != "out":
        return
    for row in entry.rows:
        if type(row) is Message and row.kind in ADDRESSED:
            for address in row.to:
                if event.automatic:
                    spend(state, row.channel, address, entry.at)
                else:
                    written(state, address, entry.at)


class Pacing:
    """``run`` works until cancelled. Without ``rows`` nothing is stored, and nobody told."""

    def __init__(
        self,
        ledger: Ledger,
        rows: PaceRows | None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ledger = ledger
        self._rows = rows
        self._sleep = sleep
        self._position = 0
        self._reach = 0.0
        self._forgot: datetime | None = None
        ledger.observe(self._count)

    def _count(self, entry: e.Entry) -> None:
        state = self._ledger.state
        count_reply(state, entry)
        count_mails(state, entry)
        if type(entry.event) is e.AutomaticWithheld:
            told = entry.event
            note_withheld(state, entry.at)
            _log.warning("a budget of automatic mails is used up", of=told.of, channel=told.channel)

    async def run(self) -> None:
        while self._rows is not None:
            try:
                await self.exchange(self._rows)
            except Unavailable as problem:
                _log.info("counts wait to be stored", reason=str(problem))
            await self._sleep(EVERY_SECONDS)

    async def exchange(self, rows: PaceRows) -> None:
        """Store what was counted here, take in what others have. Raises ``Unavailable``."""
        state, now = self._ledger.state, self._ledger.clock.now()
        asked = [*state.rules.paced(*IN), *state.rules.paced("reply")]
        reach = max((one.seconds for one in asked), default=0.0)
        if not ADDRESSED.isdisjoint(state.channels.values()):
            reach = max(reach, REACH)
        if not reach:
            return
        if reach > self._reach:
            self._position = 0  # a rule looks further back than any before
        self._reach = reach
        since = now - timedelta(seconds=2 * reach)
        if news := state.paces.news():
            try:
                await rows.store(news)
            except Unavailable:
                state.paces.again(news)
                raise
        position, steps = await rows.read(self._position, since)
        self._position = position
        for step in steps:
            state.paces.put(step)
        if self._forgot is None or (now - self._forgot).total_seconds() >= FORGET_SECONDS:
            self._forgot = now
            state.paces.forget(since)
            await rows.forget(since)
