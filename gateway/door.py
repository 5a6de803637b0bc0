"""The port, for the life of the process: behind it one incarnation of the node after the other.

While there is none the port stays open and says so: REST and ``/readyz`` answer 503 with the
reason, a websocket is closed with 1012, after which clients come again by themselves.
"""

import asyncio
import ssl

import msgspec
from aiohttp import web
from websockets.asyncio.server import Server

from gateway.config import ConfigError, HttpSettings
from gateway.flow.gate import Gate
from gateway.http import problem
from gateway.listener import Front, HttpProtocol, listen
from gateway.sockets import DRAIN, Sockets

PARTED_AT_ONCE = 200
"""Connections closed in one go: all of ten thousand would hold the loop for too long."""
RETRY_SECONDS = "1"


class Door:
    """See the module's docstring. ``reason`` is why nobody serves, if so.

    ``rejoins`` counts how often the node has begun anew behind it.

    Raises ``ConfigError`` where the certificate cannot be read.
    """

    def __init__(self, settings: HttpSettings) -> None:
        self.reason = "the node is starting"
        self.rejoins = 0
        self._settings = settings
        self._tls = _tls(settings)
        self._listener: Server | None = None
        self._away = web.Server(self._answer, access_log=None)
        self._http: HttpProtocol = self._away
        self._sockets: Sockets | None = None
        self._last: Sockets | None = None
        self._gate: Gate | None = None
        self._subprotocols: list[str] = []
        self._inside: dict[Front, asyncio.Task[object]] = {}
        self._empty = asyncio.Event()

    @property
    def server(self) -> HttpProtocol:
        """Implements ``listener.HttpSide``: whoever is behind the door when somebody comes."""
        return self._protocol

    async def admit(self, http: HttpProtocol, sockets: Sockets, gate: Gate) -> None:
        """Let everybody in to this incarnation; the first one opens the port.

        Raises ``OSError`` when the port is taken.
        """
        self._subprotocols[:] = sockets.subprotocols
        sockets.subprotocols = self._subprotocols
        self._http, self._sockets, self._last, self._gate = http, sockets, sockets, gate
        if self._listener is None:
            self._listener = await listen(
                host=self._settings.host,
                port=self._settings.port,
                tls=self._tls,
                http=self,
                paths=self._has,
                subprotocols=self._subprotocols,
                handle=self._handle,
                max_frame=sockets.max_frame,
                may_write=self._may_write,
            )

    def shut(self, reason: str) -> None:
        """Let nobody in; nothing that was written leaves any more."""
        self.reason = reason
        self._http, self._sockets = self._away, None

    async def turn_out(self) -> None:
        """After ``shut``: close what is open, and return when nobody is at work on it."""
        for n, (connection, task) in enumerate(list(self._inside.items()), start=1):
            connection.part(DRAIN, self.reason)
            task.cancel()
            if n % PARTED_AT_ONCE == 0:
                await asyncio.sleep(0)
        while self._inside:
            self._empty.clear()
            await self._empty.wait()

    async def close(self) -> None:
        """Close the port and whatever came through it, in good order."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
            await listener.wait_closed()
        await self._away.shutdown(0)

    def _protocol(self) -> asyncio.Protocol:
        return self._http()

    def _has(self, path: str) -> bool:
        """Also while nobody is behind the door: one can say more in a close than in a 503."""
        return self._last is not None and self._last.has(path)

    def _may_write(self) -> bool:
        return self._sockets is not None and self._gate is not None and self._gate.open

    async def _handle(self, connection: Front) -> None:
        sockets, task = self._sockets, asyncio.current_task()
        if sockets is None or task is None:
            connection.part(DRAIN, self.reason)
            return
        self._inside[connection] = task
        try:
            await sockets.handle(connection)
        finally:
            del self._inside[connection]
            if not self._inside:
                self._empty.set()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """What is said while nobody serves."""
        if request.path == "/healthz":
            response = web.json_response({"status": "ok"})
        elif request.path == "/readyz":
            body = msgspec.json.encode({"status": "down", "reason": self.reason, "channels": {}})
            response = web.Response(status=503, body=body, content_type="application/json")
        else:
            response = problem(503, "unavailable", f"{self.reason}; try again")
        if response.status == 503:
            response.headers["Retry-After"] = RETRY_SECONDS
        response.headers["Cache-Control"] = "no-store"
        response.force_close()  # the next request is for whoever serves then
        return response


def _tls(http: HttpSettings) -> ssl.SSLContext | None:
    if http.tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(http.tls.certificate, http.tls.key)
    except OSError as error:
        named = f"certificate {http.tls.certificate}, key {http.tls.key}"
        raise ConfigError([f"http.tls: {named}: {error.strerror or error}"]) from error
    return context
