"""All that the API is given by the composition root."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from argon2 import PasswordHasher
from msgspec import Struct, field

from gateway.api.colleagues import Spoken
from gateway.api.intervals import Intervals
from gateway.api.needs import (
    Among,
    Asks,
    ChannelRoom,
    Database,
    Elsewhere,
    Erasing,
    Evacuation,
    Figures,
    Keys,
    Labels,
    Lag,
    Listing,
    Nodes,
    Notes,
    People,
    Presences,
    Sends,
    Sweeps,
    Tokens,
    Vitals,
    Wallboard,
)
from gateway.api.reports import Reported
from gateway.api.search import Search
from gateway.flow.node import Node
from gateway.flow.ticketlinks import TicketLinks
from gateway.ports import Clock, HttpRoute, Shows

Purpose = Literal["agent", "chat"]


class Site(Struct, frozen=True, kw_only=True):
    """Where and what this node is, as a page needs to know it before login."""

    node: str
    region: str
    version: str
    public_url: str
    agent_ws: str
    chat_ws: str
    locales: tuple[str, ...] = ("en",)


class House(Struct, frozen=True, kw_only=True):
    """The node's parts, the store's aggregates, the process, and what the operator decided.

    ``other_routes`` are those of the channels, which the OpenAPI document describes too;
    ``database`` is ``None`` if it is the embedded one; ``among`` where there are no other nodes;
    ``peers`` gives the other nodes' addresses for a purpose ("agent", "chat");
    ``lag_buckets`` are the upper limits of ``lag.counts``;
    ``shows`` makes mails readable, where there is a kind of channel that brings any;
    ``asyncapi`` is the document of the websocket protocols, ready made.
    """

    site: Site
    clock: Clock
    node: Node
    tokens: Tokens
    people: People
    erasing: Erasing
    retention: Sweeps
    presence: Presences
    listing: Listing
    skills: Labels
    codes: Labels
    reports: Reported
    intervals: Intervals
    search: Search
    keys: Keys
    notes: Notes
    colleagues: Spoken
    nodes: Nodes
    evacuation: Evacuation
    asks: Asks
    sends: Sends
    figures: Figures
    board: Wallboard
    overflow: Elsewhere
    links: TicketLinks
    channels: ChannelRoom
    vitals: Vitals
    peers: Callable[[Purpose], tuple[str, ...]] = lambda _purpose: ()
    shows: Shows | None = None
    database: Database | None = None
    among: Among | None = None
    lag: Lag | None = None
    lag_buckets: tuple[float, ...] = ()
    bootstrap_token: str = ""
    token_hours: float = 12.0
    asyncapi: Mapping[str, Any] = field(default_factory=dict)
    other_routes: tuple[HttpRoute, ...] = ()
    hasher: PasswordHasher = field(default_factory=PasswordHasher)
