"""An agent's commands as methods, each with an id of its own."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from gateway.core import commands as c
from gateway.core.ids import (
    AgentName,
    AttachmentId,
    CaseId,
    ChannelName,
    CommandId,
    CustomerId,
    ItemId,
    MacroName,
    MessageId,
    OfferId,
    QueueName,
)
from push.protocol import Ok


def new_id() -> CommandId:
    """A fresh command id."""
    return CommandId(str(uuid.uuid4()))


class Orders(ABC):
    """What an agent can do. Each returns the node's ``ok``, on disk; each may raise ``Refused``."""

    __slots__ = ()

    @abstractmethod
    async def act(self, command: c.Command) -> Ok:
        """Do it once, however many connections that takes."""

    async def ready(self) -> Ok:
        return await self.act(c.State(id=new_id(), state="ready"))

    async def not_ready(self, reason: str = "") -> Ok:
        return await self.act(c.State(id=new_id(), state="not_ready", reason=reason))

    async def accept(self, offer: OfferId) -> Ok:
        return await self.act(c.Accept(id=new_id(), offer=offer))

    async def decline(self, offer: OfferId, reason: str = "") -> Ok:
        return await self.act(c.Decline(id=new_id(), offer=offer, reason=reason))

    async def send(
        self,
        item: ItemId,
        body: str,
        *,
        html: str | None = None,
        subject: str | None = None,
        to: Sequence[str] | None = None,
        cc: Sequence[str] | None = None,
        attachments: Sequence[AttachmentId] = (),
        then: Literal["wait", "close"] | None = None,
        quote: MessageId | None = None,
        via: ChannelName | None = None,
    ) -> Ok:
        command = c.Send(
            id=new_id(),
            item=item,
            body=body,
            html=html,
            subject=subject,
            to=None if to is None else tuple(to),
            cc=None if cc is None else tuple(cc),
            attachments=tuple(attachments),
            then=then,
            quote=quote,
            via=via,
        )
        return await self.act(command)

    async def note(self, item: ItemId, body: str) -> Ok:
        return await self.act(c.Note(id=new_id(), item=item, body=body))

    async def edit(self, item: ItemId, message: MessageId, body: str) -> Ok:
        return await self.act(c.Edit(id=new_id(), item=item, message=message, body=body))

    async def delete(self, item: ItemId, message: MessageId) -> Ok:
        return await self.act(c.Delete(id=new_id(), item=item, message=message))

    async def typing(self, item: ItemId, *, on: bool = True) -> Ok:
        return await self.act(c.Typing(id=new_id(), item=item, on=on))

    async def read(self, item: ItemId, message: MessageId) -> Ok:
        return await self.act(c.Read(id=new_id(), item=item, message=message))

    async def compose(
        self,
        channel: ChannelName,
        body: str,
        *,
        customer: CustomerId | None = None,
        to: str | None = None,
        subject: str = "",
        queue: QueueName | None = None,
    ) -> Ok:
        command = c.Compose(
            id=new_id(),
            channel=channel,
            body=body,
            customer=customer,
            to=to,
            subject=subject,
            queue=queue,
        )
        return await self.act(command)

    async def take(self, item: ItemId) -> Ok:
        return await self.act(c.Take(id=new_id(), item=item))

    async def park(self, item: ItemId, until: datetime | None = None) -> Ok:
        return await self.act(c.Park(id=new_id(), item=item, until=until))

    async def resume(self, item: ItemId) -> Ok:
        return await self.act(c.Resume(id=new_id(), item=item))

    async def reopen(self, case: CaseId) -> Ok:
        return await self.act(c.Reopen(id=new_id(), case=case))

    async def tag(self, case: CaseId, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Ok:
        return await self.act(
            c.TagCase(id=new_id(), case=case, add=tuple(add), remove=tuple(remove))
        )

    async def macro(self, item: ItemId, name: MacroName) -> Ok:
        return await self.act(c.RunMacro(id=new_id(), item=item, name=name))

    async def transfer(
        self,
        item: ItemId,
        *,
        queue: QueueName | None = None,
        agent: AgentName | None = None,
        note: str = "",
    ) -> Ok:
        command = c.Transfer(id=new_id(), item=item, queue=queue, agent=agent, note=note)
        return await self.act(command)

    async def callback(
        self,
        item: ItemId | None = None,
        *,
        customer: CustomerId | None = None,
        number: str = "",
        at: datetime | None = None,
        zone: str = "",
        note: str = "",
        mine: bool = False,
    ) -> Ok:
        command = c.AskCallback(
            id=new_id(),
            item=item,
            customer=customer,
            number=number,
            at=at,
            zone=zone,
            note=note,
            mine=mine,
        )
        return await self.act(command)

    async def promise(self, item: ItemId, text: str, due_at: datetime) -> Ok:
        return await self.act(c.MakePromise(id=new_id(), item=item, text=text, due_at=due_at))

    async def peer(
        self,
        body: str,
        *,
        agent: AgentName | None = None,
        group: str = "",
        item: ItemId | None = None,
    ) -> Ok:
        return await self.act(c.Peer(id=new_id(), agent=agent, group=group, item=item, body=body))

    async def peer_read(
        self, message: MessageId, *, agent: AgentName | None = None, group: str = ""
    ) -> Ok:
        return await self.act(c.PeerRead(id=new_id(), agent=agent, group=group, message=message))

    async def wrapup(
        self, item: ItemId, code: str = "", *, categories: Sequence[str] = (), note: str = ""
    ) -> Ok:
        command = c.Wrapup(
            id=new_id(), item=item, code=code, categories=tuple(categories), note=note
        )
        return await self.act(command)
