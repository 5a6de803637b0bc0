"""Mounts declared resources on aiohttp: authorisation, limits, JSON, problem+json, pages.

Handlers know ``ports.HttpRequest`` and ``ports.HttpAnswer``; what is common to all is here and
nowhere else. Errors are RFC 9457 problem details that name the field at fault.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import nullcontext
from importlib.resources.abc import Traversable

import msgspec
import structlog
from aiohttp import hdrs, web
from msgspec.structs import replace

from gateway.core.errors import Refused
from gateway.pages import Pages
from gateway.ports import Auth, HttpAnswer, HttpRequest, HttpRoute, Principal
from gateway.store.contract import CommitUnknown, Unavailable

STATUS_OF = {
    "bad_field": 400,
    "bad_frame": 400,
    "bad_body": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_allowed": 403,
    "not_yours": 403,
    "not_found": 404,
    "bad_type": 415,
    "infected": 422,
    "conflict": 409,
    "wrong_state": 409,
    "busy": 409,
    "offer_gone": 409,
    "too_slow": 408,
    "too_long": 413,
    "key_reused": 422,
    "too_fast": 429,
    "unavailable": 503,
}
PAGES = {"/": "index.html", "/desktop/": "desktop/index.html", "/admin/": "admin/index.html"}
PAGES |= {"/supervisor/": "supervisor/index.html", "/demo/": "demo/index.html"}
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob: https:; style-src 'self' 'unsafe-inline'; "
        "connect-src 'self' http: https: ws: wss:; "  # the peers, which may change
        "frame-ancestors 'self'; base-uri 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
ASKED = ("/api/", "/demo/")
"""What pages ask; one that another node served as well."""
WIDGET_CACHE = "max-age=60, stale-while-revalidate=86400"
"""A shop's page has its chat also while the node that it names is away: as it was a day ago."""
BODY_SECONDS = 30.0
BODY_PACE = 10_000
"""A body has ``BODY_SECONDS``, and a second more for each so many bytes of it that have come."""
ANSWER_SECONDS = 30.0
"""What only reads gives up then: the database is away, and who asked has gone."""
ROUTE = web.RequestKey("route", HttpRoute)
PASSING = web.RequestKey("passing", web.UrlMappingMatchInfo)

_encoder = msgspec.json.Encoder()
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_log = structlog.get_logger("http")


def problem(status: int, title: str, detail: str, field: str | None = None) -> web.Response:
    """An RFC 9457 problem details answer."""
    errors = [{"field": field, "message": detail}] if field else []
    body = {"title": title, "status": status, "detail": detail, "errors": errors}
    return web.Response(
        status=status, body=_encoder.encode(body), content_type="application/problem+json"
    )


def same_origin_only(_origin: str) -> bool:
    """No page of another origin is ours."""
    return False


