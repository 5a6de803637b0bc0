"""Setting a channel up: its settings without secrets, tried, proved, and let in by a provider."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Protocol, runtime_checkable

from msgspec import Meta, Struct

from gateway.api.base import read
from gateway.api.directory_types import check_name
from gateway.api.needs import ChannelRoom
from gateway.core.errors import Refused
from gateway.core.ids import ChannelName
from gateway.ports import (
    AsksConsent,
    Consent,
    ConsentWay,
    Guess,
    HttpAnswer,
    HttpRequest,
    HttpRoute,
    Proof,
    Proves,
    Step,
)

TAG = "channels"
PATIENCE_SECONDS = 45.0
BACK = "/api/v1/consent/back"
"""Where a provider sends an admin back to."""
Settings = dict[str, Any]


@runtime_checkable
class Checks(Protocol):
    """What every channel can (``ports.Channel``)."""

    async def check(self) -> list[tuple[str, str | None]]: ...


class ChannelShown(Struct, frozen=True, kw_only=True):
    """How a channel is set up. ``secrets`` are paths (``imap.password``) of those that are set.

    A ``PUT`` that leaves one of them out keeps it. ``consent``: ``null`` where none is needed;
    ``proves``: it can send something to itself.
    """

    name: ChannelName
    settings: Settings
    secrets: list[str]
    proves: bool
    consent: Consent | None


class Checked(Struct, frozen=True, kw_only=True):
    """What was tried, in order."""

    steps: list[Step]


class GuessWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For which address, of which kind of channel."""

    address: Annotated[str, Meta(max_length=320)]
    kind: str = "email"


class ProofWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing: send it. ``marks`` and ``began`` as they were answered: look for it."""

    marks: Annotated[tuple[str, ...], Meta(max_length=10)] = ()
    began: Annotated[datetime, Meta(tz=True)] | None = None


class ConsentWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``code``: one is typed at the provider; ``page``: the provider's page comes back to us."""

    way: ConsentWay


