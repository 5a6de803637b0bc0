"""The whole demonstration: mail server, node, company, played customers and agents."""

import asyncio
import fcntl
import random
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import tomli_w
from msgspec import Struct
from msgspec.structs import replace

from gateway.demo import company
from gateway.demo.control import Control, Life
from gateway.demo.customers import World, play
from gateway.demo.keeper import CannotServe, Keeper
from gateway.demo.mailserver import Account, DemoMail, Ports
from gateway.demo.workers import work
from gateway.store.embedded import EmbeddedServer
from gateway.store.opening import create_database

CROWD, CROWD_EACH = 3, 4
"""So many played contacts for the visitor, and for each played agent, at a time."""
MOURNED_SECONDS = 20.0
"""Of several nodes a killed one stays away long enough for others to take its work."""


class Wish(Struct, frozen=True, kw_only=True):
    """How the demo was asked for."""

    host: str = "127.0.0.1"
    port: int = 8080
    quiet: bool = False
    agents: int = 0
    nodes: int = 1
    seconds: float | None = None
    data_dir: Path = Path("var/demo")
    seed: int | None = None

    def url(self, n: int = 0) -> str:
        """Where node number ``n`` serves; 0 is the first."""
        return f"http://{self.host}:{self.port + n}"


async def show(wish: Wish, say: Callable[[dict[str, str]], None]) -> None:
    """Run until cancelled, or for ``wish.seconds``; ``say`` gets the sign-in links once."""
    lives = [Life(name=f"demo-{n + 1}", url=wish.url(n)) for n in range(wish.nodes)]
    control = Control(*lives)
    async with AsyncExitStack() as stack:
        stack.enter_context(alone_in(wish.data_dir))
        mail = DemoMail([Account(company.SUPPORT), Account(company.YOU, drop_oldest=True)])
        ports = await mail.start()
        stack.push_async_callback(mail.stop)
        control_url = await control.start()
        stack.push_async_callback(control.stop)
        token = secrets.token_urlsafe(32)
        dsn = await stack.enter_async_context(_shared_database(wish)) if lives[1:] else ""
        mourned = MOURNED_SECONDS if lives[1:] else 0.0
        keepers = [
            Keeper(write_config(wish, ports, token, n, dsn), control_url, life, mourned=mourned)
            for n, life in enumerate(lives)
        ]
        world = World(
            mail=mail,
            ports=ports,
            url=wish.url().replace("0.0.0.0", "127.0.0.1"),  # noqa: S104
            token=token,
            callback_url=f"{control_url}/callback",
            dice=random.Random(wish.seed),  # noqa: S311 - a play, not a secret
            crowd=CROWD + CROWD_EACH * wish.agents,
        )
        try:
            async with asyncio.timeout(wish.seconds):
                async with asyncio.TaskGroup() as group:

                    async def begin() -> None:
                        control.links = await _people(world, wish)
                        await _others_serve(group, keepers[1:])
                        shop = replace(world, token=control.links.pop("token:shop"))
                        control.world = shop
                        say(control.links)
                        _start_playing(group, shop, wish, control.links)

                    group.create_task(keepers[0].run(begin), name="node")
        except TimeoutError:
            if wish.seconds is None:
                raise


@asynccontextmanager
async def _shared_database(wish: Wish) -> AsyncIterator[str]:
    """The one that a single node would start for itself, for all of them; its DSN."""
    server = EmbeddedServer(wish.data_dir / "node")
    await server.start()
    try:
        await create_database(server.dsn)
        yield server.dsn
    finally:
        await server.stop()


async def _others_serve(group: asyncio.TaskGroup, keepers: Sequence[Keeper]) -> None:
    """Start the other nodes, once the first has made the company; return when they serve."""

    async def nothing() -> None:
        return

    for keeper in keepers:
        group.create_task(keeper.run(nothing), name="another node")
    for keeper in keepers:
        await keeper.ready.wait()


@contextmanager
def alone_in(data_dir: Path) -> Iterator[None]:
    """Hold the folder: a second demo would write its ports into the first one's configuration.

    Raises ``CannotServe`` where another has it.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "demo.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            words = f"{data_dir} is in use by another demo: stop that one, or give another folder"
            raise CannotServe(words) from error
        yield


def _start_playing(
    group: asyncio.TaskGroup, world: World, wish: Wish, links: dict[str, str]
) -> None:
    if not wish.quiet:
        group.create_task(play(world), name="customers")
    ws = [wish.url(n).replace("http", "ws", 1) for n in range(wish.nodes)]
    urls = [f"{one.replace('0.0.0.0', '127.0.0.1')}/agent/v1" for one in ws]  # noqa: S104
    for name in company.played_names(wish.agents):
        token = links.pop(f"token:{name}")
        dice = random.Random(f"{wish.seed}:{name}")  # noqa: S311 - a play
        group.create_task(work(urls, token, dice), name=f"agent:{name}")


def write_config(wish: Wish, ports: Ports, token: str, n: int = 0, dsn: str = "") -> Path:
    """The configuration of node number ``n``, an ordinary one. ``dsn`` as in ``store.dsn``."""
    wish.data_dir.mkdir(parents=True, exist_ok=True)
    name = f"demo-{n + 1}"
    config: dict[str, Any] = {
        "node": {"name": name, "region": "demo", "data_dir": str(wish.data_dir / "node")},
        "store": {"dsn": dsn},
        "http": {"listen": f"{wish.host}:{wish.port + n}", "public_url": wish.url(n)},
        "auth": {"bootstrap_token": token},
        "push": {"heartbeat": 5.0},
        "channel": [
            {
                "kind": "email",
                "name": "support",
                "queue": "general",
                "address": f"Switchroom Support <{company.SUPPORT}>",
                "imap": _server(ports.imap, company.SUPPORT),
                "smtp": _server(ports.smtp, company.SUPPORT),
            },
            {
                "kind": "webchat",
                "name": "site",
                "queue": "general",
                "title": "Switchroom",
                "greeting": "Hello! How can we help?",
            },
            {
                "kind": "task",
                "name": "backoffice",
                "queue": "backoffice",
                "callback_private": True,
            },
        ],
    }
    file = wish.data_dir / (f"{name}.toml" if n else "switchroom.toml")
    file.write_bytes(tomli_w.dumps(config).encode())
    file.chmod(0o600)
    return file


def _server(port: int, user: str) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "user": user,
        "password": "demo",
    }


async def _people(world: World, wish: Wish) -> dict[str, str]:
    """Declare the company and make the links that sign one in with a click."""
    headers = {"Authorization": f"Bearer {world.token}"}
    async with aiohttp.ClientSession(world.url, headers=headers, raise_for_status=True) as session:
        async with session.put(
            "/api/v1/directory", json=company.declaration(wish.agents, datetime.now(UTC).date())
        ) as answer:
            await answer.read()
        links = {"demo": f"{world.url}/demo/"}
        for role, name, page in (
            ("agent", company.VISITOR_AGENT, "desktop"),
            ("supervisor", "sam", "supervisor"),
            ("admin", "alex", "admin"),
        ):
            token = await _token(session, name, role)
            links[role] = f"{world.url}/{page}/#token={token}"
        links["token:shop"] = await _token(session, company.FILES_TASKS, "admin")
        for name in company.played_names(wish.agents):
            links[f"token:{name}"] = await _token(session, name, "agent")
    return links


async def _token(session: aiohttp.ClientSession, name: str, role: str) -> str:
    body = {"agent": name, "role": role, "label": "demo"}
    async with session.post("/api/v1/tokens", json=body) as answer:
        return str((await answer.json())["token"])
