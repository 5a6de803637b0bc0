"""The reducer law under random interleavings of commits, arrivals, departures and resumes."""

from collections import deque

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.errors import IllegalMove, Refused
from gateway.core.ids import AgentName, CommandId, SiteName
from gateway.core.model import ChannelKind, Delivery, DeliveryUpdate, Item, ItemState, Site
from push.hub import Hub
from push.protocol import AgentCard, ResumeFrom, Welcome, decode_server
from push.reducer import Desktop, Verdict
from push.session import encode
from tests.support.pushworld import QUEUE, START, World, agrees

AGENTS = ("ana", "ben")
PORT = SiteName("port")
agents = st.sampled_from(AGENTS)
dice = st.integers(0, 1_000_000)


class Client:
    """A tab: what it knows outlives its connections."""

    def __init__(self, agent: str, name: str) -> None:
        self.agent = AgentName(agent)
        self.name = name
        self.desktop = Desktop()
        self.connection: Connection | None = None


class Connection:
    """One connection of a client; what is in flight when it breaks is lost."""

    def __init__(self, client: Client) -> None:
        self.agent = client.agent
        self.client = client
        self.resume: ResumeFrom | None = client.desktop.resume_from
        self.in_flight: deque[str | bytes] = deque()
        self.welcomed = False
        self.lost = False

    def post(self, *frames: str | bytes) -> None:
        assert self.welcomed, "nothing may be shown before the attachment has committed"
        self.in_flight += frames

    def welcome(self, epoch: int, seq: int) -> None:
        self.welcomed = True
        card = AgentCard(name=self.agent, display_name="", role="agent")
        frame = Welcome(
            version=1,
            session=self.client.name,
            epoch=epoch,
            seq=seq,
            node="here",
            region="",
            peers=(),
            heartbeat=10,
            server_time=START,
            agent=card,
        )
        self.post(encode(frame))

    def lose(self, code: int, reason: str) -> None:
        self.lost = True

    def deliver(self, count: int) -> None:
        for _ in range(min(count, len(self.in_flight))):
            text = self.in_flight.popleft()
            verdict = self.client.desktop.apply(decode_server.decode(text))
            assert verdict is Verdict.APPLIED, f"{verdict}: {text[:300]!r}"


