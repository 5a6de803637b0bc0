"""Coming in: what a page needs to know first, login, logout."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.api.auth import BOOTSTRAP, Passwords, TokenAuth
from gateway.api.base import Done, read, who
from gateway.api.house import House
from gateway.core.errors import Refused
from gateway.core.ids import AgentName
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute, Role

TAG = "sessions"


class Bootstrap(Struct, frozen=True, kw_only=True):
    """What a page needs before login. Of addresses this node's own comes first."""

    agent_ws: list[str]
    chat_ws: list[str]
    locales: list[str]
    sign_in: list[Literal["password"]]
    node: str
    version: str


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    password: Annotated[str, Meta(min_length=1, max_length=1_000)]


class SignedInAgent(Struct, frozen=True, kw_only=True):
    name: AgentName
    display_name: str
    role: Role


class SignedIn(Struct, frozen=True, kw_only=True):
    """A token for ``Authorization: Bearer``, and whose it is."""

    token: str
    agent: SignedInAgent


class Sessions:
    """Login and logout."""

    def __init__(self, house: House, auth: TokenAuth, passwords: Passwords) -> None:
        self._house = house
        self._auth = auth
        self._passwords = passwords

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/bootstrap",
                handle=self._bootstrap,
                summary="What a page needs before login",
                access="public",
                gives=Bootstrap,
                tag=TAG,
            ),
            HttpRoute(
                method="POST",
                path="/api/v1/login",
                handle=self._login,
                summary="Sign in with a password",
                access="public",
                takes=Login,
                gives=SignedIn,
                tag=TAG,
                max_body=10_000,
            ),
            HttpRoute(
                method="POST",
                path="/api/v1/logout",
                handle=self._logout,
                summary="End the token that asks",
                gives=Done,
                tag=TAG,
            ),
        ]

    async def _bootstrap(self, _request: HttpRequest) -> HttpAnswer:
        site, peers = self._house.site, self._house.peers
        body = Bootstrap(
            agent_ws=[site.agent_ws, *peers("agent")],
            chat_ws=[site.chat_ws, *peers("chat")],
            locales=list(site.locales),
            sign_in=["password"],
            node=site.node,
            version=site.version,
        )
        return HttpAnswer(body=body)

    async def _login(self, request: HttpRequest) -> HttpAnswer:
        given = read(request, Login)
        await self._passwords.role_of(given.name, given.password, request.remote)
        name = AgentName(given.name)
        profile = self._house.node.ledger.state.profiles.get(name)
        if profile is None:
            raise Refused("unauthorized", f"{name!r} does not work here any more")
        issued = await self._auth.issue(
            name, profile.role, hours=self._house.token_hours, note="login"
        )
        agent = SignedInAgent(name=name, display_name=profile.display_name, role=profile.role)
        return HttpAnswer(
            body=SignedIn(token=issued.token, agent=agent), headers={"Cache-Control": "no-store"}
        )

    async def _logout(self, request: HttpRequest) -> HttpAnswer:
        token = who(request).token
        if token != BOOTSTRAP:
            await self._auth.revoke(token)
        return HttpAnswer(body=Done())
