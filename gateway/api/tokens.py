"""API tokens: made for a person or a service, shown once, revoked."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from gateway.api.auth import TokenAuth
from gateway.api.base import Done, Listed, Paged, asked, read, who
from gateway.api.needs import Tokens
from gateway.core.errors import Refused
from gateway.core.ids import AgentName
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute, Role
from gateway.store.views import TokenRow

TAG = "tokens"


class TokenQuery(Paged, frozen=True, kw_only=True):
    agent: str = ""


class NewToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``agent`` is an agent or the name of a service; no ``hours``: until it is revoked."""

    agent: Annotated[str, Meta(pattern=r"^[^\s/]{1,100}$")]
    role: Role = "agent"
    label: Annotated[str, Meta(max_length=200)] = ""
    hours: Annotated[float, Meta(gt=0, le=24 * 3_650)] | None = None


class TokenCard(Struct, frozen=True, kw_only=True):
    id: str
    agent: AgentName
    role: Role
    label: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None


class FreshToken(TokenCard, frozen=True, kw_only=True):
    """``token`` can be read here and never again."""

    token: str


def card(row: TokenRow) -> TokenCard:
    return TokenCard(
        id=row.id,
        agent=row.principal,
        role=row.role,
        label=row.note,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


class TokenResource:
    """See the module's docstring."""

    def __init__(self, tokens: Tokens, auth: TokenAuth) -> None:
        self._tokens = tokens
        self._auth = auth

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/tokens",
                handle=self._list,
                summary="Valid tokens: one's own, an admin's view of everybody's",
                asks=TokenQuery,
                gives=Listed[TokenCard],
                tag=TAG,
            ),
            HttpRoute(
                method="POST",
                path="/api/v1/tokens",
                handle=self._make,
                summary="Make a token",
                access="admin",
                takes=NewToken,
                gives=FreshToken,
                status=201,
                secret=True,
                tag=TAG,
            ),
            HttpRoute(
                method="DELETE",
                path="/api/v1/tokens/{id}",
                handle=self._revoke,
                summary="Revoke a token; acts within five seconds on every node",
                access="admin",
                gives=Done,
                tag=TAG,
            ),
        ]

    async def _list(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, TokenQuery)
        asker = who(request)
        mine = query.agent if asker.may("admin") else asker.name
        found = await self._tokens.listed(mine, query.cursor, query.limit)
        items = [card(row) for row in found.items]
        return HttpAnswer(body=Listed(items=items, next=found.next))

    async def _make(self, request: HttpRequest) -> HttpAnswer:
        wish = read(request, NewToken)
        issued = await self._auth.issue(
            AgentName(wish.agent), wish.role, hours=wish.hours, note=wish.label
        )
        row = card(issued.row)
        fresh = FreshToken(
            token=issued.token,
            id=row.id,
            agent=row.agent,
            role=row.role,
            label=row.label,
            created_at=row.created_at,
            expires_at=row.expires_at,
        )
        return HttpAnswer(status=201, body=fresh, headers={"Cache-Control": "no-store"})

    async def _revoke(self, request: HttpRequest) -> HttpAnswer:
        if not await self._auth.revoke(request.params["id"]):
            raise Refused("not_found", "there is no valid token with this id", "id")
        return HttpAnswer(body=Done())
