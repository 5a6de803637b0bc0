"""Several channels behind one path: each takes the requests that are its own."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from msgspec.structs import replace

from gateway.ports import HttpAnswer, HttpRequest, HttpRoute


def shared(routes: Sequence[HttpRoute]) -> HttpRoute:
    """One route for those of one method and path; who selects nothing takes whatever comes.

    What nobody selects goes to the first, which says what is wrong with it.
    """
    first = routes[0]
    if len(routes) == 1 or first.select is None:
        return first

    def chosen(request: HttpRequest) -> HttpRoute:
        wanting = (route for route in routes if route.select is None or route.select(request))
        return next(wanting, first)

    async def handle(request: HttpRequest) -> HttpAnswer:
        return await chosen(request).handle(request)

    def admit(request: HttpRequest) -> AbstractAsyncContextManager[None]:
        admitting = chosen(request).admit
        if admitting is None:
            raise TypeError(f"{first.path}: all who share a path admit, or none")
        return admitting(request)

    def cors(origin: str) -> bool:
        return any(route.cors is not None and route.cors(origin) for route in routes)

    return replace(
        first,
        handle=handle,
        admit=admit if first.admit is not None else None,
        cors=cors if first.cors is not None else None,
        max_body=max(route.max_body for route in routes),
    )
