"""Tokens and passwords: who comes in, who does not, and how fast a revocation acts."""

import asyncio

import pytest

from gateway.api.auth import BELIEVED_SECONDS, Passwords, TokenAuth
from gateway.core.errors import Refused
from gateway.core.ids import AgentName
from gateway.core.model import AgentProfile
from tests.support.apiworld import QUICK, FakeTokens, api_world
from tests.support.builders import HandClock, counted_ids
from tests.support.memory_tables import Tables


def an_auth(
    clock: HandClock, profiles: dict[AgentName, AgentProfile] | None = None
) -> tuple[TokenAuth, FakeTokens]:
    tokens = FakeTokens(Tables(counted_ids(), clock.now))
    auth = TokenAuth(
        tokens, clock, counted_ids(), (profiles or {}).get, bootstrap_token="boot strap"
    )
    return auth, tokens


async def test_a_token_is_known_by_its_hash_alone() -> None:
    auth, tokens = an_auth(HandClock())
    issued = await auth.issue(AgentName("crm"), "agent", hours=None, note="")
    principal = await auth.principal(issued.token)
    assert principal is not None
    assert (principal.name, principal.role) == ("crm", "agent")
    assert issued.token not in repr(tokens.rows)
    assert await auth.principal(issued.token + "x") is None


async def test_the_bootstrap_token_is_an_admin_and_an_empty_one_is_nobody() -> None:
    auth, tokens = an_auth(HandClock())
    principal = await auth.principal("boot strap")
    assert principal is not None
    assert principal.role == "admin"
    none = TokenAuth(tokens, HandClock(), counted_ids(), lambda _: None, bootstrap_token="")
    assert await none.principal("") is None


async def test_a_token_revoked_elsewhere_is_believed_for_less_than_five_seconds() -> None:
    clock = HandClock()
    auth, tokens = an_auth(clock)
    issued = await auth.issue(AgentName("crm"), "agent", hours=None, note="")
    assert await auth.principal(issued.token) is not None
    tokens.rows.clear()
    assert await auth.principal(issued.token) is not None
    assert tokens.asked == 1
    clock.seconds += BELIEVED_SECONDS
    assert BELIEVED_SECONDS < 5
    assert await auth.principal(issued.token) is None


async def test_a_token_revoked_here_is_not_believed_at_all() -> None:
    auth, _ = an_auth(HandClock())
    issued = await auth.issue(AgentName("crm"), "agent", hours=None, note="")
    assert await auth.principal(issued.token) is not None
    assert await auth.revoke(issued.row.id)
    assert await auth.principal(issued.token) is None
    assert not await auth.revoke(issued.row.id)
    assert await auth.revoked({issued.row.id, "bootstrap"}) == {issued.row.id}


async def test_a_token_ends_at_its_hour_though_it_is_remembered() -> None:
    clock = HandClock()
    auth, _ = an_auth(clock)
    issued = await auth.issue(AgentName("crm"), "agent", hours=1, note="")
    clock.seconds = 3599
    assert await auth.principal(issued.token) is not None
    clock.seconds = 3601
    assert await auth.principal(issued.token) is None


async def test_a_token_never_gives_more_than_the_directory_does() -> None:
    ana = AgentProfile(name=AgentName("ana"), role="supervisor", display_name="Ana")
    auth, _ = an_auth(HandClock(), {ana.name: ana})
    high = await auth.issue(ana.name, "admin", hours=None, note="")
    low = await auth.issue(ana.name, "agent", hours=None, note="")
    found = [await auth.principal(i.token) for i in (high, low)]
    assert [p.role for p in found if p] == ["supervisor", "agent"]
    assert found[0] is not None
    assert found[0].display_name == "Ana"


async def test_five_wrong_passwords_make_one_wait_but_nobody_else() -> None:
    clock = HandClock()
    tokens = FakeTokens(Tables(counted_ids(), clock.now))
    passwords = Passwords(tokens, clock, QUICK)
    await tokens.save_login(AgentName("ana"), await passwords.hash("right"), "agent")
    for _ in range(5):
        with pytest.raises(Refused) as wrong:
            await passwords.role_of("ana", "wrong", "1.1.1.1")
        assert wrong.value.code == "unauthorized"
    with pytest.raises(Refused) as paced:
        await passwords.role_of("ana", "right", "1.1.1.1")
    assert paced.value.code == "too_fast"
    assert await passwords.role_of("ana", "right", "2.2.2.2") == "agent"
    clock.seconds += 301
    assert await passwords.role_of("ana", "right", "1.1.1.1") == "agent"


class Line:
    """Counts how long those who sign in are made to wait."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


async def tried_out(*pairs: tuple[str, str]) -> tuple[Passwords, Line, HandClock]:
    """Wrong passwords, by name and address; ana's is ``right``, and she has come from home once."""
    clock, line = HandClock(), Line()
    tokens = FakeTokens(Tables(counted_ids(), clock.now))
    passwords = Passwords(tokens, clock, QUICK, sleep=line.sleep)
    await tokens.save_login(AgentName("ana"), await passwords.hash("right"), "agent")
    assert await passwords.role_of("ana", "right", "home") == "agent"
    for name, remote in pairs:
        with pytest.raises(Refused):
            await passwords.role_of(name, "wrong", remote)
    return passwords, line, clock


