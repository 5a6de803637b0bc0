"""``switchroom user add``: an agent with a login."""

import asyncio
import getpass
import secrets
import sys
from typing import TYPE_CHECKING, Literal

from gateway.cli.node import Node, NotRunning, Where, connect, quoted
from gateway.cli.settings import load_settings
from gateway.failures import Failed

if TYPE_CHECKING:
    from gateway.config import Settings

SHORTEST = 8
_HERE = Where()


def add(
    name: str,
    *,
    role: Literal["agent", "supervisor", "admin"] = "agent",
    display_name: str = "",
    generate: bool = False,
    where: Where = _HERE,
) -> None:
    """Make an agent with a login, or give a known one a new password.

    Parameters
    ----------
    name
        The name to sign in with.
    role
        What the agent may do.
    display_name
        The name that colleagues and customers see.
    generate
        Make up a password and print it, instead of asking.
    """
    asked = None if generate or not sys.stdin.isatty() else _ask(name)
    password = asked or secrets.token_urlsafe(12)
    body: dict[str, str] = {"role": role, "password": password}
    if display_name:
        body["display_name"] = display_name
    if _put(where, name, body):
        print(f"{name} can sign in as {role}.")
    else:
        print(f"{name} can sign in as {role} from the next start: no node answered, so this was")
        print("written to the database; a node that runs already sees it when it starts again.")
    if asked is None:
        print(f"password (shown once): {password}")


def _ask(name: str) -> str | None:
    first = getpass.getpass(f"password for {name} (empty: make one up): ")
    if not first:
        return None
    if len(first) < SHORTEST:
        raise Failed(f"a password has at least {SHORTEST} characters")
    if getpass.getpass("once more: ") != first:
        raise Failed("the two are not the same; nothing was changed")
    return first


def _put(where: Where, name: str, body: dict[str, str]) -> bool:
    """By the running node; with a configuration and no node running, in the database.

    Whether a node did it, and so knows already.
    """
    settings = load_settings(where.config, needed=False) if where.url is None else None
    try:
        node: Node | None = connect(where) if settings is None or _runs(settings) else None
        if node is not None:
            node.call("PUT", f"/api/v1/agents/{quoted(name)}", body)
            return True
    except NotRunning:
        if settings is None:
            raise
    if settings is not None:
        asyncio.run(_write(settings, name, body))
    return False


def _runs(settings: "Settings") -> bool:
    """Whether a node may be running: without its database there is none."""
    from gateway.cli.access import dsn_of

    return dsn_of(settings) is not None


async def _write(settings: "Settings", name: str, body: dict[str, str]) -> None:
    from argon2 import PasswordHasher

    from gateway.cli.access import opened
    from gateway.cli.offline import define_agent
    from gateway.core.ids import AgentName

    login = AgentName(name)
    async with opened(settings) as store:
        profile = await define_agent(
            store, f"{settings.node.name}-cli", login, body["role"], body.get("display_name", "")
        )
        hashed = await asyncio.to_thread(PasswordHasher().hash, body["password"])
        await store.tokens.save_login(login, hashed, profile.role)
