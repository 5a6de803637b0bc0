"""The whole demonstration: mail server, node, company, played customers and agents."""

import asyncio
import fcntl
import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import tomli_w
from msgspec import Struct

from gateway.demo import company
from gateway.demo.control import Control, Life
from gateway.demo.customers import World, play
from gateway.demo.keeper import CannotServe, Keeper
from gateway.demo.mailserver import Account, DemoMail, Ports
from gateway.demo.workers import work

NODE = "demo-1"


class Wish(Struct, frozen=True, kw_only=True):
    """How the demo was asked for."""

    host: str = "127.0.0.1"
    port: int = 8080
    quiet: bool = False
    agents: int = 0
    seconds: float | None = None
    data_dir: Path = Path("var/demo")
    seed: int | None = None


async def show(wish: Wish, say: Callable[[dict[str, str]], None]) -> None:
    """Run until cancelled, or for ``wish.seconds``; ``say`` gets the sign-in links once."""
    life = Life(name=NODE)
    control = Control(life)
    async with AsyncExitStack() as stack:
        stack.enter_context(alone_in(wish.data_dir))
        mail = DemoMail([Account(company.SUPPORT), Account(company.YOU, drop_oldest=True)])
        ports = await mail.start()
        stack.push_async_callback(mail.stop)
        control_url = await control.start()
        stack.push_async_callback(control.stop)
        token = secrets.token_urlsafe(32)
        file = write_config(wish, ports, token)
        keeper = Keeper(file, control_url, life)
        world = World(
            mail=mail,
            ports=ports,
            url=f"http://{wish.host}:{wish.port}".replace("0.0.0.0", "127.0.0.1"),  # noqa: S104
            token=token,
            callback_url=f"{control_url}/callback",
            dice=random.Random(wish.seed),  # noqa: S311 - a play, not a secret
        )
        try:
            async with asyncio.timeout(wish.seconds):
                async with asyncio.TaskGroup() as group:

                    async def begin() -> None:
                        control.links = await _people(world, wish)
                        control.world = world
                        say(control.links)
                        _start_playing(group, world, wish, control.links)

                    group.create_task(keeper.run(begin), name="node")
        except TimeoutError:
            if wish.seconds is None:
                raise


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
    url = f"{world.url.replace('http', 'ws', 1)}/agent/v1"
    for name in company.played_names(wish.agents):
        token = links.pop(f"token:{name}")
        dice = random.Random(f"{wish.seed}:{name}")  # noqa: S311 - a play
        group.create_task(work(url, token, dice), name=f"agent:{name}")


def write_config(wish: Wish, ports: Ports, token: str) -> Path:
    """The node's configuration, an ordinary one."""
    wish.data_dir.mkdir(parents=True, exist_ok=True)
    url = f"http://{wish.host}:{wish.port}"
    config: dict[str, Any] = {
        "node": {"name": NODE, "region": "demo", "data_dir": str(wish.data_dir / "node")},
        "http": {"listen": f"{wish.host}:{wish.port}", "public_url": url},
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
    file = wish.data_dir / "switchroom.toml"
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
            "/api/v1/directory", json=company.declaration(wish.agents)
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
        for name in company.played_names(wish.agents):
            links[f"token:{name}"] = await _token(session, name, "agent")
    return links


async def _token(session: aiohttp.ClientSession, name: str, role: str) -> str:
    body = {"agent": name, "role": role, "label": "demo"}
    async with session.post("/api/v1/tokens", json=body) as answer:
        return str((await answer.json())["token"])
