"""A node with a benchmark's resources beside its own: ``python -m bench.host run --config FILE``.

Composed by ``gateway.app.serving``, as the product is; nothing of this is in the product. Beside
the node's own resources there are

``POST /bench/hands``     every agent of the directory gets an item in hand
``POST /bench/messages``  messages of customers are recorded for those items, at a rate or as many
                          as become durable; answers when the last is on disk, with the times
``GET /bench/vitals``     commits, entries, the loop's longest lag since it was last asked

and the channel kind ``feed``: contacts handed to the intake through a local socket.
"""

import argparse
import asyncio
import gc
import itertools
import math
import os
import random
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import uvloop

import channels as kinds
from bench.feed import FEED, NAME
from bench.measure import LoopLag
from bench.work import body
from gateway import logs
from gateway.app import GC_THRESHOLDS, serving
from gateway.config import Settings, load
from gateway.core import events as e
from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    CustomerId,
    ItemId,
    MessageId,
    QueueName,
    TicketNumber,
)
from gateway.core.model import (
    Author,
    Case,
    ChannelKind,
    CustomerBrief,
    Item,
    ItemState,
    Message,
)
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute
from gateway.running import App

BACKLOG = 6_000
"""Uncommitted entries at which the source waits when it sends as fast as it can."""
SETTLING = 1.0
MOST_A_SECOND = 15_000
"""Messages made ahead for each second of sending as many as become durable: more than go out."""
ADA, CHAT, WEBCHAT = (
    Author(kind="customer", name="Ada"),
    ChannelName("chat"),
    ChannelKind.WEBCHAT,
)
_decode = msgspec.json.decode


