"""The visitor's side of the demo: what ``/demo/`` can do, served by the process that survives.

The node forwards ``/demo/*`` to it (``routes``), so there is one address for the browser; while
the node is away the page sees that it is away, which is the point.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from email.parser import BytesParser
from email.policy import default
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from msgspec import Struct

from gateway.core.errors import Refused
from gateway.demo.company import YOU, YOUR_NAME
from gateway.demo.customers import World, file_task, send_mail
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Life(Struct):
    """A node process as its keeper knows it."""

    name: str
    url: str = ""
    pid: int | None = None
    started_at: datetime | None = None
    kill: Callable[[], None] = lambda: None

    def shown(self) -> dict[str, Any]:
        """For the demo's page; without a ``pid`` it does not serve."""
        started = self.started_at.isoformat() if self.started_at else None
        return {"name": self.name, "url": self.url, "pid": self.pid, "started_at": started}


class Control:
    """A small server on loopback, for one node or several."""

    def __init__(self, *lives: Life) -> None:
        self.lives = lives
        self.links: dict[str, str] = {}
        self.world: World | None = None
        self._tasks: list[str] = []
        self._told: dict[str, dict[str, Any]] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen on a free port; returns the URL."""
        app = web.Application()
        handlers: dict[tuple[str, str], Handler] = {
            ("GET", "/demo/state"): self._state,
            ("POST", "/demo/mail"): self._mail,
            ("GET", "/demo/inbox"): self._inbox,
            ("POST", "/demo/task"): self._task,
            ("POST", "/demo/kill"): self._kill,
            ("POST", "/callback"): self._callback,
        }
        for (method, path), handler in handlers.items():
            app.router.add_route(method, path, handler)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _ready(self) -> World:
        if self.world is None:
            raise web.HTTPServiceUnavailable(text="the demo is starting")
        return self.world

    async def _state(self, _: web.Request) -> web.Response:
        first = self.lives[0]
        return web.json_response(
            {
                "customer": {"name": YOUR_NAME, "email": YOU},
                "tasks": [self._told[t] for t in self._tasks[-20:] if t in self._told],
                "links": self.links,
                "node": first.shown() if first.pid else None,
                "nodes": [life.shown() for life in self.lives],
            }
        )

    async def _mail(self, request: web.Request) -> web.Response:
        said = await request.json()
        world = self._ready()
        if not str(said.get("body", "")).strip():
            return _wrong("body", "write something")
        await send_mail(
            world.ports, YOU, YOUR_NAME, str(said.get("subject", "")), str(said["body"])
        )
        return web.json_response({"ok": True}, status=201)

    async def _inbox(self, _: web.Request) -> web.Response:
        letters = await self._ready().mail.inbox(YOU)
        mails = []
        for letter in reversed(letters[-50:]):
            mail = BytesParser(policy=default).parsebytes(letter.raw)
            body = mail.get_body(("plain",))
            mails.append(
                {
                    "from": str(mail["From"]),
                    "subject": str(mail["Subject"]),
                    "body": body.get_content() if body is not None else "",
                    "at": letter.arrived.isoformat(),
                    "in_reply_to": str(mail["In-Reply-To"] or ""),
                }
            )
        return web.json_response({"items": mails})

    async def _task(self, request: web.Request) -> web.Response:
        said = await request.json()
        world = self._ready()
        title = str(said.get("title", "")).strip()
        if not title:
            return _wrong("title", "say what is to be done")
        key = str(said.get("key") or world.dice.getrandbits(64))
        async with aiohttp.ClientSession() as session:
            item = await file_task(
                session,
                world,
                key=key,
                title=title,
                body=str(said.get("body", "")),
                priority=5,
                customer=YOUR_NAME,
            )
        self._tasks.append(item["id"])
        self._told[item["id"]] = item | {"subject": title}
        return web.json_response(item, status=201)

    async def _callback(self, request: web.Request) -> web.Response:
        """What the node tells those who filed a task."""
        told = await request.json()
        item = self._told.get(str(told.get("item")))
        if item is not None and told.get("version", 0) >= item.get("version", 0):
            item.update({k: told[k] for k in ("state", "code", "version") if k in told})
            if told.get("body"):
                item["answer"] = told["body"]
        return web.Response(status=204)

    async def _kill(self, request: web.Request) -> web.Response:
        said = await request.json() if request.can_read_body else {}
        name = said.get("name", self.lives[0].name)
        life = next((one for one in self.lives if one.name == name), None)
        if life is None:
            return _wrong("name", f"there is no node {name!r}")
        # After the answer has left: it may come through the node that is about to die.
        asyncio.get_running_loop().call_later(0.2, life.kill)
        return web.json_response({"pid": life.pid}, status=202)


def _wrong(field: str, message: str) -> web.Response:
    body = {
        "title": "bad_field",
        "status": 400,
        "detail": message,
        "errors": [{"field": field, "message": message}],
    }
    return web.json_response(body, status=400, content_type="application/problem+json")


def nobody(_origin: str) -> bool:
    """There is no other node whose pages were ours."""
    return False


def from_own_page(headers: Mapping[str, str], own_page: Callable[[str], bool] = nobody) -> bool:
    """Whether no strange web site stands behind a request; ``own_page`` knows the other nodes'.

    The state holds sign-in links and ``kill`` kills, so another site's script must reach neither:
    not across origins, and not by a name of its own that it points at this machine.
    """
    host = headers.get("host", "")
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host and not own_page(origin):
        return False
    name = urlsplit(f"//{host}").hostname or ""
    try:
        ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(".localhost")
    return True


def routes(control_url: str, own_page: Callable[[str], bool] = nobody) -> list[HttpRoute]:
    """The node's share: it hands ``/demo/*`` on and changes nothing."""
    if urlsplit(control_url).hostname != "127.0.0.1":
        raise ValueError("the demo's control server is on loopback")

    async def forward(request: HttpRequest) -> HttpAnswer:
        if not from_own_page(request.headers, own_page):
            raise Refused("forbidden", "only the demo's own page may do this")
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
                session.request(
                    request.method,
                    f"{control_url}{request.path}",
                    data=request.body,
                    headers={"Content-Type": "application/json"},
                ) as answer,
            ):
                return HttpAnswer(
                    status=answer.status, body=await answer.read(), type=answer.content_type
                )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Refused("unavailable", f"the demo does not answer: {error}") from error

    wanted = (
        ("GET", "state", "The demo's state"),
        ("POST", "mail", "Write a mail as the demo's customer"),
        ("GET", "inbox", "The demo's customer's inbox"),
        ("POST", "task", "File a task as the demo's customer"),
        ("POST", "kill", "Kill this process"),
    )
    return [
        HttpRoute(
            method=method,
            path=f"/demo/{name}",
            handle=forward,
            summary=summary,
            access="public",
            tag="demo",
        )
        for method, name, summary in wanted
    ]
