"""Channels: how each one is; pause and resume; add, change and remove those made here."""

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.api.attachments import MAX_FILE
from gateway.api.base import Done, Listed, read, whole
from gateway.api.channel_cards import Carries, ChannelCard
from gateway.api.directory_types import check_name
from gateway.api.needs import ChannelRoom
from gateway.core.errors import Refused
from gateway.core.ids import ChannelName
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute

TAG = "channels"
Settings = dict[str, Any]


class Carried(Struct, frozen=True, kw_only=True):
    """What a message on this channel may hold: characters, and bytes of one file and of all."""

    max_text: int
    html: bool
    subject: bool
    attachments: bool
    max_file_bytes: int
    max_attachment_bytes: int


class Channels:
    """See the module's docstring. One that a file declares is changed in the file."""

    def __init__(self, room: ChannelRoom) -> None:
        self._room = room

    def routes(self) -> list[HttpRoute]:
        one = "/api/v1/channels/{name}"
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/channels",
                handle=self._list,
                summary="Channels with their health, and where each is declared",
                gives=Listed[ChannelCard],
                tag=TAG,
            ),
            HttpRoute(
                method="POST",
                path="/api/v1/channels",
                handle=self._add,
                summary="Open a channel: name, kind and its kind's settings",
                access="admin",
                takes=Settings,
                gives=ChannelCard,
                status=201,
                tag=TAG,
            ),
            HttpRoute(
                method="PUT",
                path=one,
                handle=self._put,
                summary="Open a channel anew with other settings",
                access="admin",
                takes=Settings,
                gives=ChannelCard,
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path=f"{one}/limits",
                handle=self._limits,
                summary="What a message on the channel may hold",
                gives=Carried,
                tag=TAG,
            ),
            HttpRoute(
                method="DELETE",
                path=one,
                handle=self._remove,
                summary="Close a channel and forget its settings",
                access="admin",
                gives=Done,
                tag=TAG,
            ),
            HttpRoute(
                method="POST",
                path=f"{one}/pause",
                handle=self._pause,
                summary="Take nothing more from the channel until it is resumed",
                access="admin",
                gives=ChannelCard,
                tag=TAG,
            ),
            HttpRoute(
                method="POST",
                path=f"{one}/resume",
                handle=self._resume,
                summary="Start a paused or parked channel now",
                access="admin",
                gives=ChannelCard,
                tag=TAG,
            ),
        ]

    async def _list(self, _request: HttpRequest) -> HttpAnswer:
        return whole(self._room.cards())

    async def _limits(self, request: HttpRequest) -> HttpAnswer:
        name = request.params["name"]
        channel = self._room.channel(ChannelName(name))
        if not isinstance(channel, Carries):
            raise Refused("not_found", f"there is no channel {name!r}", "name")
        limits = channel.limits
        return HttpAnswer(
            body=Carried(
                max_text=limits.max_text,
                html=limits.html,
                subject=limits.subject,
                attachments=limits.attachments,
                max_file_bytes=min(MAX_FILE, limits.max_attachment_bytes),
                max_attachment_bytes=limits.max_attachment_bytes,
            )
        )

    async def _add(self, request: HttpRequest) -> HttpAnswer:
        settings = read(request, Settings)
        name = settings.get("name")
        if not isinstance(name, str):
            raise Refused("bad_field", "a channel needs a name", "name")
        if any(card.name == name for card in self._room.cards()):
            raise Refused("conflict", f"there is a channel {name!r} already", "name")
        return HttpAnswer(status=201, body=await self._open(name, settings))

    async def _put(self, request: HttpRequest) -> HttpAnswer:
        name = request.params["name"]
        settings = read(request, Settings)
        if settings.get("name", name) != name:
            raise Refused("bad_field", "a name cannot be changed; add another channel", "name")
        return HttpAnswer(body=await self._open(name, settings))

    async def _open(self, name: str, settings: Settings) -> ChannelCard:
        check_name(name)
        given = {k: v for k, v in settings.items() if k != "name"}
        return await self._room.put(ChannelName(name), msgspec.to_builtins(given))

    async def _remove(self, request: HttpRequest) -> HttpAnswer:
        await self._room.remove(ChannelName(request.params["name"]))
        return HttpAnswer(body=Done())

    async def _pause(self, request: HttpRequest) -> HttpAnswer:
        name = ChannelName(request.params["name"])
        await self._room.pause(name)
        # The channel stops in its own time; what the operator wants is known now.
        return HttpAnswer(body=replace(self._card(name), health="paused", reason="", code=""))

    async def _resume(self, request: HttpRequest) -> HttpAnswer:
        name = ChannelName(request.params["name"])
        await self._room.resume(name)
        return HttpAnswer(body=replace(self._card(name), health="starting", reason="", code=""))

    def _card(self, name: ChannelName) -> ChannelCard:
        for card in self._room.cards():
            if card.name == name:
                return card
        raise Refused("not_found", f"there is no channel {name!r}", "name")