async def test_many_names_from_one_address_are_slowed_and_nobody_is_shut_out() -> None:
    spray = [(f"name{n}", "1.1.1.1") for n in range(40)]
    passwords, line, clock = await tried_out(*spray)
    assert len(line.waits) == 20
    assert line.waits == sorted(line.waits)
    line.waits.clear()
    assert await passwords.role_of("ana", "right", "1.1.1.1") == "agent"
    assert len(line.waits) == 1
    assert await passwords.role_of("ana", "right", "1.1.1.1") == "agent"
    assert await passwords.role_of("ana", "right", "2.2.2.2") == "agent"
    assert len(line.waits) == 1
    clock.seconds += 301
    with pytest.raises(Refused):
        await passwords.role_of("name99", "wrong", "1.1.1.1")
    assert len(line.waits) == 1


async def test_one_name_from_many_addresses_is_slowed_but_not_for_who_came_from_there() -> None:
    spray = [("ana", f"10.0.0.{n}") for n in range(40)]
    passwords, line, _ = await tried_out(*spray)
    assert len(line.waits) == 20
    line.waits.clear()
    assert await passwords.role_of("ana", "right", "home") == "agent"
    assert line.waits == []
    assert await passwords.role_of("ana", "right", "new.example") == "agent"
    assert len(line.waits) == 1


async def test_where_more_sign_in_than_mistype_nobody_is_slowed() -> None:
    clock, line = HandClock(), Line()
    tokens = FakeTokens(Tables(counted_ids(), clock.now))
    passwords = Passwords(tokens, clock, QUICK, sleep=line.sleep)
    right = await passwords.hash("right")
    for n in range(60):
        await tokens.save_login(AgentName(f"a{n}"), right, "agent")
        assert await passwords.role_of(f"a{n}", "right", "proxy") == "agent"
        if n % 2:
            with pytest.raises(Refused):
                await passwords.role_of(f"b{n}", "wrong", "proxy")
    assert line.waits == []


async def test_an_unknown_name_is_answered_like_a_wrong_password() -> None:
    clock = HandClock()
    tokens = FakeTokens(Tables(counted_ids(), clock.now))
    passwords = Passwords(tokens, clock, QUICK)
    await tokens.save_login(AgentName("ana"), await passwords.hash("right"), "agent")
    said = []
    for name in ("ana", "nobody"):
        with pytest.raises(Refused) as refused:
            await passwords.role_of(name, "wrong", "1.1.1.1")
        said.append((refused.value.code, refused.value.detail))
    assert said[0] == said[1]


async def test_login_gives_a_token_that_logout_ends() -> None:
    async with api_world() as world:
        status, _ = await world.call("PUT", "/api/v1/agents/ana", {"password": "long enough"})
        assert status == 200
        wish = {"name": "ana", "password": "long enough"}
        status, signed_in = await world.call("POST", "/api/v1/login", wish, token="")
        assert status == 200
        assert signed_in["agent"]["name"] == "ana"
        token = signed_in["token"]
        assert (await world.call("GET", "/api/v1/items", token=token))[0] == 200
        assert (await world.call("POST", "/api/v1/logout", token=token))[0] == 200
        assert (await world.call("GET", "/api/v1/items", token=token))[0] == 401


async def test_a_removed_agent_is_out_at_once() -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/agents/ana", {"password": "long enough"})
        token = await world.token_for("ana")
        assert (await world.call("GET", "/api/v1/items", token=token))[0] == 200
        assert (await world.call("DELETE", "/api/v1/agents/ana"))[0] == 200
        assert (await world.call("GET", "/api/v1/items", token=token))[0] == 401
        wish = {"name": "ana", "password": "long enough"}
        assert (await world.call("POST", "/api/v1/login", wish, token=""))[0] == 401


async def test_tokens_are_shown_once_listed_without_their_secret_and_revoked() -> None:
    async with api_world() as world:
        wish = {"agent": "crm", "role": "agent", "label": "orders"}
        status, fresh = await world.call("POST", "/api/v1/tokens", wish)
        assert status == 201
        _, listed = await world.call("GET", "/api/v1/tokens")
        assert [row["label"] for row in listed["items"]] == ["orders"]
        assert fresh["token"] not in str(listed)
        token = fresh["token"]
        assert (await world.call("GET", "/api/v1/items", token=token))[0] == 200
        _, own = await world.call("GET", "/api/v1/tokens?agent=somebody", token=token)
        assert [row["agent"] for row in own["items"]] == ["crm"]
        assert (await world.call("DELETE", f"/api/v1/tokens/{fresh['id']}"))[0] == 200
        assert (await world.call("GET", "/api/v1/items", token=token))[0] == 401


async def test_slow_password_checks_do_not_pile_up() -> None:
    clock = HandClock()
    tokens = FakeTokens(Tables(counted_ids(), clock.now))
    passwords = Passwords(tokens, clock, QUICK)
    await tokens.save_login(AgentName("ana"), await passwords.hash("right"), "agent")
    asking = [passwords.role_of("ana", "right", f"1.1.1.{n}") for n in range(20)]
    assert await asyncio.gather(*asking) == ["agent"] * 20
