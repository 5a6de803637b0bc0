"""A provider of texts that is one in HTTP alone: takes what is sent, fails as told, tells of it.

It speaks the interfaces of Twilio, Vonage, Telnyx, WhatsApp's and the generic one at once, and
holds files for who may have them.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.test_utils import TestServer

BOT = "4711:secret-of-the-bot"
ACCOUNT, TOKEN = "AC0123456789", "the-auth-token"


class Carrier:
    """``taken`` is all that it has, in order; ``faults`` are used up one by one, first come.

    A fault is a status with its body, ``"refuse"`` (cut before anything was taken), or ``"drop"``
    (taken, and cut before it was said).
    """

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.faults: list[str | tuple[int, dict[str, Any], dict[str, str]]] = []
        self.asked: list[web.Request] = []
        self.files: dict[str, tuple[str, bytes]] = {}
        self.file_faults: list[int] = []
        self.moved: dict[str, str] = {}
        self.seen_credentials: list[str] = []
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.url = ""
        self.updates: list[dict[str, Any]] = []
        self.hooked: dict[str, Any] = {}

    def fail(self, status: int, body: dict[str, Any] | None = None, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults.append((status, body or {}, named))

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2**22)
        account = f"/2010-04-01/Accounts/{ACCOUNT}"
        app.router.add_post(f"{account}/Messages.json", self._taking(self._twilio))
        app.router.add_get(f"{account}/Messages.json", self._twilio_list)
        app.router.add_get(f"{account}.json", self._fine)
        app.router.add_post("/v1/messages", self._taking(self._vonage))
        app.router.add_post("/v2/messages", self._taking(self._telnyx))
        app.router.add_post("/out", self._taking(self._generic))
        app.router.add_get("/out/{id}", self._generic_one)
        app.router.add_post(f"/bot{BOT}/sendMessage", self._taking(self._telegram))
        app.router.add_post(f"/bot{BOT}/getUpdates", self._updates)
        app.router.add_post(f"/bot{BOT}/getFile", self._file)
        app.router.add_post(f"/bot{BOT}/{{method:setWebhook|deleteWebhook|getMe}}", self._bot)
        app.router.add_get(f"/file/bot{BOT}/{{name}}", self._media)
        app.router.add_get("/media/{name}", self._media)
        app.router.add_get("/moved/{name}", self._moved)
        return app

    def _taking(
        self, take: Callable[[web.Request], Awaitable[dict[str, Any]]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            self.asked.append(request)
            fault = self.faults.pop(0) if self.faults else None
            if isinstance(fault, tuple):
                status, body, headers = fault
                return web.json_response(body, status=status, headers=headers)
            answer = await take(request) if fault != "refuse" else {}
            if fault is not None:
                assert request.transport is not None
                request.transport.close()
                return web.Response()
            return web.json_response(answer, status=201)

        return handle

    def _keep(self, **known: Any) -> dict[str, Any]:
        kept = {"at": self.now(), "id": f"SM{len(self.taken):032x}", **known}
        self.taken.append(kept)
        return kept

    async def _twilio(self, request: web.Request) -> dict[str, Any]:
        pairs = parse_qsl((await request.read()).decode(), keep_blank_values=True)
        form = dict(pairs)
        kept = self._keep(
            to=form["To"],
            sender=form["From"],
            text=form.get("Body", ""),
            media=[value for name, value in pairs if name == "MediaUrl"],
            back=form.get("StatusCallback", ""),
            template=form.get("ContentSid", ""),
            values=json.loads(form.get("ContentVariables", "{}")),
        )
        return {"sid": kept["id"], "status": "queued"}

    async def _twilio_list(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        listed = [
            {
                "sid": one["id"],
                "to": one["to"],
                "from": one["sender"],
                "body": one["text"],
                "date_created": format_datetime(one["at"]),
            }
            for one in reversed(self.taken)
            if one["to"] == request.query["To"]
        ]
        return web.json_response({"messages": listed, "next_page_uri": None})

    async def _vonage(self, request: web.Request) -> dict[str, Any]:
        said = await request.json()
        text = said.get("text") or said.get("image", {}).get("caption", "")
        kept = self._keep(
            to=said["to"], sender=said["from"], text=text, reference=said["client_ref"], raw=said
        )
        return {"message_uuid": kept["id"]}

    async def _telnyx(self, request: web.Request) -> dict[str, Any]:
        said = await request.json()
        kept = self._keep(
            to=said["to"], sender=said["from"], text=said["text"], reference=said["tags"][0]
        )
        return {"data": {"id": kept["id"]}}

    async def _generic(self, request: web.Request) -> dict[str, Any]:
        said = await request.json()
        for one in self.taken:
            if one["order"] == said["id"]:
                return {"id": one["id"]}
        kept = self._keep(
            to=said["to"],
            sender=said["from"],
            text=said["text"],
            order=said["id"],
            reference=said["reference"],
            media=said["media"],
        )
        return {"id": kept["id"]}

    async def _generic_one(self, request: web.Request) -> web.Response:
        found = [one for one in self.taken if one["order"] == request.match_info["id"]]
        if not found:
            return web.json_response({}, status=404)
        return web.json_response({"id": found[0]["id"]})

    async def _telegram(self, request: web.Request) -> dict[str, Any]:
        said = await request.json()
        kept = self._keep(to=said["chat_id"], sender="", text=said["text"])
        return {"ok": True, "result": {"message_id": len(self.taken), "at": str(kept["at"])}}

    async def _updates(self, request: web.Request) -> web.Response:
        """What is at or above the offset is still to be brought; below it is forgotten."""
        said = await request.json()
        if self.hooked:
            body = {"ok": False, "error_code": 409, "description": "Conflict: webhook is active"}
            return web.json_response(body, status=409)
        self.updates = [one for one in self.updates if one["update_id"] >= said.get("offset", 0)]
        if not self.updates:
            await asyncio.sleep(0.02)
        return web.json_response({"ok": True, "result": self.updates[: said["limit"]]})

    async def _file(self, request: web.Request) -> web.Response:
        name = (await request.json())["file_id"]
        if name not in self.files:
            body = {"ok": False, "error_code": 400, "description": "Bad Request: wrong file_id"}
            return web.json_response(body, status=400)
        return web.json_response({"ok": True, "result": {"file_path": name}})

    async def _bot(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        if method != "getMe":
            self.hooked = (await request.json()) if method == "setWebhook" else {}
        return web.json_response({"ok": True, "result": {"username": "help_bot"}})

    async def _fine(self, request: web.Request) -> web.Response:
        pair = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        good = request.headers.get("Authorization") == f"Basic {pair}"
        return web.json_response({}, status=200 if good else 401)

    async def _media(self, request: web.Request) -> web.Response:
        self.seen_credentials.append(request.headers.get("Authorization", ""))
        if self.file_faults:
            return web.Response(status=self.file_faults.pop(0))
        kind, data = self.files[request.match_info["name"]]
        return web.Response(body=data, content_type=kind)

    async def _moved(self, request: web.Request) -> web.Response:
        there = self.moved[request.match_info["name"]]
        return web.Response(status=307, headers={"Location": there})


@asynccontextmanager
async def carrying() -> AsyncIterator[Carrier]:
    """The provider, at an address of its own."""
    carrier = Carrier()
    async with TestServer(carrier.app()) as server:
        carrier.url = str(server.make_url("")).rstrip("/")
        yield carrier