class HttpMount:
    """One aiohttp application over all declared routes and the built pages.

    ``routes`` are there for good; those of ``replace`` come and go while it serves. ``own_page``
    tells whether an origin is that of our own pages: one that another node served may ask here
    whatever it could ask there.
    """

    def __init__(
        self,
        routes: Iterable[HttpRoute],
        auth: Auth,
        static: Traversable | None,
        own_page: Callable[[str], bool] = same_origin_only,
    ) -> None:
        self._auth = auth
        self._own_page = own_page
        self._pages = Pages(static)
        self.app = web.Application(middlewares=[self._guard])
        self._mount_pages()
        for route in routes:
            self._mount(route, self.app.router)
        self._passing = web.UrlDispatcher()

    def replace(self, routes: Iterable[HttpRoute]) -> None:
        """Serve exactly these besides the lasting ones, from the next request on."""
        passing = web.UrlDispatcher()
        for route in routes:
            self._mount(route, passing)
        self._passing = passing

    # -- declared resources -----------------------------------------------------------------

    def _mount(self, route: HttpRoute, router: web.UrlDispatcher) -> None:
        async def handle(request: web.Request) -> web.StreamResponse:
            request[ROUTE] = route
            return await self._serve(route, request)

        async def preflight(request: web.Request) -> web.StreamResponse:
            request[ROUTE] = route
            return web.Response(status=204)

        router.add_route(route.method, route.path, handle)
        # What a GET of another origin asks with, its browser asks for first: its token.
        if route.cors is not None and (route.method != "GET" or route.admit is not None):
            router.add_route("OPTIONS", route.path, preflight)

    async def _serve(self, route: HttpRoute, request: web.Request) -> web.StreamResponse:
        principal = await self._principal(request) if route.admit is None else None
        if route.access != "public":
            if principal is None:
                raise Refused("unauthorized", "send a valid token: Authorization: Bearer TOKEN")
            if not principal.may(route.access):
                raise Refused("forbidden", f"this needs the role {route.access}")
        asked = HttpRequest(
            method=request.method,
            path=request.path,
            params=dict(request.get(PASSING, request.match_info)),
            query=dict(request.query),
            headers={k.lower(): _readable(v) for k, v in request.headers.items()},
            body=b"",
            remote=request.remote or "",
            principal=principal,
            target=request.raw_path,
        )
        async with route.admit(asked) if route.admit is not None else nullcontext():
            body = await _body(request, route.max_body)
            return await self._answered(route, replace(asked, body=body) if body else asked)

    async def _answered(self, route: HttpRoute, asked: HttpRequest) -> web.StreamResponse:
        # What writes is never given up: its effect may have happened.
        limit = asyncio.timeout(ANSWER_SECONDS if asked.method == "GET" else None)
        try:
            async with limit:
                return _respond(await route.handle(asked))
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise Refused("unavailable", "the database does not answer; try again") from error

    async def _principal(self, request: web.Request) -> Principal | None:
        scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        return await self._auth.principal(_readable(token.strip()))

    async def _find(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """What the lasting routes do not have may be among the passing ones."""
        missing = request.match_info.http_exception
        if missing is not None and missing.status in (404, 405):
            found = await self._passing.resolve(request)
            refusal = found.http_exception
            if refusal is None:
                request[PASSING] = found
                return await found.handler(request)
            if refusal.status == 405:
                raise refusal
            if hdrs.UPGRADE in request.headers:
                raise web.HTTPUpgradeRequired
        return await handler(request)

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        ours = self._cors_of_own_page(request)
        try:
            if ours and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers:
                response: web.StreamResponse = web.Response(status=204)
            else:
                response = await self._find(request, handler)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            response = problem(error.status, error.reason, f"{request.method} {request.path}")
        except Exception as error:  # noqa: BLE001 - told, and logged if it is our fault
            response = _fault(error, request)
        if response.status == 426:
            # Only a connection's first request may open a websocket: proxies must not reuse this.
            response.force_close()
        if response.status == 503:
            response.headers.setdefault("Retry-After", "2")
        for name, value in SECURITY.items():
            response.headers.setdefault(name, value)
        response.headers.update(ours or _cors(request))
        return response

    def _cors_of_own_page(self, request: web.Request) -> Mapping[str, str]:
        """What lets a page of ours ask that another node served; else nothing."""
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or not request.path.startswith(ASKED) or not self._own_page(origin):
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Headers": "authorization, content-type, idempotency-key",
            "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
            "Access-Control-Expose-Headers": "retry-after, content-disposition",
            "Access-Control-Max-Age": "600",
            "Vary": "Origin",
        }

    # -- pages ------------------------------------------------------------------------------

    def _mount_pages(self) -> None:
        for path, name in PAGES.items():
            self._page(path, name)
        self.app.router.add_get("/assets/{name:[A-Za-z0-9._-]+}", self._asset)
        for name in self._pages.top():
            if not name.endswith(".html"):
                self._page(f"/{name}", name)
        for path in PAGES:
            if path != "/":
                self._redirect(path.rstrip("/"), path)

    def _redirect(self, path: str, to: str) -> None:
        async def redirect(_: web.Request) -> web.StreamResponse:
            return web.Response(status=308, headers={"Location": to})

        self.app.router.add_get(path, redirect)

    def _page(self, path: str, name: str) -> None:
        async def page(request: web.Request) -> web.StreamResponse:
            widget = name.startswith("widget") and name.endswith(".js")
            response = self._pages.answer(
                request, name, cache=WIDGET_CACHE if widget else "no-cache"
            )
            if widget:
                response.headers["Access-Control-Allow-Origin"] = "*"
            return response

        self.app.router.add_get(path, page)

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        name = f"assets/{request.match_info['name']}"
        return self._pages.answer(request, name, cache="max-age=31536000, immutable")


