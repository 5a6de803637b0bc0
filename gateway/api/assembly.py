"""All resources over one house, and the list of what they serve."""

from typing import Protocol

from gateway.api.acts import Acts
from gateway.api.agents import Agents
from gateway.api.attachments import Attachments
from gateway.api.auth import Passwords, TokenAuth
from gateway.api.callbacks import Callbacks
from gateway.api.cases import Cases
from gateway.api.channel_setup import ChannelSetup
from gateway.api.channels import Channels
from gateway.api.colleagues import Colleagues
from gateway.api.customers import Customers
from gateway.api.directory import Directory
from gateway.api.docs import Documents
from gateway.api.duties import DutyResource
from gateway.api.errands import Errands
from gateway.api.health import HealthChecks
from gateway.api.house import House
from gateway.api.idempotency import Idempotency
from gateway.api.intent import Applier
from gateway.api.intervals import IntervalReports
from gateway.api.items import Items
from gateway.api.live import LiveNumbers
from gateway.api.macros import Macros
from gateway.api.mails import Mails
from gateway.api.metrics import Metrics
from gateway.api.nodes import NodeActs
from gateway.api.once import Once
from gateway.api.queues import Names, Queues
from gateway.api.reports import Reports
from gateway.api.reviews import Reviews
from gateway.api.rules import Rules
from gateway.api.search import SearchResource
from gateway.api.sessions import Sessions
from gateway.api.sites import Sites
from gateway.api.taking import Taking
from gateway.api.ticket import TicketPages
from gateway.api.ties import CaseTies
from gateway.api.timetable import HoursResource, PolicyResource
from gateway.api.tokens import TokenResource
from gateway.api.upkeep import Outbox, Quarantine
from gateway.api.wordings import CannedReplies, Letters
from gateway.ports import HttpRoute


class Resource(Protocol):
    """What serves some routes."""

    def routes(self) -> list[HttpRoute]: ...


class Api:
    """The node's REST. ``auth`` is for everybody who checks tokens."""

    def __init__(self, house: House) -> None:
        ledger = house.node.ledger
        self.auth = TokenAuth(
            house.tokens,
            house.clock,
            ledger.new_id,
            ledger.state.profiles.get,
            bootstrap_token=house.bootstrap_token,
        )
        passwords = Passwords(house.tokens, house.clock, house.hasher)
        once = Once(ledger, house.node.lookup)
        items = Items(ledger, house.listing, house.overflow)
        self._applier = Applier(house, self.auth)
        self._house = house
        self._errands = Errands(house.asks, ledger.new_id)
        self._idempotency = Idempotency(house.clock, house.keys, ledger.new_id)
        self._resources: list[Resource] = [
            Sessions(house, self.auth, passwords),
            items,
            Acts(house.node, items, house.listing, house.sends, once),
            Cases(house.node, house.listing, items, once, house.links),
            CaseTies(house.node, house.listing, once, house.links),
            Callbacks(house.node, house.listing, once),
            Customers(house),
            Attachments(house.node.files),
            Mails(house.node, house.listing, house.channels, house.shows),
            Agents(ledger, house.presence, house.tokens, self.auth, passwords, once),
            Queues(ledger, house),
            Names("skills", house.skills),
            Names("codes", house.codes),
            Sites(ledger, house.presence),
            HoursResource(ledger),
            PolicyResource(ledger),
            Rules(ledger, house.skills, house.codes),
            Macros(ledger, house.skills, house.codes),
            CannedReplies(ledger),
            Letters(ledger),
            Reviews(house.listing),
            Colleagues(ledger, house.colleagues, house.presence, house.listing, once),
            Reports(house.reports, house.codes, house.clock),
            IntervalReports(house.intervals, house.clock),
            SearchResource(house.node, house.search, house.links),
            Directory(house, self._applier, passwords),
            Channels(house.channels),
            ChannelSetup(house.channels, house.site.public_url),
            Quarantine(house.node, house.listing, house.channels),
            Outbox(house.node, house.listing, once),
            TokenResource(house.tokens, self.auth),
            Taking(ledger, house.listing),
            LiveNumbers(ledger, house.nodes, house.figures, house.board),
            DutyResource(house.among),
            NodeActs(house.evacuation),
            HealthChecks(house),
            Metrics(house),
            TicketPages(house),
            Documents(house, self._described),
        ]

    @property
    def errands_sent(self) -> int:
        """Requests that were done at another node, which decides about what they are about."""
        return self._errands.sent

    async def finish(self) -> None:
        """What an earlier process began and a crash cut off; before anybody is served."""
        await self._applier.finish()

    def routes(self) -> list[HttpRoute]:
        """Everything that REST serves; a POST with an ``Idempotency-Key`` is done once."""
        routes = (self._errands.wrap(r) for one in self._resources for r in one.routes())
        return [self._idempotency.wrap(route) for route in routes]

    def _described(self) -> list[HttpRoute]:
        return [*(r for one in self._resources for r in one.routes()), *self._house.other_routes]
