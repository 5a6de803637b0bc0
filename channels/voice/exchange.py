"""Calls on real sockets and a real clock: what is said is sent, what is due is done."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from channels.voice.sip.flow import Flow
from channels.voice.sip.message import Message
from channels.voice.sip.reading import Malformed, read
from channels.voice.sip.transactions import Send
from channels.voice.transports.edges import Edges, Limits
from channels.voice.transports.streams import Patience


class Agent(Protocol):
    """``UserAgent``, or ``Calls`` around one. What is no ``Send`` among results is an event."""

    def receive(self, message: Message, flow: Flow, now: float) -> Sequence[object]: ...

    def broken(self, flow: Flow, now: float) -> Sequence[object]: ...

    def on_time(self, now: float) -> Sequence[object]: ...

    def deadline(self) -> float | None: ...


class Exchange:
    """``heard`` is told of calls, in the loop's turn in which it happened; it must not block.

    ``do`` performs what a command to ``agent`` returned.
    """

    def __init__(
        self,
        agent: Agent,
        heard: Callable[[Any], None],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        *,
        limits: Limits | None = None,
        patience: Patience | None = None,
        server_tls: ssl.SSLContext | None = None,
        client_tls: ssl.SSLContext | None = None,
    ) -> None:
        self._agent = agent
        self.malformed: Counter[str] = Counter()
        self._heard = heard
        self._alarm: asyncio.TimerHandle | None = None
        self._armed = 0.0
        self.edges = Edges(
            received=self._received,
            lost=self._lost,
            spawn=spawn,
            limits=limits,
            patience=patience,
            server_tls=server_tls,
            client_tls=client_tls,
        )

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def do(self, outcome: Sequence[object]) -> None:
        for out in outcome:
            if isinstance(out, Send):
                self.edges.send(bytes(out.message), out.flow)
            else:
                self._heard(out)
        self._arm()

    async def close(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        await self.edges.close()

    def _received(self, data: bytes, flow: Flow) -> None:
        if flow.transport == "UDP" and not data.strip(b"\r\n\0"):
            return  # a keep-alive for a NAT between us
        try:
            message = read(data, exact=flow.reliable)
        except Malformed as wrong:
            self.malformed["answered" if wrong.answer else "dropped"] += 1
            if wrong.answer is not None:
                self.edges.send(bytes(wrong.answer), flow)
            return
        self.do(self._agent.receive(message, flow, self.now()))

    def _lost(self, flow: Flow) -> None:
        self.do(self._agent.broken(flow, self.now()))

    def _arm(self) -> None:
        at = self._agent.deadline()
        if self._alarm is not None:
            if at is not None and self._armed <= at:
                return  # it looks again when it fires
            self._alarm.cancel()
            self._alarm = None
        if at is not None:
            self._armed = at  # uvloop's handles do not tell
            self._alarm = asyncio.get_running_loop().call_at(at, self._on_time)

    def _on_time(self) -> None:
        self._alarm = None
        self.do(self._agent.on_time(self.now()))
