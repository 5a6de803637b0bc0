"""Requests about what another node decides about: asked of that node, answered once.

A handler that finds that what it was asked about is another node's raises ``Elsewhere``. Then the
very request goes there as a question, is handled there as if it had come in there, by the same
person, and the answer that it gets is ours. Who may ask was checked where it came in. It is done
once, for it has a name (``api.once``): that of its key, or one of its own.
"""

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from gateway.api.needs import Asks
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, NewId, NodeName
from gateway.flow.whose import Elsewhere
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute, Principal, Role

KIND = "rest"
HOPS = 3
"""What changes hands while it is asked about is looked for so often."""


class Errand(Struct, frozen=True, kw_only=True):
    """A request on its way. ``route`` names what handles it: method and path as declared."""

    route: str
    params: dict[str, str]
    query: dict[str, str]
    body: bytes
    name: AgentName
    role: Role
    token: str
    remote: str
    once: str = ""


class Done(Struct, frozen=True, kw_only=True):
    """What it was answered there; ``gone``: that node does not decide about it any more either."""

    status: int = 200
    body: msgspec.Raw = field(default_factory=lambda: msgspec.Raw(b"null"))
    gone: str = ""


class Errands:
    """See the module's docstring."""

    def __init__(self, asks: Asks, new_id: NewId) -> None:
        self.sent = 0
        self._new_id = new_id
        self._asks = asks
        self._routes: dict[str, HttpRoute] = {}
        asks.serve(KIND, self._asked)

    def wrap(self, route: HttpRoute) -> HttpRoute:
        """The route, run at whichever node it must be."""
        if route.method == "GET" and not route.anywhere:
            return route
        name = f"{route.method} {route.path}"
        self._routes[name] = route

        async def handle(request: HttpRequest) -> HttpAnswer:
            try:
                return await route.handle(request)
            except Elsewhere as elsewhere:
                return await self._send(name, request, elsewhere.node)

        return replace(route, handle=handle)

    async def _send(self, route: str, request: HttpRequest, node: NodeName) -> HttpAnswer:
        who = request.principal
        if who is None:
            raise Refused("unavailable", f"{node} decides about this; ask it there")
        errand = Errand(
            route=route,
            params=dict(request.params),
            query=dict(request.query),
            body=request.body,
            name=who.name,
            role=who.role,
            token=who.token,
            remote=request.remote,
            once=request.once or f"errand:{self._new_id()}",
        )
        for _ in range(HOPS):
            done = await self._asks.ask(node, KIND, errand, Done)
            if not done.gone:
                self.sent += 1
                return HttpAnswer(status=done.status, body=bytes(done.body))
            node = NodeName(done.gone)
        raise Refused("unavailable", "it changes hands just now; try again")

    async def _asked(self, _asker: NodeName, said: bytes) -> bytes:
        errand = msgspec.json.decode(said, type=Errand)
        route = self._routes.get(errand.route)
        if route is None:
            raise Refused("unavailable", "this node is of another version; try it there")
        method, _, _ = errand.route.partition(" ")
        request = HttpRequest(
            method=method,
            path=route.path,
            params=errand.params,
            query=errand.query,
            headers={},
            body=errand.body,
            remote=errand.remote,
            principal=Principal(name=errand.name, role=errand.role, token=errand.token),
            once=errand.once,
        )
        try:
            answer = await route.handle(request)
        except Elsewhere as elsewhere:
            return msgspec.json.encode(Done(gone=elsewhere.node))
        body = answer.body if isinstance(answer.body, bytes) else msgspec.json.encode(answer.body)
        return msgspec.json.encode(Done(status=answer.status, body=msgspec.Raw(body or b"null")))
