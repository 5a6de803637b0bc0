"""``switchroom check``: everything in the configuration, really tried."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.cli.settings import needed_settings
from gateway.failures import Failed

if TYPE_CHECKING:
    from gateway.config import Settings
    from gateway.ports import Channel

PATIENCE_SECONDS = 30.0


class Tried(NamedTuple):
    """One thing that was tried; ``fix`` says what to do if it did not work."""

    part: str
    what: str
    fix: str | None


def check(*, config: Path | None = None) -> None:
    """Read the configuration, then connect to the database, each mailbox and provider.

    Parameters
    ----------
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    """
    settings = needed_settings(config)
    tried = [
        Tried("configuration", f"{settings.file} is valid", None),
        *asyncio.run(_try_all(settings)),
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


async def _try_all(settings: "Settings") -> list[Tried]:
    found = [await _try_database(settings)]
    for one in settings.channels:
        found += await _try_channel(settings, one)
    return found


async def _try_database(settings: "Settings") -> Tried:
    from gateway.cli.access import opened
    from gateway.core.errors import GatewayError

    place = settings.store.dsn and "the database in store.dsn"
    place = place or f"the embedded PostgreSQL in {settings.node.data_dir}"
    try:
        async with opened(settings) as store:
            version = await store.pool.fetchval("SHOW server_version")
    except (GatewayError, OSError) as error:
        return Tried("database", place, str(error) or type(error).__name__)
    return Tried("database", f"{place} (PostgreSQL {version})", None)


async def _try_channel(settings: "Settings", one: Any) -> list[Tried]:
    part = f"channel {one.name}"
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return [Tried(part, what, fix) for what, fix in await _open(settings, one).check()]
    except TimeoutError:
        seconds = f"no answer within {PATIENCE_SECONDS:.0f} s"
        return [Tried(part, f"{one.kind} channel", f"{seconds}: check host and port")]
    except Exception as error:  # noqa: BLE001 - a third party's channel may raise anything
        return [Tried(part, f"{one.kind} channel", f"{type(error).__name__}: {error}")]


def _open(settings: "Settings", one: Any) -> "Channel":
    """The channel without a node: a check only looks outside."""
    import channels
    from gateway.clock import SystemClock
    from gateway.ports import Services

    nothing: Any = _Nothing()
    services = Services(
        clock=SystemClock(),
        intake=nothing,
        memory=nothing,
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


class _Nothing:
    """Stands where the node would be."""

    def __getattr__(self, name: str) -> Any:
        async def nobody(*_args: Any, **_options: Any) -> None:
            return None

        return nobody
