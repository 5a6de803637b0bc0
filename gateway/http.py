"""Mounts declared resources on aiohttp: authorisation, limits, JSON, problem+json, pages.

Handlers know ``ports.HttpRequest`` and ``ports.HttpAnswer``; what is common to all is here and
nowhere else. Errors are RFC 9457 problem details that name the field at fault.
"""

from collections.abc import Iterable, Mapping
from importlib.resources.abc import Traversable
from typing import Any

import msgspec
import structlog
from aiohttp import hdrs, web

from gateway.core.errors import Refused
from gateway.ports import Auth, HttpAnswer, HttpRequest, HttpRoute, Principal

STATUS_OF = {
    "bad_field": 400,
    "bad_frame": 400,
    "bad_body": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_allowed": 403,
    "not_yours": 403,
    "not_found": 404,
    "conflict": 409,
    "wrong_state": 409,
    "busy": 409,
    "offer_gone": 409,
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
        "connect-src 'self' ws: wss:; frame-ancestors 'self'; base-uri 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_encoder = msgspec.json.Encoder()
_log = structlog.get_logger("http")


def problem(status: int, title: str, detail: str, field: str | None = None) -> web.Response:
    """An RFC 9457 problem details answer."""
    errors = [{"field": field, "message": detail}] if field else []
    body = {"title": title, "status": status, "detail": detail, "errors": errors}
    return web.Response(
        status=status, body=_encoder.encode(body), content_type="application/problem+json"
    )


class HttpMount:
    """One aiohttp application over all declared routes and the built pages."""

    def __init__(self, routes: Iterable[HttpRoute], auth: Auth, static: Traversable | None) -> None:
        self._auth = auth
        self._static = static
        self.app = web.Application(client_max_size=64 * 1024 * 1024, middlewares=[self._guard])
        self._pages()
        for route in routes:
            self._mount(route)

    # -- declared resources -----------------------------------------------------------------

    def _mount(self, route: HttpRoute) -> None:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._serve(route, request)

        self.app.router.add_route(route.method, route.path, handle)
        if route.cors is not None and route.method != "GET":

            async def preflight(request: web.Request) -> web.StreamResponse:
                return web.Response(status=204, headers=self._cors(route, request))

            self.app.router.add_route("OPTIONS", route.path, preflight)

    async def _serve(self, route: HttpRoute, request: web.Request) -> web.StreamResponse:
        principal = await self._principal(request)
        if route.access != "public":
            if principal is None:
                raise Refused("unauthorized", "send a valid token: Authorization: Bearer TOKEN")
            if not principal.may(route.access):
                raise Refused("forbidden", f"this needs the role {route.access}")
        size = request.content_length
        if size is not None and size > route.max_body:
            raise Refused("too_long", f"the body may have {route.max_body} bytes at most")
        body = await request.read()
        if len(body) > route.max_body:
            raise Refused("too_long", f"the body may have {route.max_body} bytes at most")
        answer = await route.handle(
            HttpRequest(
                method=request.method,
                path=request.path,
                params=dict(request.match_info),
                query=dict(request.query),
                headers={k.lower(): v for k, v in request.headers.items()},
                body=body,
                remote=request.remote or "",
                principal=principal,
            )
        )
        return _respond(answer, self._cors(route, request))

    async def _principal(self, request: web.Request) -> Principal | None:
        scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        return await self._auth.principal(token.strip())

    def _cors(self, route: HttpRoute, request: web.Request) -> Mapping[str, str]:
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or route.cors is None or not route.cors(origin):
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Headers": "authorization, content-type",
            "Access-Control-Allow-Methods": route.method,
            "Vary": "Origin",
        }

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await handler(request)
        except Refused as refused:
            status = STATUS_OF.get(refused.code, 400)
            response = problem(status, refused.code, refused.detail, refused.field)
            if status == 503:
                response.headers["Retry-After"] = "2"
        except msgspec.DecodeError as error:
            detail, field = explain(error)
            response = problem(400, "bad_body", detail, field)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            response = problem(error.status, error.reason, f"{request.method} {request.path}")
        except Exception:  # noqa: BLE001 - logged, and answered
            # The request is lost, not the process; the caller is told that the fault is ours.
            _log.exception("request failed", method=request.method, path=request.path)
            response = problem(500, "internal", "a fault of ours; it has been logged")
        for name, value in SECURITY.items():
            response.headers.setdefault(name, value)
        return response

    # -- pages ------------------------------------------------------------------------------

    def _pages(self) -> None:
        for path, name in PAGES.items():
            self._page(path, name)
        self.app.router.add_get("/assets/{name:[A-Za-z0-9._-]+}", self._asset)
        for file in self._static.iterdir() if self._static and self._static.is_dir() else ():
            if file.is_file() and not file.name.endswith(".html"):
                self._page(f"/{file.name}", file.name)
        for path in PAGES:
            if path != "/":
                self._redirect(path.rstrip("/"), path)

    def _redirect(self, path: str, to: str) -> None:
        async def redirect(request: web.Request) -> web.StreamResponse:
            return web.Response(status=308, headers={"Location": to})

        self.app.router.add_get(path, redirect)

    def _page(self, path: str, name: str) -> None:
        async def page(request: web.Request) -> web.StreamResponse:
            return self._file(name, cache="no-cache")

        self.app.router.add_get(path, page)

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        return self._file(f"assets/{request.match_info['name']}", cache="max-age=31536000")

    def _file(self, name: str, *, cache: str) -> web.Response:
        file = self._static.joinpath(name) if self._static is not None else None
        if file is None or not file.is_file():
            raise web.HTTPNotFound
        kind = _TYPES.get(name.rsplit(".", 1)[-1], "application/octet-stream")
        response = web.Response(body=file.read_bytes(), content_type=kind, charset="utf-8")
        response.headers["Cache-Control"] = cache
        if name == "widget.js":
            response.headers["Access-Control-Allow-Origin"] = "*"
        return response


_TYPES = {
    "html": "text/html",
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
    "json": "application/json",
    "map": "application/json",
    "woff2": "font/woff2",
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


def _respond(answer: HttpAnswer, extra: Mapping[str, str]) -> web.Response:
    body = answer.body if isinstance(answer.body, bytes) else _encoder.encode(answer.body)
    kind, _, charset = answer.type.partition("; charset=")
    response = web.Response(
        status=answer.status, body=body, content_type=kind, charset=charset or None
    )
    response.headers.update(answer.headers)
    response.headers.update(extra)
    return response
