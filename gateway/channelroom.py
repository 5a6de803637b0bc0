"""The channels of this node: opened, supervised, added and changed while it runs.

A channel comes from the configuration file (``declared_in`` names it; read-only here) or was made
by an admin and is kept in the database. Implements what the API needs of the channels.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from gateway.api.channel_cards import ChannelCard, Counts, Looks
from gateway.cluster.seats import Seat, UnderDuty
from gateway.config import ConfigError, channel_settings
from gateway.core.errors import ChannelError, Refused
from gateway.core.ids import ChannelName, QueueName
from gateway.core.masking import kept, shown
from gateway.core.model import ChannelKind
from gateway.core.ticket import plain
from gateway.pathsharing import shared
from gateway.ports import (
    SECRETS,
    Channel,
    ChannelSettings,
    ChannelType,
    Guess,
    HttpRoute,
    Services,
    SocketRoute,
)
from gateway.supervise import Health, Supervisor

Seats = Callable[[ChannelSettings, str], tuple[Seat, UnderDuty]]
"""Gives a channel that only one node may run a seat at its duty, and its way to the store."""


class ChannelTable(Protocol):
    """Channels that an admin made, and which are paused, as the database keeps them."""

    async def made(self) -> Mapping[ChannelName, Mapping[str, Any]]: ...

    async def paused(self) -> set[ChannelName]: ...

    async def put(self, name: ChannelName, settings: Mapping[str, Any]) -> None: ...

    async def drop(self, name: ChannelName) -> bool: ...

    async def set_paused(self, name: ChannelName, *, paused: bool) -> None: ...


class ChannelRoom:
    """See the module's docstring. The maps are the node's own, kept up to date here."""

    def __init__(
        self,
        *,
        kinds: Mapping[str, ChannelType],
        services: Services,
        supervisor: Supervisor,
        table: ChannelTable,
        channels: dict[ChannelName, Channel],
        kinds_by_name: dict[ChannelName, ChannelKind],
        queues: dict[ChannelName, QueueName],
        addresses: dict[ChannelName, str] | None = None,
        ours: dict[str, ChannelName] | None = None,
        file: str,
        seats: Seats | None = None,
    ) -> None:
        self._kinds = kinds
        self._take_seat = seats
        self._seats: dict[ChannelName, Seat] = {}
        self._services = services
        self._supervisor = supervisor
        self._table = table
        self._channels = channels
        self._kinds_by_name = kinds_by_name
        self._file = file
        self._queues = queues
        self._addresses = {} if addresses is None else addresses
        self._ours = {} if ours is None else ours
        self._declared: dict[ChannelName, Mapping[str, Any]] = {}
        self._paused: set[ChannelName] = set()
        self._made: dict[ChannelName, Mapping[str, Any]] = {}
        self._unusable: dict[ChannelName, str] = {}
        self._tasks: dict[ChannelName, asyncio.Task[None]] = {}
        self._scope: asyncio.TaskGroup | None = None
        self._one_change = asyncio.Lock()
        self.routes_changed: Callable[[], None] = lambda: None
        self.changed: Callable[[], None] = lambda: None

    # -- opening ----------------------------------------------------------------------------

    def open_declared(self, settings: Sequence[Any], paused: set[ChannelName]) -> None:
        """Open what the file declares."""
        self._paused = set(paused)
        for one in settings:
            self._open(one)
            kind = next(name for name, t in self._kinds.items() if t.settings is type(one))
            self._declared[one.name] = {**msgspec.to_builtins(one), "kind": kind}

    def open_made(self, made: Mapping[ChannelName, Mapping[str, Any]]) -> None:
        """Open what admins made; one whose settings are not valid any more is left out, parked."""
        for name, raw in made.items():
            if name not in self._declared:
                self._open_made(name, raw)

    def _open_made(self, name: ChannelName, raw: Mapping[str, Any]) -> Channel | None:
        self._made[name] = raw
        try:
            channel = self._open(self._settings(name, raw))
        except Refused as refused:
            self._unusable[name] = str(raw.get("kind", ""))
            self._supervisor.note_unusable(name, refused.detail)
            return None
        self._unusable.pop(name, None)
        return channel

    def _settings(self, name: ChannelName, raw: Mapping[str, Any]) -> Any:
        kinds = {kind: t.settings for kind, t in self._kinds.items()}
        try:
            return channel_settings({**raw, "name": name}, kinds)
        except ConfigError as error:
            first = error.problems[0]
            field = first.partition(":")[0].removeprefix("channel.")
            raise Refused("bad_field", "; ".join(error.problems), field) from error

    def _open(self, settings: Any) -> Channel:
        kind = next(t for t in self._kinds.values() if t.settings is type(settings))
        try:
            channel = kind.open(settings, self._services_for(kind, settings))
        except BaseException:
            self._leave_seat(settings.name)
            raise
        self._channels[settings.name] = channel
        self._kinds_by_name[settings.name] = kind.kind
        self._queues[settings.name] = settings.queue
        self._note_addresses(settings)
        return channel

    def _note_addresses(self, settings: Any) -> None:
        """Where customers write to: the channel's address, and others under names of their own."""
        self._forget_addresses(settings.name)
        for one in (getattr(settings, "address", ""), *getattr(settings, "aliases", ())):
            if address := plain(one):
                self._ours.setdefault(address, settings.name)
        self._addresses[settings.name] = getattr(settings, "address", "")
        for n, alias in enumerate(getattr(settings, "aliases", ()), start=1):
            self._addresses[ChannelName(f"{settings.name}#{n}")] = alias

    def _forget_addresses(self, name: ChannelName) -> None:
        for known in [one for one in self._addresses if one.partition("#")[0] == name]:
            del self._addresses[known]
        for address in [one for one, channel in self._ours.items() if channel == name]:
            del self._ours[address]

    def _services_for(self, kind: ChannelType, settings: Any) -> Services:
        """What only one node may do at a time is stored under the duty of doing it."""
        duty = kind.duty(settings)
        if duty is None or self._take_seat is None:
            return self._services
        seat, way = self._take_seat(settings, duty)
        self._seats[settings.name] = seat
        return replace(self._services, intake=way, memory=way, anywhere=self._services.memory)

    # -- running ----------------------------------------------------------------------------

    def start(self, scope: asyncio.TaskGroup) -> None:
        """Set every channel going."""
        self._scope = scope
        for channel in self._channels.values():
            self._begin(channel)

    def _begin(self, channel: Channel) -> None:
        if self._scope is not None:
            self._tasks[channel.name] = self._scope.create_task(
                self._supervisor.run(
                    channel,
                    paused=channel.name in self._paused,
                    seat=self._seats.get(channel.name),
                ),
                name=f"supervise:{channel.name}",
            )

    def stop(self) -> None:
        """Take nothing more from any channel; sending is the outbox's business and goes on."""
        self._scope = None
        for task in self._tasks.values():
            task.cancel()

    def rest(self, why: str) -> None:
        """Have the channels that hold connections send everybody elsewhere, until ``go_on``."""
        for channel in self._holding_sockets():
            if channel.name not in self._paused:
                self._supervisor.pause(channel.name, why)

    def go_on(self) -> None:
        """Let them in again."""
        for channel in self._holding_sockets():
            if channel.name not in self._paused:
                self._supervisor.resume(channel.name)

    def _holding_sockets(self) -> list[Channel]:
        sockets = [c for c in self._channels.values() if c.name in self._tasks]
        return [c for c in sockets if any(isinstance(r, SocketRoute) for r in c.routes())]

    def socket_routes(self) -> list[SocketRoute]:
        found = (r for c in self._channels.values() for r in c.routes())
        return [r for r in found if isinstance(r, SocketRoute)]

    def http_routes(self) -> list[HttpRoute]:
        """Each resource once: channels of one kind may share a path."""
        routes: dict[tuple[str, str], list[HttpRoute]] = {}
        for channel in self._channels.values():
            for route in channel.routes():
                if isinstance(route, HttpRoute):
                    routes.setdefault((route.method, route.path), []).append(route)
        return [shared(alike) for alike in routes.values()]

    # -- for the API ------------------------------------------------------------------------

    def channel(self, name: ChannelName) -> Channel | None:
        return self._channels.get(name)

    def cards(self) -> list[ChannelCard]:
        return [self._card(name) for name in sorted({*self._channels, *self._unusable})]

    def _card(self, name: ChannelName) -> ChannelCard:
        health = self._supervisor.health.get(name)
        usable = name in self._channels
        return ChannelCard(
            name=name,
            kind=self._kinds_by_name[name].value if usable else self._unusable[name],
            queue=self._queues[name] if usable else "",
            health=health.state if health else "starting",
            reason=health.reason if health else "",
            code=health.code if health else "",
            declared_in=self._file if name in self._declared else "",
            node=self._node_of(name),
            counts=self._counts(name),
            since=health.since if health else None,
            next_try=health.next_try if health else None,
            last_success=self._last_success(name),
        )

    def _node_of(self, name: ChannelName) -> str:
        seat = self._seats.get(name)
        return (seat.holder or "") if seat is not None else ""

    def _counts(self, name: ChannelName) -> dict[str, int]:
        channel: object = self._channels.get(name)
        return dict(channel.counts()) if isinstance(channel, Counts) else {}

    def _last_success(self, name: ChannelName) -> datetime | None:
        channel: object = self._channels.get(name)
        return channel.last_success() if isinstance(channel, Looks) else None

    def health(self) -> Mapping[ChannelName, Health]:
        return self._supervisor.health

    async def pause(self, name: ChannelName) -> None:
        self._known(name)
        async with self._one_change:
            await self._table.set_paused(name, paused=True)
            self._paused.add(name)
            self._supervisor.pause(name)
        self.changed()

    async def resume(self, name: ChannelName) -> None:
        self._known(name)
        async with self._one_change:
            await self._table.set_paused(name, paused=False)
            self._paused.discard(name)
            self._supervisor.resume(name)
        self.changed()

    def settings_of(self, name: ChannelName) -> tuple[dict[str, Any], list[str]]:
        """What may be shown of a channel's settings, and which secrets are set."""
        if name not in self._unusable:
            self._known(name)
        raw = self._made.get(name) or self._declared[name]
        return shown(raw, self._secrets_of(raw))

    def trial(self, name: ChannelName, settings: Mapping[str, Any]) -> Channel:
        """One with these settings that is not run, to try them."""
        return self._opens(self._settings(name, self._with_secrets(name, settings)))

    def _opens(self, settings: Any) -> Channel:
        kind = next(t for t in self._kinds.values() if t.settings is type(settings))
        try:
            return kind.open(settings, self._services)
        except ChannelError as fault:
            raise Refused("bad_field", str(fault)) from fault

    def guesses(self, kind: str) -> Callable[[str], Awaitable[Guess]] | None:
        found = self._kinds.get(kind)
        return found.guess if found is not None else None

    def _secrets_of(self, raw: Mapping[str, Any]) -> Collection[str]:
        kind = self._kinds.get(str(raw.get("kind")))
        return kind.secrets if kind is not None else SECRETS

    def _with_secrets(self, name: ChannelName, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Those that are not said again stay as they are."""
        old = self._made.get(name) or self._declared.get(name) or {}
        return kept(old, settings, self._secrets_of(old))

    async def put(self, name: ChannelName, settings: Mapping[str, Any]) -> ChannelCard:
        """Open a channel, or open it anew with other settings."""
        if name in self._declared:
            raise Refused("conflict", f"{name!r} is declared in {self._file}; change it there")
        settings = self._with_secrets(name, settings)
        made = self._settings(name, settings)
        self._opens(made)
        async with self._one_change:
            await self._table.put(name, settings)
            await self._end(name)
            channel = self._open(made)
            self._made[name] = msgspec.json.decode(msgspec.json.encode(settings))
            self._unusable.pop(name, None)
            self.routes_changed()
            self._begin(channel)
        self.changed()
        return self._card(name)

    async def remove(self, name: ChannelName) -> None:
        if name not in self._unusable:
            self._known(name)
        if name in self._declared:
            raise Refused("conflict", f"{name!r} is declared in {self._file}; remove it there")
        async with self._one_change:
            await self._table.drop(name)
            await self._forget(name)
            self.routes_changed()
        self.changed()

    async def follow(self) -> None:
        """Do what was done at other nodes: open, change, close, pause and resume channels.

        Raises ``Unavailable``.
        """
        async with self._one_change:
            table = await self._table.made()
            made = {name: raw for name, raw in table.items() if name not in self._declared}
            paused = await self._table.paused()
            new = {name: raw for name, raw in made.items() if self._made.get(name) != raw}
            gone = self._made.keys() - made.keys()
            opened = []
            for name in gone:
                await self._forget(name)
            for name, raw in new.items():
                await self._forget(name)
                if (channel := self._open_made(name, raw)) is not None:
                    opened.append(channel)
            self._follow_pauses(paused, {channel.name for channel in opened})
            if new or gone:
                self.routes_changed()
            for channel in opened:
                self._begin(channel)

    def _follow_pauses(self, paused: set[ChannelName], fresh: set[ChannelName]) -> None:
        for name in (paused ^ self._paused) & self._channels.keys() - fresh:
            if name in paused:
                self._supervisor.pause(name)
            else:
                self._supervisor.resume(name)
        self._paused = set(paused)

    async def _forget(self, name: ChannelName) -> None:
        await self._end(name)
        self._made.pop(name, None)
        self._channels.pop(name, None)
        self._kinds_by_name.pop(name, None)
        self._queues.pop(name, None)
        self._forget_addresses(name)
        self._unusable.pop(name, None)
        self._paused.discard(name)
        self._supervisor.forget(name)

    async def _end(self, name: ChannelName) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._leave_seat(name)

    def _leave_seat(self, name: ChannelName) -> None:
        seat = self._seats.pop(name, None)
        if seat is not None:
            seat.leave()

    def _known(self, name: ChannelName) -> None:
        if name not in self._channels:
            raise Refused("not_found", f"there is no channel {name!r}", "name")
