"""Setting a channel up over REST: tried, let in by a provider, proved; secrets are not shown."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from channels.email import Settings, open_email
from channels.email.settings import Imap, OAuth2, Smtp
from gateway.core.ids import ChannelName
from tests.support import oauth
from tests.support.apiworld import ApiWorld, api_world, services_of
from tests.support.ports import free_port

pytestmark = pytest.mark.integration
MAIL = "/api/v1/channels/mail"


@pytest.fixture
async def world() -> AsyncIterator[ApiWorld]:
    """A node with a mailbox at a provider that nobody has let us into yet; its servers are away."""
    async with api_world() as world, oauth.authority() as provider:
        oauth2 = OAuth2(
            token_url=f"{provider.url}/token",
            authorize_url=f"{provider.url}/authorize",
            device_url=f"{provider.url}/device",
            client_id="app",
            consent=True,
        )
        port = free_port()
        settings = Settings(
            name=ChannelName("mail"),
            address="help@shop.example",
            imap=Imap(host="127.0.0.1", port=port, user="help", security="none", oauth2=oauth2),
            smtp=Smtp(host="127.0.0.1", port=port, user="help", security="none", oauth2=oauth2),
        )
        world.process.set("mail", "parked", "nobody has signed in", code="not_let_in")
        world.process.objects[settings.name] = open_email(settings, services_of(world.rig))
        yield world


async def test_the_settings_are_shown_without_secrets_and_to_admins_alone(world: ApiWorld) -> None:
    status, shown = await world.call("GET", MAIL)
    assert (status, shown["secrets"], shown["proves"]) == (200, ["password"], True)
    assert (shown["consent"]["state"], shown["consent"]["ways"]) == ("none", ["code", "page"])
    assert (await world.call("GET", "/api/v1/channels/office"))[1]["consent"] is None
    assert (await world.call("GET", "/api/v1/channels/nobody"))[0] == 404
    ana = await world.token_for("ana")
    for path in ("/check", "/proof", "/consent", "/consent/look"):
        assert (await world.call("POST", f"{MAIL}{path}", {}, token=ana))[0] == 403


async def test_what_is_tried_says_for_each_step_what_to_do(world: ApiWorld) -> None:
    for body in ({}, {"kind": "email", "colour": "red"}):
        status, told = await world.call("POST", f"{MAIL}/check", body)
        assert status == 200
        assert [one["fix"].split(" at ")[0] for one in told["steps"]] == ["nothing listens"] * 2
    status, problem = await world.call("POST", f"{MAIL}/check", {"kind": "email"})
    assert (status, problem["errors"][0]["field"]) == (400, "colour")


async def test_settings_are_guessed_for_an_address(world: ApiWorld) -> None:
    wish = {"address": "help@shop.example"}
    status, guess = await world.call("POST", "/api/v1/channels/guess", wish)
    assert (status, guess["settings"]["imap"]["user"]) == (200, "help@shop.example")
    status, problem = await world.call("POST", "/api/v1/channels/guess", {**wish, "kind": "fax"})
    assert (status, problem["errors"][0]["field"]) == (400, "kind")


async def test_an_admin_signs_in_at_the_provider_and_the_channel_starts_anew(
    world: ApiWorld,
) -> None:
    status, begun = await world.call("POST", f"{MAIL}/consent", {"way": "page"})
    assert (status, begun["state"]) == (200, "waiting")
    assert begun["back"].endswith("/api/v1/consent/back")
    async with (
        aiohttp.ClientSession() as session,
        session.get(begun["url"], allow_redirects=False) as answer,
    ):
        back = urlsplit(answer.headers["Location"])
    forged = await world.raw("GET", f"{back.path}?state=mail.forged&code=c", token="")
    assert forged.status == 400
    assert (await world.call("POST", f"{MAIL}/consent/look"))[1]["state"] == "waiting"
    thanks = await world.raw("GET", f"{back.path}?{back.query}", token="")
    assert (thanks.status, (await thanks.text())[:9]) == (200, "Thank you")
    assert parse_qs(back.query)["state"][0].startswith("mail.")
    assert (await world.call("POST", f"{MAIL}/consent/look"))[1]["state"] == "granted"
    assert world.process.states[ChannelName("mail")].state == "up"


async def test_a_mail_to_itself_that_cannot_leave_says_why(world: ApiWorld) -> None:
    status, proof = await world.call("POST", f"{MAIL}/proof", {})
    assert (status, proof["done"]) == (200, True)
    assert "nobody has signed in" in proof["steps"][0]["fix"]
    odd: dict[str, Any] = {"marks": ['plain:" OR ALL'], "began": "2026-01-01T00:00:00Z"}
    status, problem = await world.call("POST", f"{MAIL}/proof", odd)
    assert (status, problem["errors"][0]["field"]) == (400, "marks")
    naive = {"marks": ["plain:0123456789abcdef"], "began": "2026-01-01T00:00:00"}
    status, problem = await world.call("POST", f"{MAIL}/proof", naive)
    assert (status, problem["errors"][0]["field"]) == (400, "began")
    status, _ = await world.call("POST", "/api/v1/channels/office/proof", {})
    assert status == 404
