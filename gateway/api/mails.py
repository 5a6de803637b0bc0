"""Mails as they came: their source, their header, what came with them and can be looked at.

Nothing is handed out so that a browser would show it as a page: source is downloaded, a mail and
an invitation are values that a desktop draws.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

from msgspec import Meta, Struct

from gateway.api.attachments import handed_out
from gateway.api.base import Listed, asked, whole
from gateway.api.channel_cards import Composes
from gateway.api.needs import ChannelRoom, Listing
from gateway.core.errors import Refused, Undeliverable
from gateway.core.ids import AttachmentId, MessageId
from gateway.core.shown import HeaderField, Invitation, ShownMail
from gateway.flow.node import Node
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute, Shows

TAG = "cases"
Place = Annotated[str, Meta(max_length=40)]


class Inside(Struct, frozen=True, kw_only=True):
    """``inside``: not the attachment itself, but the file at this place of the mail that it is."""

    inside: Place = ""


class Mails:
    """See the module's docstring. Everybody who may read a case may see the mails in it."""

    def __init__(
        self, node: Node, listing: Listing, channels: ChannelRoom, shows: Shows | None
    ) -> None:
        self._node = node
        self._listing = listing
        self._files = node.files
        self._channels = channels
        self._shows = shows

    def routes(self) -> list[HttpRoute]:
        message, file = "/api/v1/messages/{id}", "/api/v1/attachments/{id}"
        return [
            _get(f"{message}/source", self._source, "Download a mail as it came, or left", bytes),
            _get(f"{message}/header", self._header, "The header of a mail", Listed[HeaderField]),
            _get(f"{file}/mail", self._mail, "An attached mail, to be read", ShownMail, Inside),
            _get(
                f"{file}/invitations",
                self._invitations,
                "The events of an attached calendar file",
                Listed[Invitation],
                Inside,
            ),
            _get(
                f"{file}/inside", self._inside, "Download a file of an attached mail", bytes, Inside
            ),
        ]

    async def _source(self, request: HttpRequest) -> HttpAnswer:
        raw = await self._raw(request)
        return handed_out(raw, f"{request.params['id']}.eml", "application/octet-stream")

    async def _header(self, request: HttpRequest) -> HttpAnswer:
        shows, raw = self._reader(), await self._raw(request)
        return whole(await asyncio.to_thread(shows.header, raw))

    async def _mail(self, request: HttpRequest) -> HttpAnswer:
        shows, query = self._reader(), asked(request, Inside)
        _, data = await self._attachment(request)
        found = await asyncio.to_thread(shows.mail, data, query.inside)
        if found is None:
            raise Refused("not_found", "there is no mail that could be read", "inside")
        return HttpAnswer(body=found)

    async def _invitations(self, request: HttpRequest) -> HttpAnswer:
        _, _, data = await self._at(request)
        return whole(await asyncio.to_thread(self._reader().invitations, data))

    async def _inside(self, request: HttpRequest) -> HttpAnswer:
        name, kind, data = await self._at(request)
        return handed_out(data, name, kind)

    async def _raw(self, request: HttpRequest) -> bytes:
        message = MessageId(request.params["id"])
        found = await self._listing.raw_of(message)
        data = found.data if found is not None else await self._composed(message)
        if data is None:
            raise Refused("not_found", "of this message nothing is kept as it came or left", "id")
        return data

    async def _composed(self, message: MessageId) -> bytes | None:
        """One of ours, as it leaves: nothing of that is kept, for it is the same at every time."""
        said = await self._node.lookup.message(message)
        if said is None or said.direction != "out":
            return None
        order = await self._listing.outbound_of(message, said.case)
        outgoing = await self._listing.outgoing(order) if order is not None else None
        channel = self._channels.channel(said.channel)
        if outgoing is None or not isinstance(channel, Composes):
            return None
        out = await self._node.dispatch.as_it_leaves(outgoing)
        try:
            return await asyncio.to_thread(channel.source, out)
        except Undeliverable:
            return None  # of what was emptied since, the addresses are gone as well

    async def _attachment(self, request: HttpRequest) -> tuple[tuple[str, str], bytes]:
        found = await self._files.get(AttachmentId(request.params["id"]))
        if found is None:
            raise Refused("not_found", "there is no such attachment", "id")
        return (found[0].name, found[0].type), found[1]

    async def _at(self, request: HttpRequest) -> tuple[str, str, bytes]:
        """The file that is meant: its name, its type, its bytes."""
        query = asked(request, Inside)
        (name, kind), data = await self._attachment(request)
        if not query.inside:
            return name, kind, data
        file = await asyncio.to_thread(self._reader().file, data, query.inside)
        if file is None:
            raise Refused("not_found", "there is no such file in this mail", "inside")
        return file.name, file.type, file.data

    def _reader(self) -> Shows:
        if self._shows is None:
            raise Refused("not_found", "no kind of channel here knows what a mail is")
        return self._shows


def _get(
    path: str,
    handle: Callable[[HttpRequest], Awaitable[HttpAnswer]],
    summary: str,
    gives: object,
    asks: type[Struct] | None = None,
) -> HttpRoute:
    return HttpRoute(
        method="GET",
        path=path,
        handle=handle,
        summary=summary,
        gives=gives,
        asks=asks,
        produces="application/octet-stream" if gives is bytes else "application/json",
        tag=TAG,
    )
