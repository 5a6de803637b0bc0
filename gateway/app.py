"""The composition root: builds every part, runs them in one scope, stops them in order.

``serving`` gives a running ``App``; ``main`` is the process: it serves until SIGTERM, says where on
stdout, and drains. A node that was fenced forgets everything and begins anew behind the same port.
Nothing else in the house knows more than its own seams.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from signal import SIGINT, SIGTERM

import uvloop
from uuid_utils import uuid7

import channels as kinds
from gateway import logs
from gateway.among import card_of
from gateway.api import Api, House
from gateway.api.attachments import file_of, handed_out
from gateway.api.house import Site
from gateway.channelroom import ChannelRoom
from gateway.clamd import Clamd
from gateway.clock import SystemClock
from gateway.cluster.colleagues import Overhearing
from gateway.cluster.gate import boottime
from gateway.cluster.homes import Homes
from gateway.cluster.joining import Joining, staying
from gateway.config import Settings
from gateway.core import events as e
from gateway.core.edition import EDITION
from gateway.core.ids import AgentName, ChannelName, QueueName
from gateway.core.model import Queue
from gateway.core.replytoken import ReplyTokens
from gateway.door import Door
from gateway.flow.gate import Gate
from gateway.flow.node import Node
from gateway.flow.openhours import OpenHours
from gateway.flow.ticketlinks import TicketLinks
from gateway.http import HttpMount
from gateway.lag import BUCKETS
from gateway.ports import Channel, ChannelType, HttpRoute, Services, Shows
from gateway.rejoin import Lives
from gateway.running import App
from gateway.sockets import Sockets
from gateway.store.contract import Term
from gateway.store.opening import Store, open_store
from push.asyncapi import document as agent_document
from push.server import AgentPush, PushSettings

DEFAULT_QUEUE = QueueName("general")
PATIENCE_SECONDS = 60.0
"""How long a node that begins waits for its database; an orchestrator starts them side by side."""
GC_THRESHOLDS = (100_000, 50, 1_000)
"""Half of a mass reconnect is garbage collection with the default thresholds."""

Extra = Callable[[App], Sequence[HttpRoute]]


def _nothing(_: App) -> Sequence[HttpRoute]:
    return ()


@asynccontextmanager
async def serving(
    settings: Settings,
    *,
    extra: Extra = _nothing,
    channel_types: Mapping[str, ChannelType] | None = None,
) -> AsyncIterator[App]:
    """A node that serves: everything built, the port open. Leaving drains and stops it.

    ``extra`` are further resources (the demo's), ``channel_types`` the table of kinds if not the
    house's own. Raises ``OSError`` when the port is taken, ``NameTaken`` when the name is, the
    store's errors when there is no database, ``Fenced`` when another incarnation has taken over.
    """
    table = kinds.table() if channel_types is None else channel_types
    async with (
        _ground(settings) as (store, door),
        incarnation(settings, store, door, table, extra) as app,
    ):
        yield app


@asynccontextmanager
async def _ground(settings: Settings) -> AsyncIterator[tuple[Store, Door]]:
    """What lasts as long as the process, whatever becomes of the node."""
    door = Door(settings.http)
    async with open_store(
        data_dir=settings.node.data_dir, dsn=settings.store.dsn or None, patience=PATIENCE_SECONDS
    ) as store:
        try:
            yield store, door
        finally:
            await door.close()


@asynccontextmanager
async def incarnation(
    settings: Settings, store: Store, door: Door, table: Mapping[str, ChannelType], extra: Extra
) -> AsyncIterator[App]:
    """One life of the node. However it ends, nothing of it is left."""
    app, mount = await _build(settings, store, table, extra)
    problem: Exception | None = None
    try:
        async with asyncio.TaskGroup() as root:
            app.start(root)
            await app.api.finish()
            await app.serve(root, mount, door)
            gc.collect()
            gc.freeze()
            try:
                yield app
            except Exception as raised:  # noqa: BLE001 - raised again below, by itself
                problem = raised
            except asyncio.CancelledError:
                app.fall_silent()  # before anything else of it ends
                raise
            await app.stop()
        await app.farewell()
    finally:
        gc.unfreeze()
        await app.leave()
    if problem is not None:
        raise problem


async def _build(
    settings: Settings, store: Store, table: Mapping[str, ChannelType], extra: Extra
) -> tuple[App, HttpMount]:
    """Every part, loaded and ready to be set going; meanwhile the lease is kept alive."""
    term = await _joined(settings, store)
    async with staying(store.journal, term, card_of(settings, "joining")):
        return await _built(settings, store, table, extra, term)


async def _built(
    settings: Settings, store: Store, table: Mapping[str, ChannelType], extra: Extra, term: Term
) -> tuple[App, HttpMount]:
    channels: dict[ChannelName, Channel] = {}
    queues: dict[ChannelName, QueueName] = {}
    node = await Node.start(
        name=settings.node_name,
        region=settings.node.region,
        clock=SystemClock(),
        new_id=lambda: str(uuid7()),
        journal=store.journal,
        lookup=store.lookup,
        channels=channels,
        queue_of=lambda name: queues.get(name, DEFAULT_QUEUE),
        gate=Gate(boottime),
        term=term,
        contacts=store.contacts,
        paces=store.paces,
    )
    node.ledger.written = await _written(store, term)
    secrets = await store.settings.secrets()
    links = TicketLinks(secrets, settings.customer_url)
    node.ledger.link, node.ledger.tokens = links.url, ReplyTokens(secrets)
    node.ledger.state.budget = settings.budget
    if settings.files.clamd:
        node.files.scan = Clamd(settings.files.clamd, settings.files.clamd_seconds).scan
    app = App(settings, store, node)
    app.rooms = ChannelRoom(
        kinds=table,
        services=await _services(app),
        supervisor=app.supervisor,
        table=store.channels,
        channels=channels,
        kinds_by_name=node.ledger.state.channels,
        addresses=node.ledger.state.addresses,
        ours=node.ledger.state.ours,
        queues=queues,
        file=settings.file,
        seats=app.among.seat_of,
    )
    app.rooms.open_declared(settings.channels, await store.channels.paused())
    app.rooms.open_made(await store.channels.made())
    if not node.ledger.state.queues:
        general = Queue(name=DEFAULT_QUEUE, display_name="General")
        node.ledger.record([e.Change(e.QueueDefined(queue=general, by="system"))])
    shows = next((kind.shows for kind in table.values() if kind.shows is not None), None)
    if shows is not None:
        node.desk.clean_with(shows.clean)
    app.api = api = Api(_house(app, links, shows))
    app.push = _push(app, api)
    app.sockets = Sockets([app.push.route()], heartbeat=settings.push.heartbeat)
    mount = HttpMount(
        [*api.routes(), *extra(app)], api.auth, files("push") / "static", app.pages.has
    )

    def serve_channels() -> None:
        app.sockets.replace(app.rooms.socket_routes())
        mount.replace(app.rooms.http_routes())

    app.rooms.routes_changed = serve_channels
    app.rooms.changed = lambda: app.among.bell.ring("channels")
    serve_channels()
    return app, mount


async def _joined(settings: Settings, store: Store) -> Term:
    """The right to write under this node's name, once nobody else has it or what it had."""
    card = card_of(settings, "joining")
    joining = Joining(store.journal, store.cluster, settings.node_name, card)
    return await joining.join(alone=store.server is not None)


async def _written(store: Store, term: Term) -> int:
    """The edition that may be written from the start: the newest, if no older node is there."""
    written = await store.cluster.require_known()
    if written < EDITION:
        written = await store.cluster.raise_edition(term, EDITION)
    return written


async def _services(app: App) -> Services:
    node = app.node
    hours = OpenHours(node.ledger)
    return Services(
        clock=app.clock,
        intake=node.intake,
        memory=node.memory,
        conversations=node.conversations,
        feed=node.ledger,
        files=node.files,
        signals=node.signals,
        delivered=node.note_delivery,
        secret=await app.store.settings.secret(),
        public_url=app.url,
        node=app.settings.node_name,
        agent_name=lambda name: _shown_name(node, name),
        knows_queue=lambda name: name in node.ledger.state.queues,
        closed=hours.closed,
        openings=hours.openings,
        callbacks=hours.callbacks,
        own_page=app.pages.has,
        peers=lambda: app.among.peers("chat"),
        others=app.among.tail,
        form_file=file_of,
        hand_out=handed_out,
        received=app.store.lookup.was_received,
    )


def _shown_name(node: Node, name: AgentName) -> str:
    """What customers see of an agent."""
    profile = node.ledger.state.profiles.get(name)
    return (profile.display_name if profile else "") or name


def _house(app: App, links: TicketLinks, shows: Shows | None) -> House:
    settings, store = app.settings, app.store
    return House(
        site=Site(
            node=settings.node.name,
            region=settings.node.region,
            version=version("switchroom"),
            public_url=app.url,
            agent_ws=f"{app.ws_url}/agent/v1",
            chat_ws=f"{app.ws_url}/chat/v1",
        ),
        peers=app.among.peers,
        clock=app.clock,
        node=app.node,
        tokens=store.tokens,
        people=store.people,
        erasing=store.retention,
        retention=app.retention,
        presence=store.homes,
        listing=store.listing,
        skills=store.skills,
        codes=store.codes,
        reports=store.reports,
        intervals=store.intervals,
        search=store.search,
        keys=store.keys,
        notes=store.settings,
        colleagues=store.colleagues,
        nodes=store.nodes,
        evacuation=app.among.evacuation,
        asks=app.among.asking,
        sends=app.among.sending,
        figures=app.among.figures,
        board=app.board,
        overflow=app.among.overflow,
        links=links,
        channels=app.rooms,
        vitals=app,
        shows=shows,
        database=store.lookout,
        among=app,
        lag=app.lag,
        lag_buckets=BUCKETS,
        bootstrap_token=settings.auth.bootstrap_token,
        token_hours=settings.auth.token_hours,
        asyncapi=agent_document(),
        other_routes=tuple(app.rooms.http_routes()),
    )


def _push(app: App, api: Api) -> AgentPush:
    """The agents' endpoint, seeded with what the node loaded."""
    settings, node = app.settings, app.node
    push = AgentPush(
        node.desk,
        node.ledger,
        api.auth,
        app.clock,
        node.signals,
        PushSettings(
            node=settings.node.name,
            region=settings.node.region,
            url=f"{app.ws_url}/agent/v1",
            public_url=app.url,
            heartbeat=settings.push.heartbeat,
        ),
        homes=Homes(
            node.ledger,
            app.store.homes,
            node.writer.current_term,
            node.departures,
            meet=app.among.directory.meet,
            release=app.among.releases.ask,
        ),
        live=app.board,
        own_page=app.pages.has,
        peers=lambda: app.among.peers("agent"),
        revoked=api.auth.revoked,
    )
    app.among.tail.subscribe(push.follow, [e.ServiceLevelEscalated])
    app.overhearing = Overhearing(app.among.tail, app.store.colleagues, push.hub, node.ledger.gate)
    state = node.ledger.state
    push.load(
        state.items.values(),
        state.cases.values(),
        state.profiles.values(),
        state.sites.values(),
    )
    return push


async def run(settings: Settings, extra: Extra = _nothing) -> None:
    """Serve until SIGTERM or SIGINT, say where on stdout, drain; begin anew when that is needed.

    Raises as ``serving`` and ``Lives.run`` do.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for signal in (SIGTERM, SIGINT):
        loop.add_signal_handler(signal, stop.set)
    async with _ground(settings) as (store, door):
        begin = partial(incarnation, settings, store, door, kinds.table(), extra)
        await Lives(begin, door, stop).run()


def main(settings: Settings, extra: Extra = _nothing) -> None:
    """``run`` on uvloop, with the garbage collector tuned. Raises as ``serving`` does."""
    logs.configure(settings.log)
    gc.set_threshold(*GC_THRESHOLDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(settings, extra))
