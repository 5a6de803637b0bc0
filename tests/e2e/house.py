"""What a journey needs besides a browser: a real node, a shop that embeds the chat, a listener."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support.ports import free_port
from tests.support.process import NodeProcess

ADDRESS = "support@firm.example"
PASSWORD = "correct-horse-battery"

_SHOP = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Lumen Lamps</title>
<meta name="viewport" content="width=device-width">
<style>
body {{ margin: 0; font: 16px/1.6 system-ui, sans-serif; color: #23303b; background: #f6f3ee }}
header {{ padding: 20px 8vw; background: #fff; font-weight: 650; letter-spacing: .02em }}
main {{ padding: 8vh 8vw; max-width: 36em }}
h1 {{ font-size: 2.4em; line-height: 1.15; margin: 0 0 .5em }}
</style></head><body>
<header>Lumen Lamps</header>
<main><h1>Light that stays with you.</h1>
<p>Desk lamps and floor lamps, repairable for twenty years. Free returns within thirty days.</p>
</main>
<script src="{node}/widget.js" data-channel="site" async></script>
</body></html>"""


async def until(look: Callable[[], Any], seconds: float = 45.0) -> Any:
    """The first true answer of ``look``, which may be async. Raises ``TimeoutError``."""
    async with asyncio.timeout(seconds):
        while True:
            found = look()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.05)


class Town:
    """A web site of another origin, and the system that files tasks and is called back."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.node = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/", self._shop)
        app.router.add_post("/callback", self._callback)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _shop(self, _: web.Request) -> web.Response:
        return web.Response(text=_SHOP.format(node=self.node), content_type="text/html")

    async def _callback(self, request: web.Request) -> web.Response:
        self.calls.append(await request.json())
        return web.Response(status=204)


class House:
    """A node with a mailbox, a chat and a task door, and people who may sign in."""

    def __init__(
        self,
        path: Path,
        imap: Mapping[str, Any],
        smtp: Mapping[str, Any],
        *,
        more_channels: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.town = Town()
        loopback = {"host": "127.0.0.1", "security": "none"}
        mail = {
            "kind": "email",
            "name": "support",
            "address": f"Firm Support <{ADDRESS}>",
            "imap": {**loopback, **imap},
            "smtp": {**loopback, **smtp},
        }
        chat = {"kind": "webchat", "name": "site", "origins": [self.town.url]}
        task = {"kind": "task", "name": "office", "callback_private": True}
        self.node = NodeProcess(path, [mail, chat, task, *more_channels])
        self.town.node = self.node.url

    async def start(self) -> None:
        await self.town.start()
        await self.node.start()
        codes = [
            {"name": "solved", "label": "Solved"},
            {"name": "explained", "label": "Explained how it works"},
        ]
        await self.node.call("PUT", "/api/v1/directory", {"codes": codes})

    async def stop(self) -> None:
        await self.node.stop()
        await self.town.stop()

    async def hire(self, shown: str, role: str = "agent") -> str:
        """Somebody new who can sign in with ``PASSWORD``; returns the name to sign in with."""
        name = f"{shown.split(maxsplit=1)[0].lower()}-{secrets.token_hex(2)}"
        person = {"display_name": shown, "role": role, "password": PASSWORD}
        await self.node.call("PUT", f"/api/v1/agents/{name}", person)
        return name

    async def settle(self) -> None:
        """Hours, a promise, queues and rules: one of each that the pages can show."""
        declared: dict[str, Any] = {
            "hours": [
                {
                    "name": "fair",
                    "zone": "Europe/Berlin",
                    "extra": [{"date": "2099-05-01", "open": ["10:00-14:00"], "label": "Fair"}],
                    "closed_replies": {"email": {"": "We are back at {opens}."}},
                }
            ],
            "service_policies": [{"name": "gold", "first_reply": 7_200, "escalate_after": 3_600}],
            "queues": [
                {
                    "name": "refunds",
                    "display_name": "Money back",
                    "hours": "fair",
                    "service_policy": "gold",
                    "rings": [{"after": 60, "drop": ["*"]}],
                }
            ],
            "rules": [
                {
                    "name": "money",
                    "order": 1,
                    "when": {"words": ["refund*", "devolución"]},
                    "then": {"queue": "refunds", "priority": 10},
                },
                {
                    "name": "spanish",
                    "order": 2,
                    "when": {"languages": ["es"]},
                    "then": {"queue": "general", "tags": ["es"]},
                },
            ],
        }
        await self.node.call("PUT", "/api/v1/directory", declared)

    async def item(self, subject: str) -> dict[str, Any]:
        """The work item with this subject, whatever its state."""
        found = await self.node.call("GET", "/api/v1/items?limit=200")
        items = [one for one in found["items"] if one["subject"] == subject]
        assert len(items) == 1, [one["subject"] for one in found["items"]]
        return dict(items[0])

    async def ended(self, subject: str) -> dict[str, Any]:
        """The work item with this subject once it is completed."""

        async def look() -> dict[str, Any] | None:
            one = await self.item(subject)
            return one if one["state"] == "completed" else None

        return dict(await until(look))

    async def said(self, number: int) -> list[dict[str, Any]]:
        """The case's conversation, oldest first."""
        found = await self.node.call("GET", f"/api/v1/cases/{number}/messages?limit=200")
        return list(found["items"])