class Source:
    """Messages for agents' items, recorded through the real ledger."""

    def __init__(self, app: App) -> None:
        self._ledger = app.node.ledger
        self._dice = random.Random(3)
        self._texts = [body(self._dice) for _ in range(200)]
        self._hands: list[tuple[ItemId, CaseId]] = []
        self.prepared: Callable[[], object] = lambda: None
        self._made: deque[list[e.Change]] = deque()
        self._numbers = itertools.count(1_000_000)
        self._waiting: dict[int, tuple[int, float, float]] = {}
        self._times: list[tuple[int, float, float, float]] = []
        # Before push subscribes, so that the time is taken when the commit has returned.
        self._ledger.subscribe(self._committed)

    def _committed(self, entries: Sequence[e.Entry]) -> None:
        if self._waiting:
            now = time.monotonic()
            for entry in entries:
                mark = self._waiting.pop(entry.position.offset, None)
                if mark is not None:
                    self._times.append((*mark, now))

    async def fill_hands(self) -> int:
        """Give every agent one item, as if it had been accepted."""
        ledger = self._ledger
        for name in list(ledger.state.profiles):
            item, case = ItemId(ledger.new_id()), CaseId(ledger.new_id())
            ledger.record(self._held_by(name, item, case))
            self._hands.append((item, case))
            if ledger.uncommitted > BACKLOG:
                await ledger.committed(ledger.position)
        await ledger.committed(ledger.position)
        return len(self._hands)

    def _held_by(self, agent: AgentName, item: ItemId, case: CaseId) -> list[e.Change]:
        now, number = self._ledger.clock.now(), TicketNumber(next(self._numbers))
        customer = CustomerBrief(id=CustomerId(self._ledger.new_id()), name="Ada", language="en")
        header = {
            "number": number,
            "version": 1,
            "channel": CHAT,
            "kind": WEBCHAT,
            "customer": customer,
            "subject": "A charge that I do not know",
        }
        opened = Case(id=case, opened_at=now, **header)  # type: ignore[arg-type]
        created = Item(
            id=item,
            case=case,
            queue=QueueName("general"),
            state=ItemState.NEW,
            owner=self._ledger.state.node,
            created_at=now,
            **header,  # type: ignore[arg-type]
        )
        return [
            e.Change(e.CaseOpened(case=opened)),
            e.Change(e.ItemCreated(item=created)),
            e.Change(e.ItemAssigned(item=item, agent=agent, by="bench", reason="to be written to")),
        ]

    async def send(self, rate: float, seconds: float) -> dict[str, Any]:
        """Record messages for ``seconds``; ``rate`` 0: as many as become durable."""
        self._times.clear()
        self._prepare(math.ceil((rate or MOST_A_SECOND) * seconds) + 1)
        await asyncio.sleep(SETTLING)  # making them has held the loop: what waited goes first
        self.prepared()
        began = time.monotonic()
        count = await (self._paced(rate, seconds) if rate else self._flat_out(seconds))
        await self._ledger.committed(self._ledger.position)
        ended = time.monotonic()
        times, self._times = self._times, []
        return {"messages": count, "began": began, "ended": ended, "times": times if rate else []}

    def _prepare(self, messages: int) -> None:
        """Make them now, as if customers sent them, and not whoever records them."""
        cases = self._ledger.state.cases
        seqs = {case: cases[case].last_seq for _, case in self._hands}
        made = self._made
        made.clear()
        for mark in range(messages):
            item, case = self._hands[int(self._dice.random() * len(self._hands))]
            seqs[case] += 1
            made.append(self._message(mark, item, case, seqs[case]))
        # What lives through the run is not looked at by the collector again and again.
        gc.collect()
        gc.freeze()

    async def _paced(self, rate: float, seconds: float) -> int:
        due, count = time.monotonic(), 0
        end = due + seconds
        while due < end:
            wait = due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            self._record(count, due)
            count += 1
            due += 1 / rate
        return count

    async def _flat_out(self, seconds: float) -> int:
        began, count = time.monotonic(), 0
        ledger = self._ledger
        while self._made and time.monotonic() - began < seconds:
            for _ in range(min(50, len(self._made))):
                self._record(count, 0.0)
                count += 1
            if ledger.uncommitted > BACKLOG:
                position = ledger.position
                await ledger.committed(
                    type(position)(position.epoch, position.offset - BACKLOG // 2)
                )
            else:
                await asyncio.sleep(0)
        return count

    def _record(self, mark: int, due: float) -> None:
        ledger = self._ledger
        if due:
            self._waiting[ledger.position.offset + 1] = (mark, due, time.monotonic())
        ledger.record(self._made.popleft())

    def _message(self, mark: int, item: ItemId, case: CaseId, seq: int) -> list[e.Change]:
        text = self._texts[mark % len(self._texts)]
        message = Message(
            id=MessageId(self._ledger.new_id()),
            case=case,
            seq=seq,
            direction="in",
            author=ADA,
            at=self._ledger.clock.now(),
            channel=CHAT,
            kind=WEBCHAT,
            item=item,
            body=f"@t={mark};{text}",
        )
        added = e.MessageAdded(
            message=message.id,
            case=case,
            seq=seq,
            direction="in",
            item=item,
            preview=text[:120],
        )
        return [e.Change(added, (message,))]


class Beside:
    """The benchmark's resources."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._source = Source(app)
        self.lag = LoopLag()
        self._source.prepared = self.lag.take

    def routes(self) -> list[HttpRoute]:
        return [
            self._route("POST", "/bench/hands", self._fill_hands),
            self._route("POST", "/bench/messages", self._messages),
            self._route("GET", "/bench/vitals", self._vitals),
        ]

    @staticmethod
    def _route(method: str, path: str, handle: Any) -> HttpRoute:
        return HttpRoute(
            method=method,
            path=path,
            handle=handle,
            summary="for a benchmark",
            access="admin",
            tag="bench",
        )

    async def _fill_hands(self, _: HttpRequest) -> HttpAnswer:
        return HttpAnswer(body={"hands": await self._source.fill_hands()})

    async def _messages(self, request: HttpRequest) -> HttpAnswer:
        said = _decode(request.body)
        return HttpAnswer(body=await self._source.send(said["rate"], said["seconds"]))

    async def _vitals(self, _: HttpRequest) -> HttpAnswer:
        writer = self._app.node.writer
        return HttpAnswer(
            body={
                "commits": writer.commits,
                "entries": writer.entries,
                "lag_ms": self.lag.take() * 1e3,
                "frames": self._app.push.hub.frames,
                "connected": self._app.push.connected,
            }
        )


async def run(settings: Settings) -> None:
    """As ``gateway.app.run``, with the table of kinds and the resources of a benchmark."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop.set)
    made: list[Beside] = []

    def beside(app: App) -> list[HttpRoute]:
        made.append(Beside(app))
        return made[0].routes()

    table = {**kinds.table(), NAME: FEED}
    async with (
        serving(settings, extra=beside, channel_types=table) as app,
        asyncio.TaskGroup() as g,
    ):
        lag = g.create_task(made[0].lag.run())
        print(app.ready_line(), flush=True)
        await stop.wait()
        lag.cancel()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.host", description=__doc__)
    parser.add_argument("verb", choices=["run"])
    parser.add_argument("--config", type=Path, required=True)
    options = parser.parse_args()
    types = {name: kind.settings for name, kind in {**kinds.table(), NAME: FEED}.items()}
    settings = load(options.config, os.environ, types)
    logs.configure(settings.log)
    gc.set_threshold(*GC_THRESHOLDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
