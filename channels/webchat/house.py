"""What the connections of one channel share."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct

from channels.webchat.calls import Calls
from channels.webchat.hub import Hub
from channels.webchat.pace import Buckets
from channels.webchat.settings import Settings
from gateway.ports import Services


class House(Struct, frozen=True, kw_only=True):
    """What the connections of a channel share. ``spawn`` runs something beside the reader."""

    settings: Settings
    services: Services
    hub: Hub[Any]
    messages: Buckets
    calls: Calls
    loads: asyncio.Semaphore
    heartbeat: float
    spawn: Callable[[Coroutine[Any, Any, None]], None]
