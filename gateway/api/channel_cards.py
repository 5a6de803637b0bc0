"""Channels as the admin sees them, and what a channel may tell of itself for that."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from msgspec import Struct, field

from gateway.core.ids import ChannelName
from gateway.ports import Limits, Outbound


class ChannelCard(Struct, frozen=True, kw_only=True):
    """A channel as the admin sees it; ``declared_in`` names the file, empty: made by an admin.

    ``reason`` is a sentence; ``code`` the kind of fault behind it (``core.errors``), if any.
    ``counts`` compare what the outside holds with what is stored here, where a channel can tell.
    ``node`` runs it, if only one node does at a time; empty: every node, or none just now.
    ``since`` is how long ``health`` has been so, ``next_try`` when one that is down is tried again,
    ``last_success`` when its source was last seen to be dealt with, as far as this node knows.
    """

    name: ChannelName
    kind: str
    queue: str
    health: str
    reason: str = ""
    code: str = ""
    declared_in: str = ""
    node: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    since: datetime | None = None
    next_try: datetime | None = None
    last_success: datetime | None = None


@runtime_checkable
class Counts(Protocol):
    """A channel whose source can be counted (a mailbox)."""

    def counts(self) -> Mapping[str, int]:
        """What there is by name, as of the last look."""
        ...


@runtime_checkable
class Looks(Protocol):
    """A channel that knows when its source was last dealt with."""

    def last_success(self) -> datetime | None:
        """When all that was there had been stored, or a mail server's mail was."""
        ...


@runtime_checkable
class Composes(Protocol):
    """A channel that can show what a message leaves as."""

    def source(self, out: Outbound) -> bytes:
        """The same bytes at every attempt. Raises ``Undeliverable``."""
        ...


@runtime_checkable
class Carries(Protocol):
    """A channel that says what a message of it may hold."""

    limits: Limits
