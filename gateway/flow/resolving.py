"""What a command needs from the database, read so that nobody else can change it meanwhile.

Whose a case, an item or a customer is, is asked first; what is read after that is as nobody else
changes it, unless it leaves this node in between, which ``Departures`` tells. So is the answer that
a command got before, perhaps at another node: whoever decided about the thing then wrote it down
before the thing came here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from gateway.core import commands as c
from gateway.core.colleagues import chat_of
from gateway.core.desk import Resolved
from gateway.core.desk.hand import About
from gateway.core.errors import Refused
from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    CommandId,
    CustomerId,
    ItemId,
    TicketNumber,
)
from gateway.core.misrouted import HouseWords
from gateway.core.model import Attachment, Case, ChannelKind, Item, Message
from gateway.flow.ledger import Ledger
from gateway.flow.numbers import Numbers
from gateway.flow.whose import Elsewhere, Whose, licensed
from gateway.ports import Channel
from gateway.store.contract import CommitUnknown, Fenced, Lookup, Unavailable

SHORT = 20_000
"""Characters of HTML that are made harmless on the spot; more would hold the loop up."""
_IDENTITY_OF = {
    ChannelKind.EMAIL: "email",
    ChannelKind.SMS: "phone",
    ChannelKind.WHATSAPP: "phone",
    ChannelKind.TELEGRAM: "telegram",
}


class Found(Struct, frozen=True, kw_only=True):
    """What was looked up; ``before``: what the command was answered when it was done."""

    resolved: Resolved = Resolved()
    before: bytes | None = None


class _Seen(Struct, frozen=True):
    """A case as it was read under a licence."""

    case: Case | None
    last: Item | None
    before: bytes | None

    def customer(self) -> str | None:
        customer = self.case.customer if self.case is not None else None
        return customer.id if customer is not None else None


class Resolving:
    """See the module's docstring.

    ``clean`` makes HTML harmless that one of us sends; who gives none has none sent.
    """

    def __init__(
        self,
        ledger: Ledger,
        lookup: Lookup,
        numbers: Numbers,
        whose: Whose,
        channel: Callable[[ChannelName], Channel | None],
    ) -> None:
        self.clean: Callable[[str], str] = lambda _html: ""
        self._channel = channel
        self._ledger = ledger
        self._lookup = lookup
        self._numbers = numbers
        self._whose = whose

    async def answer(self, agent: AgentName, command: CommandId) -> bytes | None:
        """What it was answered when it was done. Raises ``Unavailable``."""
        return (await self._lookup.answers(agent, [command])).get(command)

    async def resolve(self, agent: AgentName, command: c.Command, *, repeated: bool) -> Found:
        """``repeated``: it may have been done, where what it is about was before.

        Raises ``Elsewhere`` where another node decides about it, ``Refused``, ``Unavailable``.
        """

        async def before() -> bytes | None:
            return await self.answer(agent, command.id) if repeated else None

        match command:
            case c.Send():
                return Found(resolved=await self._sent(agent, command))
            case c.TagCase(case=case) | c.Reopen(case=case):
                return await self._case(case, before, last=isinstance(command, c.Reopen))
            case c.Take(item=item):
                return await self._item(item, before)
            case c.Compose() | c.AskCallback(item=None):
                return await self._begin(command.customer, self._identity(command), before)
            case _:
                return Found(resolved=await self._seen(agent, command))

    async def _sent(self, agent: AgentName, command: c.Send) -> Resolved:
        """Its files, its HTML made harmless, and the mail that goes below it.

        Raises ``Unavailable``; ``Refused`` for more than its channel carries.
        """
        quoted = await self._quoted(command)
        html = await self._harmless(command.html or "")
        files: tuple[Attachment, ...] = ()
        if command.attachments:
            files = await self._lookup.claim_files(command.attachments, agent, command.id)
            self._check_size(command, files)
        address = await self._address_by(command) if command.via is not None else ""
        return Resolved(attachments=files, html=html or None, message=quoted, address=address)

    async def _address_by(self, command: c.Send) -> str:
        """The customer's, of the kind that the other channel asks for; empty: none is known."""
        item = self._ledger.state.items.get(command.item)
        kind = self._ledger.state.channels.get(command.via) if command.via else None
        identity = _IDENTITY_OF.get(kind) if kind is not None else None
        if item is None or item.customer is None or identity is None:
            return ""
        return await self._lookup.address_of(item.customer.id, identity) or ""

    async def _harmless(self, html: str) -> str:
        return self.clean(html) if len(html) < SHORT else await asyncio.to_thread(self.clean, html)

    def _check_size(self, command: c.Send, files: Sequence[Attachment]) -> None:
        item = self._ledger.state.items.get(command.item)
        channel = self._channel(item.channel) if item is not None else None
        size = sum(file.size for file in files)
        if channel is None or size <= channel.limits.max_attachment_bytes:
            return
        most = channel.limits.max_attachment_bytes
        raise Refused(
            "too_long",
            f"the files have {size / 1e6:.1f} MB together, and {channel.name} takes"
            f" {most / 1e6:.1f} MB: leave some out, send them in two messages, or give a link",
            "attachments",
        )

    async def _quoted(self, command: c.Send) -> Message | None:
        """The mail, if the item's case shows it: its own, or that of one merged into it."""
        item = self._ledger.state.items.get(command.item)
        if command.quote is None or item is None:
            return None
        shown, _ = await self._lookup.chosen(item.case, [command.quote])
        return next(iter(shown), None)

    async def _seen(self, agent: AgentName, command: c.Command) -> Resolved:
        """What nobody need decide about. Raises ``Unavailable``."""
        match command:
            case c.Read(message=message) | c.Edit(message=message) | c.Delete(message=message):
                return Resolved(message=await self._lookup.message(message))
            case c.Peer(item=item) if item is not None:
                chat = chat_of(agent, command.agent, command.group)
                return Resolved(about=await self._about(item, chat))
            case _:
                return Resolved(words=await self.words(command))

    async def _about(self, item: ItemId, chat: str) -> About | None:
        """An item as it is known here, else as it was last written. Raises ``Unavailable``."""
        found = await self._lookup.talked_about(item, chat)
        here = self._ledger.state.items.get(item)
        if here is not None:
            return About(item=here, spoken=found is not None and found[1])
        return About(item=found[0], spoken=found[1]) if found is not None else None

    async def words(self, command: c.Command) -> HouseWords:
        """What may be said of an item that was not for them. Raises ``Unavailable``."""
        match command:
            case c.Decline(misrouted=said) | c.Transfer(misrouted=said) | c.Wrapup(misrouted=said):
                return HouseWords() if said is None else await self._lookup.house_words()
            case _:
                return HouseWords()

    async def _case(
        self, case: CaseId, before: Callable[[], Awaitable[bytes | None]], *, last: bool
    ) -> Found:
        async def look(case: CaseId) -> _Seen:
            item = await self._lookup.last_item(case) if last else None
            told = await before()
            known = self._ledger.state.cases.get(case) or await self._lookup.case(case)
            return _Seen(known, item, told)

        seen = await licensed(self._whose, case, look, customer=_Seen.customer)
        return Found(resolved=Resolved(case=seen.case, last_item=seen.last), before=seen.before)

    async def _item(self, item_id: ItemId, before: Callable[[], Awaitable[bytes | None]]) -> Found:
        stamp = self._whose.departures.stamp()
        items = self._ledger.state.items
        if item_id not in items:
            owner = await self._whose.owner(item_id)
            if item_id not in items:
                if owner is None:
                    return Found()  # there is no such item: whoever decides says so
                if owner != self._ledger.state.node:
                    raise Elsewhere(owner)
                raise Refused("unavailable", "the item changes hands just now; try again")
        case = items[item_id].case
        told = await before()
        if item_id not in items or self._whose.departures.since((case,), stamp):
            raise Refused("unavailable", "the item changes hands just now; try again")
        return Found(before=told)

    def _identity(self, command: c.Compose | c.AskCallback) -> str | None:
        """What kind of address is wanted."""
        if isinstance(command, c.AskCallback):
            return "phone"
        kind = self._ledger.state.channels.get(command.channel)
        return _IDENTITY_OF.get(kind) if kind else None

    async def _begin(
        self,
        wanted: CustomerId | None,
        identity: str | None,
        before: Callable[[], Awaitable[bytes | None]],
    ) -> Found:
        """For a new matter, of this customer; with their address of that kind, if we have one."""
        if wanted is None:
            number: TicketNumber = await self._numbers.next()
            return Found(resolved=Resolved(number=number))
        stamp = self._whose.departures.stamp()
        await self._license(wanted)
        if (told := await before()) is not None:
            return Found(before=told)
        customer = await self._lookup.customer(wanted)
        if customer is None:
            raise Refused("not_found", "there is no such customer", "customer")
        address = await self._lookup.address_of(customer.id, identity) if identity else None
        number = await self._numbers.next()
        if self._whose.departures.since((wanted,), stamp):
            self._numbers.give_back(number)
            raise Refused("unavailable", "the customer's work changes hands just now; try again")
        return Found(resolved=Resolved(number=number, customer=customer, address=address or ""))

    async def _license(self, customer: CustomerId) -> None:
        try:
            await self._whose.license_customer(customer)
        except (Unavailable, CommitUnknown, Fenced) as error:
            raise Refused(
                "unavailable", "it is not known whose the customer is; try again"
            ) from error