def _readable(value: str) -> str:
    """A header as text that can be encoded; bytes that are no UTF-8 stand as U+FFFD."""
    return value.encode(errors="surrogateescape").decode(errors="replace")


def _told(request: web.Request) -> str:
    """The path for a log: of a page whose address is its key, only what it is declared as."""
    route = request.get(ROUTE)
    return route.path if route is not None and route.secret else request.path


def _fault(error: Exception, request: web.Request) -> web.Response:
    """What went wrong, as the caller may know it."""
    match error:
        case Refused():
            status = STATUS_OF.get(error.code, 400)
            return problem(status, error.code, error.detail, error.field)
        case Unavailable() | CommitUnknown():
            return problem(503, "unavailable", "the database does not answer; try again")
        case msgspec.DecodeError():
            detail, field = explain(error)
            return problem(400, "bad_body", detail, field)
        case RecursionError():
            return problem(400, "bad_body", "the body is nested too deeply")
        case _:
            # The request is lost, not the process; the caller is told that the fault is ours.
            _log.error("request failed", method=request.method, path=_told(request), exc_info=error)
            return problem(500, "internal", "a fault of ours; it has been logged")


async def _body(request: web.Request, most: int) -> bytes:
    """The body, never more of it in memory than ``most`` bytes. Raises ``Refused``."""
    long = Refused("too_long", f"the body may have {most} bytes at most")
    if request.content_length is not None and request.content_length > most:
        raise long
    body = bytearray()
    end = asyncio.get_running_loop().time() + BODY_SECONDS
    try:
        async with asyncio.timeout_at(end) as limit:
            async for part in request.content.iter_any():
                body += part
                if len(body) > most:
                    raise long
                limit.reschedule(end + len(body) / BODY_PACE)
    except TimeoutError as error:
        raise Refused("too_slow", "the body did not come in time") from error
    except web.RequestPayloadError as error:
        raise Refused("bad_body", f"the body cannot be read: {error}") from error
    except ConnectionError as error:
        raise Refused("bad_body", "the connection ended before the body did") from error
    return bytes(body)


def _cors(request: web.Request) -> Mapping[str, str]:
    """Also for errors: without them a page of another origin could not read the reason."""
    route = request.get(ROUTE)
    origin = request.headers.get(hdrs.ORIGIN)
    if route is None or origin is None or route.cors is None or not route.cors(origin):
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Headers": "authorization, content-type",
        "Access-Control-Allow-Methods": route.method,
        "Vary": "Origin",
    }


def explain(error: msgspec.DecodeError) -> tuple[str, str | None]:
    """What is wrong with a body, and the field: msgspec ends its message with ``at `$.a.b```."""
    text, _, path = str(error).partition(" - at `")
    field = path.rstrip("`").removeprefix("$").lstrip(".") or None
    if field is None and "required field `" in text:
        field = text.split("`")[1]
    if field is None and "unknown field `" in text:
        field = text.split("`")[1]
    return text, field


def _respond(answer: HttpAnswer) -> web.Response:
    body = answer.body if isinstance(answer.body, bytes) else _encoder.encode(answer.body)
    kind, _, charset = answer.type.partition("; charset=")
    response = web.Response(
        status=answer.status, body=body, content_type=kind, charset=charset or None
    )
    response.headers.update(answer.headers)
    return response