class Interleavings(RuleBasedStateMachine):
    """A node, its hub and some tabs; anything may happen between any two commits."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(*AGENTS)
        # So little is kept for replay that resumes fail as often as they succeed.
        self.hub = Hub(self.world.clock.monotonic, budget_bytes=12_000, keep_seconds=50)
        profiles = list(self.world.state.profiles.values())
        self.hub.load((), (), profiles)
        self.world.subscribe(self.hub.consume)
        self.clients: list[Client] = []
        for agent in ("ana", "ana", "ben"):
            self.a_tab_is_opened(agent)
            self.world.give(agent)
            self.world.arrive(ChannelKind.WEBCHAT)
        self.everything_arrives()

    # -- work -------------------------------------------------------------------------------

    def some(self, die: int, *states: ItemState) -> Item | None:
        items = [i for i in self.world.state.items.values() if i.state in states]
        return items[die % len(items)] if items else None

    def move(self, event: e.Event) -> None:
        try:
            self.world.happen(event)
        except IllegalMove as illegal:
            raise AssertionError("the test asked for a move that is none") from illegal

    def command(self, agent: str, command: c.Command) -> None:
        try:
            changes, _ = self.world.decide(AgentName(agent), command)
        except Refused:
            return
        self.world.record(changes)

    def cid(self) -> CommandId:
        return CommandId(self.world.new_id())

    @rule(kind=st.sampled_from([ChannelKind.EMAIL, ChannelKind.WEBCHAT]))
    def a_contact_arrives(self, kind: ChannelKind) -> None:
        if len(self.world.state.items) < 12:
            self.world.arrive(kind)

    @rule(die=dice, agent=agents)
    def it_is_offered(self, die: int, agent: str) -> None:
        if item := self.some(die, ItemState.QUEUED):
            self.world.offer(item, agent)

    @rule(die=dice, how=st.sampled_from(["accept", "decline", "miss", "withdraw"]))
    def the_offer_ends(self, die: int, how: str) -> None:
        item = self.some(die, ItemState.OFFERED)
        if item is None or item.offer is None:
            return
        offer, agent = item.offer.id, item.offer.agent
        match how:
            case "accept":
                self.command(agent, c.Accept(id=self.cid(), offer=offer))
            case "decline":
                self.command(agent, c.Decline(id=self.cid(), offer=offer))
            case "miss":
                self.move(e.OfferMissed(item=item.id, offer=offer, agent=agent))
            case _:
                self.move(e.OfferWithdrawn(item=item.id, offer=offer, agent=agent, reason="gone"))

    @rule(
        die=dice,
        what=st.sampled_from(
            ["send", "send_close", "note", "park", "resume", "wrapup", "tag", "to_queue", "to_ben"]
        ),
    )
    def an_agent_acts(self, die: int, what: str) -> None:
        mine = (ItemState.ASSIGNED, ItemState.WRAPPING, ItemState.HELD)
        item = self.some(die, *mine)
        if item is None:
            return
        agent = item.agent or item.last_agent or AGENTS[0]
        i, command = item.id, self.cid()
        acts: dict[str, c.Command] = {
            "send": c.Send(id=command, item=i, body="Here it is."),
            "send_close": c.Send(id=command, item=i, body="Bye.", then="close"),
            "note": c.Note(id=command, item=i, body="called them"),
            "park": c.Park(id=command, item=i),
            "resume": c.Resume(id=command, item=i),
            "wrapup": c.Wrapup(id=command, item=i, code="done"),
            "to_queue": c.Transfer(id=command, item=i, queue=QUEUE),
            "to_ben": c.Transfer(id=command, item=i, agent=AgentName("ben")),
        }
        if what == "tag":
            tags = (f"t{die % 7}",)
            self.move(e.CaseChanged(case=item.case, by=agent, tags=tags))
        else:
            self.command(agent, acts[what])

    @rule(die=dice)
    def the_customer_speaks(self, die: int) -> None:
        if item := self.some(die, *ItemState):
            self.world.hear(item, "And?")

    @rule(die=dice)
    def a_supervisor_reassigns(self, die: int) -> None:
        states = (ItemState.QUEUED, ItemState.ASSIGNED, ItemState.WRAPPING, ItemState.HELD)
        if item := self.some(die, *states):
            agent = AgentName(AGENTS[die % 2])
            self.move(e.ItemAssigned(item=item.id, agent=agent, by="boss", reason="so"))

    @rule(die=dice)
    def an_item_is_put_off(self, die: int) -> None:
        if item := self.some(die, ItemState.ASSIGNED, ItemState.QUEUED):
            self.move(e.ItemScheduled(item=item.id, until=START, reason="later"))

    @rule(die=dice)
    def an_item_is_canceled(self, die: int) -> None:
        if item := self.some(die, ItemState.QUEUED, ItemState.ASSIGNED, ItemState.HELD):
            self.move(e.ItemCanceled(item=item.id, by="api", reason="not needed"))

    @rule(die=dice)
    def a_priority_changes(self, die: int) -> None:
        if item := self.some(die, *ItemState):
            self.move(e.ItemReprioritised(item=item.id, by="boss", priority=die % 9))

    @rule(die=dice)
    def a_delivery_goes_on(self, die: int) -> None:
        if item := self.some(die, ItemState.ASSIGNED, ItemState.HELD):
            message = self.world.hear(item, "hm")
            self.world.happen(
                e.DeliveryChanged(message=message.id, case=item.case, state=Delivery.READ),
                DeliveryUpdate(message=message.id, delivery=Delivery.READ),
            )

    @rule(agent=agents, ready=st.booleans())
    def presence_changes(self, agent: str, ready: bool) -> None:
        state = c.State(id=self.cid(), state="ready" if ready else "not_ready")
        self.command(agent, state)

    @rule(agent=agents, at_once=st.integers(0, 5))
    def a_profile_changes(self, agent: str, at_once: int) -> None:
        old = self.world.state.profiles[AgentName(agent)]
        new = replace(old, capacity={ChannelKind.EMAIL: at_once})
        self.move(e.AgentDefined(profile=new, by="admin"))

    @rule(percent=st.sampled_from([0, 40, 100]), reason=st.sampled_from(["storm", "strike"]))
    def a_site_closes_or_opens(self, percent: int, reason: str) -> None:
        site = Site(name=PORT, open_percent=percent, reason=reason)
        self.move(e.SiteChanged(site=site))

    @rule(agent=agents, at=st.sampled_from([PORT, SiteName("")]))
    def an_agent_sits_elsewhere(self, agent: str, at: SiteName) -> None:
        old = self.world.state.profiles[AgentName(agent)]
        self.move(e.AgentDefined(profile=replace(old, site=at), by="admin"))

    # -- connections ------------------------------------------------------------------------

    def a_tab_is_opened(self, agent: str) -> None:
        client = Client(agent, f"tab{len(self.clients)}")
        self.clients.append(client)
        self.connect(client)

    @rule(agent=agents)
    def another_tab_is_opened(self, agent: str) -> None:
        if len(self.clients) < 5:
            self.a_tab_is_opened(agent)

    @rule(die=dice)
    def a_tab_comes_back(self, die: int) -> None:
        away = [client for client in self.clients if client.connection is None]
        if away:
            self.connect(away[die % len(away)])

    @rule(die=dice)
    def a_connection_breaks(self, die: int) -> None:
        here = [client for client in self.clients if client.connection is not None]
        if here:
            self.disconnect(here[die % len(here)])

    def connect(self, client: Client) -> None:
        client.connection = Connection(client)
        attached = self.world.attach(client.agent, client.name)
        self.hub.arrive(client.connection, attached)

    def disconnect(self, client: Client) -> None:
        assert client.connection is not None
        self.hub.leave(client.connection)
        self.world.detach(client.agent, client.name, "gone")
        client.connection = None

    # -- time -------------------------------------------------------------------------------

    @rule(count=st.integers(1, 8))
    def the_journal_commits(self, count: int) -> None:
        self.world.commit(count)

    @rule(count=st.integers(1, 20), die=dice)
    def the_network_delivers(self, count: int, die: int) -> None:
        here = [client.connection for client in self.clients if client.connection is not None]
        if here:
            here[die % len(here)].deliver(count)

    @rule(seconds=st.integers(0, 40))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.seconds += seconds
        self.hub.sweep()

    @rule()
    def everything_arrives(self) -> None:
        self.world.commit()
        for client in self.clients:
            if client.connection is not None:
                client.connection.deliver(len(client.connection.in_flight))
                assert agrees(client.desktop, self.world, client.agent)

    @invariant()
    def nothing_failed_and_memory_is_bounded(self) -> None:
        assert self.hub.resyncs == 0
        for client in self.clients:
            assert client.connection is None or not client.connection.lost

    def teardown(self) -> None:
        self.everything_arrives()


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(
    max_examples=100,
    stateful_step_count=60,
    # Shrinking takes longer than a test may; add Phase.shrink by hand to look at a failure.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