class ChannelSetup:
    """See the module's docstring. What is sent to be tried is not kept."""

    def __init__(self, room: ChannelRoom, public_url: str) -> None:
        self._room = room
        self._back = f"{public_url.rstrip('/')}{BACK}"

    def routes(self) -> list[HttpRoute]:
        one = "/api/v1/channels/{name}"
        return [
            _route("GET", one, self._one, "How a channel is set up, without secrets", ChannelShown),
            _route(
                "POST",
                "/api/v1/channels/guess",
                self._guess,
                "Settings that may fit an address",
                Guess,
                GuessWish,
            ),
            _route(
                "POST",
                f"{one}/check",
                self._check,
                "Really connect: as the channel is, or as the settings in the body have it",
                Checked,
                Settings,
            ),
            _route(
                "POST",
                f"{one}/proof",
                self._proof,
                "Have the channel send something to itself, then look whether it has come",
                Proof,
                ProofWish,
            ),
            _route(
                "POST",
                f"{one}/consent",
                self._begin,
                "Begin to sign in at the provider",
                Consent,
                ConsentWish,
            ),
            _route(
                "POST",
                f"{one}/consent/look",
                self._look,
                "How far the sign-in at the provider is; once granted, the channel starts anew",
                Consent,
            ),
            HttpRoute(
                method="GET",
                path=BACK,
                handle=self._came_back,
                summary="Where a provider sends an admin back to after signing in",
                access="public",
                gives=bytes,
                produces="text/plain",
                tag=TAG,
            ),
        ]

    async def _one(self, request: HttpRequest) -> HttpAnswer:
        name = ChannelName(request.params["name"])
        settings, secrets = self._room.settings_of(name)
        channel = self._room.channel(name)
        shown = ChannelShown(
            name=name,
            settings=settings,
            secrets=secrets,
            proves=isinstance(channel, Proves),
            consent=await channel.consent() if isinstance(channel, AsksConsent) else None,
        )
        return HttpAnswer(body=shown)

    async def _guess(self, request: HttpRequest) -> HttpAnswer:
        wish = read(request, GuessWish)
        guess = self._room.guesses(wish.kind)
        if guess is None:
            raise Refused("bad_field", f"nothing can be guessed for {wish.kind!r}", "kind")
        return HttpAnswer(body=await guess(wish.address))

    async def _check(self, request: HttpRequest) -> HttpAnswer:
        name = request.params["name"]
        settings = read(request, Settings)
        if settings:
            check_name(name)
            given = {key: value for key, value in settings.items() if key != "name"}
            channel: object = self._room.trial(ChannelName(name), given)
        else:
            channel = self._channel(request)
        if not isinstance(channel, Checks):
            raise Refused("not_available", "such a channel cannot be tried", "name")
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await channel.check()
        except TimeoutError:
            fix = f"no answer within {PATIENCE_SECONDS:.0f} s: look at host and port"
            return HttpAnswer(body=Checked(steps=[Step(what=f"channel {name}", fix=fix)]))
        return HttpAnswer(body=Checked(steps=[Step(what=what, fix=fix) for what, fix in found]))

    async def _proof(self, request: HttpRequest) -> HttpAnswer:
        wish = read(request, ProofWish)
        channel = self._channel(request)
        if not isinstance(channel, Proves):
            raise Refused("not_available", "such a channel sends nothing to itself", "name")
        if not wish.marks or wish.began is None:
            return HttpAnswer(body=await channel.send_proof())
        proof = Proof(marks=wish.marks, began=wish.began)
        return HttpAnswer(body=await channel.look_for_proof(proof))

    async def _begin(self, request: HttpRequest) -> HttpAnswer:
        wish = read(request, ConsentWish)
        return HttpAnswer(body=await self._asking(request).begin_consent(wish.way, self._back))

    async def _look(self, request: HttpRequest) -> HttpAnswer:
        consent = await self._asking(request).consent()
        if consent is None:
            raise Refused("not_available", "nobody has to sign in for this channel", "name")
        if consent.state == "granted":
            await self._wake(ChannelName(request.params["name"]))
        return HttpAnswer(body=consent)

    async def _came_back(self, request: HttpRequest) -> HttpAnswer:
        name = ChannelName(request.query.get("state", "").rpartition(".")[0])
        channel = self._room.channel(name)
        if not isinstance(channel, AsksConsent):
            raise Refused("bad_field", "this is not the answer that is waited for", "state")
        consent = await channel.came_back(request.query)
        if consent.state != "granted":
            return _plain(400, f"It did not work: {consent.reason}\nGo back to Switchroom.\n")
        await self._wake(name)
        return _plain(200, "Thank you. You may close this page and go back to Switchroom.\n")

    async def _wake(self, name: ChannelName) -> None:
        """Where it runs elsewhere it looks by itself, now and then."""
        card = next((one for one in self._room.cards() if one.name == name), None)
        if card is not None and card.health in {"down", "parked"}:
            await self._room.resume(name)

    def _asking(self, request: HttpRequest) -> AsksConsent:
        channel = self._channel(request)
        if not isinstance(channel, AsksConsent):
            raise Refused("not_available", "nobody has to sign in for such a channel", "name")
        return channel

    def _channel(self, request: HttpRequest) -> object:
        name = ChannelName(request.params["name"])
        channel = self._room.channel(name)
        if channel is None:
            raise Refused("not_found", f"there is no channel {name!r}", "name")
        return channel


def _plain(status: int, text: str) -> HttpAnswer:
    return HttpAnswer(status=status, body=text.encode(), type="text/plain; charset=utf-8")


def _route(
    method: str, path: str, handle: Any, summary: str, gives: Any, takes: Any = None
) -> HttpRoute:
    return HttpRoute(
        method=method,
        path=path,
        handle=handle,
        summary=summary,
        access="admin",
        takes=takes,
        gives=gives,
        tag=TAG,
        secret=True,
    )
