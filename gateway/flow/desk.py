"""Agents' hands: attachment of desktops, and commands that take effect once.

A command's answer is written by the commit of its effect and remembered; the same id again,
here or on another node, gets that answer. ``act`` returns when it is on disk.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core import hands
from gateway.core.desk import Desk, RefusedOnRecord, Resolved, decide
from gateway.core.desk.moves import transferable
from gateway.core.desk.talk import composable
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, ChannelName, CommandId, ItemId, Position
from gateway.core.model import CommandRecord
from gateway.core.moving import Passing
from gateway.flow.afar import Afar
from gateway.flow.ledger import Ledger
from gateway.flow.numbers import Numbers
from gateway.flow.resolving import Found, Resolving
from gateway.flow.whose import Elsewhere, Whose
from gateway.ports import Answer, Attached, Channel, Signals
from gateway.store.contract import CommitUnknown, Lookup, Unavailable

KEPT = 100_000
"""Answers kept in memory; older ones are in the database for 24 hours."""

HOPS = 3
"""What changes hands while it is asked about is looked for so often."""
PASSING_SECONDS = 4.0
"""How long a transfer waits for what holds its item here for a moment, a delivery say."""
AGAIN_SECONDS = 0.25
NOTHING_FOUND = Resolved()


class _Said(Struct, frozen=True):
    """An answer as it is remembered: the body of ``ok``, or why it was refused."""

    body: dict[str, Any] = {}
    code: str = ""
    detail: str = ""
    field: str | None = None

    def answer(self) -> Answer:
        if self.code:
            raise Refused(self.code, self.detail, self.field)
        return Answer(body=self.body)


class _Applied(Struct, frozen=True):
    """An answer, and the position that must be on disk before it may leave."""

    said: _Said
    position: Position


_encode = msgspec.json.Encoder()
_decode = msgspec.json.Decoder(_Said)
_Key = tuple[AgentName, CommandId]


def remembered_fault(detail: str) -> bytes:
    """The answer to a command whose effect cannot be stored, for a ``CommandRecord``."""
    return _encode.encode(_Said(code="internal", detail=detail))


class DeskFlow:
    """Implements ``ports.Desk``. ``afar`` is how it reaches other nodes, if there are any."""

    def __init__(
        self,
        ledger: Ledger,
        lookup: Lookup,
        numbers: Numbers,
        signals: Signals,
        *,
        whose: Whose,
        channel: Callable[[ChannelName], Channel | None] = lambda _name: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.afar: Afar | None = None
        self._ledger = ledger
        self._resolving = Resolving(ledger, lookup, numbers, whose, channel)
        self._signals = signals
        self._sleep = sleep
        self._attached: dict[AgentName, set[str]] = {}
        ledger.observe(self._note)
        self._known: OrderedDict[_Key, asyncio.Future[_Applied | None]] = OrderedDict()
        self._asked: OrderedDict[_Key, None] = OrderedDict()
        self._came: OrderedDict[_Key, _Applied] = OrderedDict()

    def clean_with(self, clean: Callable[[str], str]) -> None:
        """What makes HTML harmless that agents send; before it is given, none is sent."""
        self._resolving.clean = clean

    # -- desktops ---------------------------------------------------------------------------

    def attach(self, agent: AgentName, tab: str) -> Attached:
        self._ledger.check_open()
        state = self._ledger.state
        ctx = self._ledger.context()
        position = self._ledger.record(hands.attach(state, agent, tab, ctx))
        self._attached.setdefault(agent, set()).add(tab)
        return Attached(
            position=position,
            epoch=state.statuses[agent].epoch,
            snapshot=hands.snapshot(state, agent, ctx),
        )

    def _note(self, entry: e.Entry) -> None:
        if isinstance(entry.event, e.AgentHandedOver):
            self._attached.pop(entry.event.agent, None)

    def detach(self, agent: AgentName, tab: str, reason: str) -> None:
        tabs = self._attached.get(agent, set())
        if tab not in tabs:
            # It was sent after its agent, who may be back by now with another one.
            return
        tabs.discard(tab)
        self._ledger.record(hands.detach(self._ledger.state, agent, tab, reason))

    # -- commands ---------------------------------------------------------------------------

    async def act(self, agent: AgentName, command: c.Command, *, maybe_repeated: bool) -> Answer:
        if isinstance(command, c.Typing):
            return self._typing(agent, command)
        self._ledger.check_open()
        applied = None
        while applied is None:
            applied = await self._once(agent, command, maybe_repeated=maybe_repeated)
        # From here on the command has had its effect: whoever waits may go, the answer stays.
        await self._ledger.committed(applied.position)
        return applied.said.answer()

    async def _once(
        self, agent: AgentName, command: c.Command, *, maybe_repeated: bool, guest: bool = False
    ) -> _Applied | None:
        """Do it, or wait for who is at it; ``None`` when that one gave up before any effect."""
        key = (agent, command.id)
        known = self._known.get(key)
        if known is not None:
            return await asyncio.shield(known)
        known = self._known[key] = asyncio.get_running_loop().create_future()
        self._trim()
        try:
            repeated = maybe_repeated or key in self._asked
            applied = await self._first_time(agent, command, repeated=repeated, guest=guest)
        except BaseException:
            # Nothing has been recorded, so the id is free to be tried again.
            del self._known[key]
            known.set_result(None)
            raise
        known.set_result(applied)
        return applied

    def _trim(self) -> None:
        while len(self._known) > KEPT and next(iter(self._known.values())).done():
            self._known.popitem(last=False)
        for asked in (self._asked, self._came):
            while len(asked) > KEPT:
                asked.popitem(last=False)

    async def _first_time(
        self, agent: AgentName, command: c.Command, *, repeated: bool, guest: bool
    ) -> _Applied:
        try:
            if (before := await self._before(agent, command, repeated=repeated)) is not None:
                return before
            if not guest:
                self._check_home(agent)
            return await self._do(agent, command, repeated=repeated, guest=guest)
        except (Unavailable, CommitUnknown) as error:
            raise Refused("unavailable", "the database does not answer; try again") from error
        except Refused as refused:
            if refused.code == "unavailable":
                raise
            said = _Said(code=refused.code, detail=refused.detail, field=refused.field)
            tried = refused.changes if isinstance(refused, RefusedOnRecord) else []
            position = self._ledger.record([*tried, self._answered(agent, command, said)])
            return _Applied(said, position)

    async def _before(
        self, agent: AgentName, command: c.Command, *, repeated: bool
    ) -> _Applied | None:
        """What it was answered already. Raises ``Unavailable``."""
        if (came := self._came.pop((agent, command.id), None)) is not None or not repeated:
            return came
        known = await self._resolving.answer(agent, command.id)
        return self._remembered(known) if known is not None else None

    async def _do(
        self, agent: AgentName, command: c.Command, *, repeated: bool, guest: bool
    ) -> _Applied:
        if isinstance(command, c.Transfer):
            applied = await self._transferred_away(agent, command)
            if applied is not None:
                return applied
        found = await self._found(agent, command, repeated=repeated, guest=guest)
        if isinstance(found, _Applied):
            return found
        if found.before is not None:
            return self._remembered(found.before)
        if not guest:
            self._check_home(agent)
        return self._decide(agent, command, found.resolved)

    def _remembered(self, answer: bytes) -> _Applied:
        return _Applied(_decode.decode(answer), self._ledger.position)

    def _check_home(self, agent: AgentName) -> None:
        """A command may outlast its agent's home here. Raises ``Refused``, to be tried again."""
        if not self._ledger.state.is_home_of(agent):
            raise Refused("unavailable", "you are not at home at this node any more")

    def _decide(self, agent: AgentName, command: c.Command, resolved: Resolved) -> _Applied:
        desk = self._hand(agent, self._fresh(resolved))
        try:
            changes, body = decide(desk, command)
            said = _Said(body=body)
            if changes:
                last = changes[-1]
                record = self._record_of(agent, command, said)
                changes[-1] = e.Change(last.event, (*last.rows, record))
            else:
                changes = [self._answered(agent, command, said)]
            return _Applied(said, self._ledger.record(changes))
        finally:
            if resolved.case is not None:
                self._ledger.release(resolved.case.id)

    # -- what another node decides about ----------------------------------------------------

    async def act_for(self, agent: AgentName, command: c.Command) -> bytes:
        """Do what an agent at home elsewhere asks of us; the answer, as it is remembered.

        Raises ``Elsewhere``; ``Refused`` only for what is not to be remembered.
        """
        self._ledger.check_open()
        applied = None
        while applied is None:
            applied = await self._once(agent, command, maybe_repeated=True, guest=True)
        await self._ledger.committed(applied.position)
        return _encode.encode(applied.said)

    def take_arrived(self, agent: AgentName, command: c.Take) -> None:
        """The item that this agent wants to take has just come here, before anybody is offered it.

        If it cannot be had after all, it waits in its queue like any other.
        """
        if self._ledger.state.is_home_of(agent):
            with suppress(Refused):
                self._came[agent, command.id] = self._decide(agent, command, Resolved())

    async def _found(
        self, agent: AgentName, command: c.Command, *, repeated: bool, guest: bool
    ) -> Found | _Applied:
        """What the command needs, once this node decides about it; or its answer."""
        key = (agent, command.id)
        for _ in range(HOPS):
            try:
                return await self._resolving.resolve(agent, command, repeated=repeated)
            except Elsewhere as elsewhere:
                if guest or self.afar is None:
                    raise
                node = elsewhere.node
            self._check_home(agent)
            if isinstance(command, c.Compose):
                composable(self._ledger.state, command)
            self._asked[key] = None
            repeated = True
            said = await self.afar.go(node, agent, command)
            if said is not None:
                return self._remembered(said)
            if (came := self._came.pop(key, None)) is not None:
                return came
        raise Refused("unavailable", "it changes hands just now; try again")

    async def _transferred_away(self, agent: AgentName, command: c.Transfer) -> _Applied | None:
        """To somebody at home at another node, which keeps them free until it is there.

        ``None``: they are here, or nowhere.
        """
        to, afar = command.agent, self.afar
        if to is None or afar is None or self._ledger.state.is_home_of(to):
            return None
        transferable(self._hand(agent), command)
        node = await afar.home(to)
        if node is None:
            return None
        words = await self._resolving.words(command)
        until = self._ledger.clock.monotonic() + PASSING_SECONDS
        while True:
            epoch = await afar.spare(node, command.item, to)
            self._check_home(agent)
            transferable(self._hand(agent), command)
            try:
                afar.check(command.item)
                break
            except Passing:
                if self._ledger.clock.monotonic() >= until:
                    raise
            await self._sleep(AGAIN_SECONDS)
        applied = self._decide(agent, command, Resolved(away=True, words=words))
        await afar.offer(node, epoch, command.item, to, agent)
        return applied

    def _hand(self, agent: AgentName, resolved: Resolved = NOTHING_FOUND) -> Desk:
        state = self._ledger.state
        profile = hands.profile_of(state, agent)
        return Desk(state=state, agent=profile, ctx=self._ledger.context(), resolved=resolved)

    def _fresh(self, resolved: Resolved) -> Resolved:
        """A case read from the database, as the node has it now."""
        if resolved.case is None:
            return resolved
        return msgspec.structs.replace(resolved, case=self._ledger.state.adopt(resolved.case))

    def _record_of(self, agent: AgentName, command: c.Command, said: _Said) -> CommandRecord:
        return CommandRecord(
            agent=agent, id=command.id, at=self._ledger.clock.now(), answer=_encode.encode(said)
        )

    def _answered(self, agent: AgentName, command: c.Command, said: _Said) -> e.Change:
        event = e.CommandAnswered(
            agent=agent, command=type(command).__name__.lower(), refused=said.code
        )
        return e.Change(event, (self._record_of(agent, command, said),))

    # -- passing signs ----------------------------------------------------------------------

    def _typing(self, agent: AgentName, command: c.Typing) -> Answer:
        item = self._ledger.state.items.get(ItemId(command.item))
        if item is not None and item.agent == agent:
            profile = self._ledger.state.profiles.get(agent)
            name = (profile.display_name if profile else "") or agent
            self._signals.typing(item.case, name, on=command.on, by_customer=False)
        return Answer()
