"""``Idempotency-Key`` on any POST: the same key again gets the same answer, done once.

Kept in this process for 24 hours; where a repeat must be harmless across restarts too, the
resource has a key of its own in the journal (tasks use the inbox key, desktops command ids).
"""

import asyncio
import hashlib
from collections import OrderedDict

from msgspec import Struct
from msgspec.structs import replace

from gateway.core.errors import Refused
from gateway.ports import Clock, HttpAnswer, HttpRequest, HttpRoute

KEPT_SECONDS = 86_400.0
KEPT = 20_000
MAX_KEY = 255
HEADER = "idempotency-key"


class _Call(Struct):
    """One keyed request: what it said, when, and its answer as soon as there is one."""

    digest: bytes
    at: float
    answer: "asyncio.Future[HttpAnswer]"


class Idempotency:
    """See the module's docstring."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: OrderedDict[tuple[str, str, str], _Call] = OrderedDict()

    def wrap(self, route: HttpRoute) -> HttpRoute:
        """The same route, doing each keyed request once. Only POST needs it."""
        if route.method != "POST" or route.access == "public":
            return route

        async def handle(request: HttpRequest) -> HttpAnswer:
            key = request.headers.get(HEADER)
            if key is None:
                return await route.handle(request)
            return await self._once(route, request, key)

        return replace(route, handle=handle)

    async def _once(self, route: HttpRoute, request: HttpRequest, key: str) -> HttpAnswer:
        if not 1 <= len(key) <= MAX_KEY or not key.isprintable():
            raise Refused(
                "bad_field", f"a key has 1 to {MAX_KEY} printable characters", "Idempotency-Key"
            )
        asker = request.principal.name if request.principal is not None else ""
        digest = hashlib.sha256(request.body).digest()
        self._forget()
        name = (asker, f"{request.method} {request.path}", key)
        call = self._calls.get(name)
        if call is None:
            return await self._first(route, request, name, digest)
        if call.digest != digest:
            raise Refused(
                "key_reused", "this key was used before with another body", "Idempotency-Key"
            )
        return await asyncio.shield(call.answer)

    async def _first(
        self,
        route: HttpRoute,
        request: HttpRequest,
        name: tuple[str, str, str],
        digest: bytes,
    ) -> HttpAnswer:
        answer: asyncio.Future[HttpAnswer] = asyncio.get_running_loop().create_future()
        self._calls[name] = _Call(digest, self._clock.monotonic(), answer)
        try:
            given = await route.handle(request)
        except BaseException as error:
            # Nothing was done, so the key is free; who waits for the same is told the same.
            self._calls.pop(name, None)
            if isinstance(error, Exception):
                answer.set_exception(error)
                answer.exception()  # retrieved: with nobody waiting that is no fault
            else:
                answer.cancel()
            raise
        answer.set_result(given)
        return given

    def _forget(self) -> None:
        old = self._clock.monotonic() - KEPT_SECONDS
        while self._calls:
            call = next(iter(self._calls.values()))
            if len(self._calls) <= KEPT and call.at > old:
                return
            self._calls.popitem(last=False)
