"""Signing in against those who hurry, and those who are not wanted any more."""

import asyncio
from collections.abc import Collection

import pytest

from gateway.api.auth import ATTEMPTS, BOOTSTRAP, HASHING_AT_ONCE, Passwords, TokenAuth
from gateway.core.errors import Refused
from gateway.core.ids import AgentName
from gateway.ports import Role
from gateway.store.contract import Unavailable
from gateway.store.views import TokenRow
from tests.support.apiworld import QUICK, FakeTokens, api_world
from tests.support.builders import HandClock, counted_ids
from tests.support.memory_tables import Tables


async def test_guessing_many_passwords_at_once_gets_no_more_tries_than_one_by_one() -> None:
    clock = HandClock()
    tokens = FakeTokens(Tables(counted_ids(), clock.now))
    passwords = Passwords(tokens, clock, QUICK)
    await tokens.save_login(AgentName("ana"), await passwords.hash("right"), "agent")

    async def guess(n: int) -> Role | str:
        try:
            return await passwords.role_of("ana", f"guess {n}", "1.1.1.1")
        except Refused as refused:
            return refused.code

    said = await asyncio.gather(*(guess(n) for n in range(100)))
    assert said.count("unauthorized") < ATTEMPTS + HASHING_AT_ONCE
    assert set(said) == {"unauthorized", "too_fast"}


async def test_a_sweep_for_revoked_tokens_survives_that_the_database_is_away() -> None:
    """The first night of random faults: a cut during the sweep ended the whole node."""
    clock = HandClock()

    class Away(FakeTokens):
        async def dead(self, ids: Collection[str]) -> set[str]:
            raise Unavailable("connection was closed in the middle of operation")

        async def holder(self, digest: bytes) -> TokenRow | None:
            raise Unavailable("no primary database")

    auth = TokenAuth(
        Away(Tables(counted_ids(), clock.now)), clock, counted_ids(), lambda _name: None
    )
    with pytest.raises(Refused, match="does not answer") as refused:
        await auth.revoked({"some token"})
    assert refused.value.code == "unavailable"
    with pytest.raises(Refused, match="does not answer"):  # its desktop is told to come again
        await auth.principal("some token")
    assert not await auth.revoked({BOOTSTRAP})


async def test_an_agent_declared_inactive_is_out_at_once() -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/agents/ana", {"password": "long enough"})
        token = await world.token_for("ana")
        assert (await world.call("GET", "/api/v1/items", token=token))[0] == 200
        wish = {"agents": [{"name": "ana", "active": False}]}
        assert (await world.call("PUT", "/api/v1/directory", wish))[0] == 200
        assert (await world.call("GET", "/api/v1/items", token=token))[0] == 401
        login = {"name": "ana", "password": "long enough"}
        assert (await world.call("POST", "/api/v1/login", login, token=""))[0] == 401
