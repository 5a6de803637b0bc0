"""Agents' hands: attachment of desktops, and commands that take effect once.

A command's answer is written by the commit of its effect and remembered; the same id again,
here or on another node, gets that answer. ``act`` returns when it is on disk.
"""

import asyncio
from collections import OrderedDict
from typing import Any

import msgspec
from msgspec import Struct

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core import hands
from gateway.core.desk import Desk, Resolved, decide
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, CaseId, CommandId, ItemId, Position, TicketNumber
from gateway.core.model import ChannelKind, CommandRecord
from gateway.flow.ledger import Ledger
from gateway.flow.numbers import Numbers
from gateway.flow.whose import Whose, licensed
from gateway.ports import Answer, Attached, Signals
from gateway.store.contract import CommitUnknown, Lookup, Unavailable

KEPT = 100_000
"""Answers kept in memory; older ones are in the database for 24 hours."""

_IDENTITY_OF = {ChannelKind.EMAIL: "email", ChannelKind.SMS: "phone", ChannelKind.WHATSAPP: "phone"}


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
    """Implements ``ports.Desk``."""

    def __init__(
        self,
        ledger: Ledger,
        lookup: Lookup,
        numbers: Numbers,
        signals: Signals,
        *,
        whose: Whose,
    ) -> None:
        self._whose = whose
        self._ledger = ledger
        self._lookup = lookup
        self._numbers = numbers
        self._signals = signals
        self._attached: dict[AgentName, set[str]] = {}
        ledger.observe(self._note)
        self._known: OrderedDict[_Key, asyncio.Future[_Applied | None]] = OrderedDict()

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
        self, agent: AgentName, command: c.Command, *, maybe_repeated: bool
    ) -> _Applied | None:
        """Do it, or wait for who is at it; ``None`` when that one gave up before any effect."""
        key = (agent, command.id)
        known = self._known.get(key)
        if known is not None:
            return await asyncio.shield(known)
        known = self._known[key] = asyncio.get_running_loop().create_future()
        self._trim()
        try:
            applied = await self._first_time(agent, command, maybe_repeated=maybe_repeated)
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

    async def _first_time(
        self, agent: AgentName, command: c.Command, *, maybe_repeated: bool
    ) -> _Applied:
        try:
            if maybe_repeated:
                before = await self._lookup.answers(agent, [command.id])
                if command.id in before:
                    return _Applied(_decode.decode(before[command.id]), self._ledger.position)
            self._check_home(agent)
            resolved = await self._resolve(agent, command)
            self._check_home(agent)
            return self._decide(agent, command, resolved)
        except (Unavailable, CommitUnknown) as error:
            raise Refused("unavailable", "the database does not answer; try again") from error
        except Refused as refused:
            if refused.code == "unavailable":
                raise
            said = _Said(code=refused.code, detail=refused.detail, field=refused.field)
            position = self._ledger.record([self._answered(agent, command, said)])
            return _Applied(said, position)

    def _check_home(self, agent: AgentName) -> None:
        """A command may outlast its agent's home here. Raises ``Refused``, to be tried again."""
        if not self._ledger.state.is_home_of(agent):
            raise Refused("unavailable", "you are not at home at this node any more")

    def _decide(self, agent: AgentName, command: c.Command, resolved: Resolved) -> _Applied:
        state = self._ledger.state
        profile = hands.profile_of(state, agent)
        desk = Desk(
            state=state, agent=profile, ctx=self._ledger.context(), resolved=self._fresh(resolved)
        )
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

    # -- what a command needs from the database ---------------------------------------------

    async def _resolve(self, agent: AgentName, command: c.Command) -> Resolved:
        match command:
            case c.Send(id=command_id, attachments=ids) if ids:
                files = await self._lookup.claim_files(ids, agent, command_id)
                return Resolved(attachments=files)
            case c.TagCase(case=case):
                return await licensed(self._whose, case, self._resolve_case)
            case c.Reopen(case=case):
                return await licensed(self._whose, case, self._resolve_ended)
            case c.Compose():
                return await self._resolve_compose(command)
            case c.Read(message=message):
                return Resolved(message=await self._lookup.message(message))
            case _:
                return Resolved()

    async def _resolve_case(self, case: CaseId) -> Resolved:
        return Resolved(case=self._ledger.state.cases.get(case) or await self._lookup.case(case))

    async def _resolve_ended(self, case: CaseId) -> Resolved:
        last = await self._lookup.last_item(case)
        found = await self._resolve_case(case)
        return msgspec.structs.replace(found, last_item=last)

    async def _resolve_compose(self, command: c.Compose) -> Resolved:
        number: TicketNumber = await self._numbers.next()
        if command.customer is None:
            return Resolved(number=number)
        customer = await self._lookup.customer(command.customer)
        if customer is None:
            raise Refused("not_found", "there is no such customer", "customer")
        kind = self._ledger.state.channels.get(command.channel)
        identity = _IDENTITY_OF.get(kind) if kind else None
        address = await self._lookup.address_of(customer.id, identity) if identity else None
        return Resolved(number=number, customer=customer, address=address or "")

    # -- passing signs ----------------------------------------------------------------------

    def _typing(self, agent: AgentName, command: c.Typing) -> Answer:
        item = self._ledger.state.items.get(ItemId(command.item))
        if item is not None and item.agent == agent:
            profile = self._ledger.state.profiles.get(agent)
            name = (profile.display_name if profile else "") or agent
            self._signals.typing(item.case, name, on=command.on, by_customer=False)
        return Answer()
