"""The four routes of a kind of directory entry that is a name and a document."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from msgspec import Struct

from gateway.api.base import Done, Listed
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute

TAG = "directory"
Handle = Callable[[HttpRequest], Awaitable[HttpAnswer]]


class Entries(Protocol):
    """Serves one kind."""

    async def list(self, request: HttpRequest, /) -> HttpAnswer: ...

    async def one(self, request: HttpRequest, /) -> HttpAnswer: ...

    async def put(self, request: HttpRequest, /) -> HttpAnswer: ...

    async def remove(self, request: HttpRequest, /) -> HttpAnswer: ...


def entry_routes(kind: str, resource: Entries, takes: type[Struct], gives: Any) -> list[HttpRoute]:
    """``kind`` is the plural that stands in the path."""
    words = kind.replace("_", " ")
    path, one = f"/api/v1/{kind}", f"/api/v1/{kind}/{{name}}"
    return [
        HttpRoute(
            method="GET",
            path=path,
            handle=resource.list,
            summary=f"All {words} by name",
            gives=Listed[gives],
            tag=TAG,
        ),
        HttpRoute(
            method="GET",
            path=one,
            handle=resource.one,
            summary=f"One of the {words}",
            gives=gives,
            tag=TAG,
        ),
        HttpRoute(
            method="PUT",
            path=one,
            handle=resource.put,
            summary=f"Make or change one of the {words}",
            access="admin",
            takes=takes,
            gives=gives,
            tag=TAG,
        ),
        HttpRoute(
            method="DELETE",
            path=one,
            handle=resource.remove,
            summary=f"Remove one of the {words}; one that something goes by stays",
            access="admin",
            gives=Done,
            tag=TAG,
        ),
    ]
