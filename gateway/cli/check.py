"""``switchroom check``: everything in the configuration, really tried."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from gateway.cli.settings import needed_settings
from gateway.failures import Failed

if TYPE_CHECKING:
    from gateway.config import Settings
    from gateway.core.ids import ChannelName
    from gateway.ports import Channel, ChannelMemory, Memory
    from gateway.store.contract import Term

PATIENCE_SECONDS = 30.0
PROOF_SECONDS = 120.0
"""How much longer, if mail is sent and waited for."""


class Tried(NamedTuple):
    """One thing that was tried; ``fix`` says what to do if it did not work."""

    part: str
    what: str
    fix: str | None


def check(*, config: Path | None = None, send: bool = False) -> None:
    """Read the configuration, then connect to the database, each mailbox and provider.

    Parameters
    ----------
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    send
        Send a mail from each mailbox to itself as well, and see it arrive. It is removed again,
        and a node that reads the mailbox meanwhile makes no case of it.
    """
    settings = needed_settings(config)
    tried = [
        Tried("configuration", f"{settings.file} is valid", None),
        *asyncio.run(_try_all(settings, send=send)),
    ]
    _print(tried)
    wrong = [one for one in tried if one.fix is not None]
    if wrong:
        raise Failed(f"{len(wrong)} of {len(tried)} checks failed: see what to do above")


def _print(tried: Sequence[Tried]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "part", "what", "what to do", show_lines=False)
    for one in tried:
        sign = "[red]✗[/red]" if one.fix is not None else "[green]✓[/green]"
        table.add_row(sign, escape(one.part), escape(one.what), escape(one.fix or ""))
    Console().print(table)


async def _try_all(settings: "Settings", *, send: bool) -> list[Tried]:
    from gateway.cli.access import opened
    from gateway.core.errors import GatewayError
    from gateway.flow.conversations import MemoryShelf

    place = settings.store.dsn and "the database in store.dsn"
    place = place or f"the embedded PostgreSQL in {settings.node.data_dir}"
    async with AsyncExitStack() as stack:
        try:
            store = await stack.enter_async_context(opened(settings))
            version = await store.pool.fetchval("SHOW server_version")
            made = await store.channels.made()
        except (GatewayError, OSError) as error:
            found = [Tried("database", place, str(error) or type(error).__name__)]
            return found + await _try_channels(settings.channels, settings, _Away(), send=send)
        found = [Tried("database", f"{place} (PostgreSQL {version})", None)]
        # What a provider hands out in the course of it is kept where the nodes keep it.
        memory = MemoryShelf(store.lookup, _no_duty)
        channels, wrong = _with_made(settings, made)
        found += wrong
        return found + await _try_channels(channels, settings, memory, send=send)


def _with_made(
    settings: "Settings", made: "Mapping[ChannelName, Mapping[str, Any]]"
) -> tuple[list[Any], list[Tried]]:
    """What the file declares and what admins made beside it; and what is wrong with the latter."""
    import channels
    from gateway.config import ConfigError, channel_settings

    kinds = {name: one.settings for name, one in channels.table().items()}
    found, wrong = list(settings.channels), []
    for name, raw in made.items():
        if all(one.name != name for one in settings.channels):
            try:
                found.append(channel_settings({**raw, "name": name}, kinds))
            except ConfigError as error:
                wrong.append(Tried(f"channel {name}", "settings", "; ".join(error.problems)))
    return found, wrong


async def _no_duty() -> "Term":
    raise Failed("a check holds no duty")


async def _try_channels(
    channels: Sequence[Any], settings: "Settings", memory: "ChannelMemory", *, send: bool
) -> list[Tried]:
    return [
        tried for one in channels for tried in await _try_channel(settings, one, memory, send=send)
    ]


@runtime_checkable
class Proves(Protocol):
    """A channel that can send something to itself and see it arrive."""

    async def prove(self) -> list[tuple[str, str | None]]: ...


async def _try_channel(
    settings: "Settings", one: Any, memory: "ChannelMemory", *, send: bool
) -> list[Tried]:
    part = f"channel {one.name}"
    patience = PATIENCE_SECONDS + (PROOF_SECONDS if send else 0.0)
    try:
        async with asyncio.timeout(patience):
            channel = _open(settings, one, memory)
            found = await channel.check()
            if send and isinstance(channel, Proves) and not any(fix for _, fix in found):
                found = [*found, *await channel.prove()]
            return [Tried(part, what, fix) for what, fix in found]
    except TimeoutError:
        seconds = f"no answer within {patience:.0f} s"
        return [Tried(part, f"{one.kind} channel", f"{seconds}: check host and port")]
    except Exception as error:  # noqa: BLE001 - a third party's channel may raise anything
        return [Tried(part, f"{one.kind} channel", f"{type(error).__name__}: {error}")]


def _open(settings: "Settings", one: Any, memory: "ChannelMemory") -> "Channel":
    """The channel without a node: a check only looks outside."""
    import channels
    from gateway.clock import SystemClock
    from gateway.ports import Services

    nothing: Any = _Nothing()
    services = Services(
        clock=SystemClock(),
        intake=nothing,
        memory=memory,
        conversations=nothing,
        feed=nothing,
        files=nothing,
        signals=nothing,
        delivered=nothing,
        secret=bytes(32),
        public_url=settings.public_url,
        node=settings.node_name,
    )
    kind = next(t for t in channels.table().values() if t.settings is type(one))
    return kind.open(one, services)


class _Away:
    """Without the database nobody knows the newest refresh token, and none is spent."""

    async def load(self, _channel: "ChannelName", _key: str) -> bytes | None:
        raise _away()

    async def save(self, _channel: "ChannelName", _memory: "Memory") -> None:
        raise _away()

    async def swap(
        self, _channel: "ChannelName", _key: str, _known: bytes | None, _value: bytes
    ) -> bool:
        raise _away()


def _away() -> Exception:
    from gateway.core.errors import Refused

    return Refused("unavailable", "the database cannot be reached; see to that first")


class _Nothing:
    """Stands where the node would be."""

    def __getattr__(self, name: str) -> Any:
        async def nobody(*_args: Any, **_options: Any) -> None:
            return None

        return nobody
