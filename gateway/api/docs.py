"""The documents that describe what is served: OpenAPI, AsyncAPI, and a page to read."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gateway.api.house import House
from gateway.api.openapi import document, page
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute

TAG = "documents"


class Documents:
    """Built once, on first request: routes do not change while a node runs."""

    def __init__(self, house: House, routes: Callable[[], Sequence[HttpRoute]]) -> None:
        self._house = house
        self._routes = routes
        self._spec: dict[str, Any] | None = None

    def routes(self) -> list[HttpRoute]:
        def get(path: str, handle: Any, summary: str, produces: str) -> HttpRoute:
            return HttpRoute(
                method="GET",
                path=path,
                handle=handle,
                summary=summary,
                access="public",
                produces=produces,
                tag=TAG,
            )

        json = "application/json"
        return [
            get("/api/openapi.json", self._openapi, "All resources as OpenAPI 3.1", json),
            get("/api/asyncapi.json", self._asyncapi, "The websocket protocols", json),
            get("/api/docs", self._page, "All resources, to read", "text/html"),
        ]

    def spec(self) -> dict[str, Any]:
        if self._spec is None:
            site = self._house.site
            self._spec = document(self._routes(), version=site.version, url=site.public_url)
        return self._spec

    async def _openapi(self, _request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(body=msgspec.json.encode(self.spec()))

    async def _asyncapi(self, _request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(body=msgspec.json.encode(self._house.asyncapi))

    async def _page(self, _request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(body=page(self.spec()).encode(), type="text/html; charset=utf-8")
