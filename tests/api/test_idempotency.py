"""The same key again: the same answer, done once."""

import asyncio

import pytest

from gateway.api.idempotency import KEPT_SECONDS, Idempotency
from gateway.core.errors import Refused
from gateway.core.ids import AgentName
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute, Principal
from tests.support.apiworld import api_world
from tests.support.builders import HandClock


class Counter:
    """A resource that counts how often it was really asked."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.count = 0
        self.go = asyncio.Event()
        self.go.set()
        self.fails = False
        route = HttpRoute(method="POST", path="/x", handle=self._handle, summary="x")
        self.route = Idempotency(self.clock).wrap(route)

    async def _handle(self, request: HttpRequest) -> HttpAnswer:
        await self.go.wait()
        self.count += 1
        if self.fails:
            raise Refused("unavailable", "not now")
        return HttpAnswer(body={"n": self.count})

    async def ask(self, key: str | None, body: bytes = b"{}", who: str = "ana") -> int:
        answer = await self.route.handle(
            HttpRequest(
                method="POST",
                path="/x",
                params={},
                query={},
                headers={"idempotency-key": key} if key is not None else {},
                body=body,
                remote="",
                principal=Principal(name=AgentName(who), role="agent", token="t"),
            )
        )
        return int(answer.body["n"])


async def test_a_repeat_has_no_second_effect() -> None:
    counter = Counter()
    assert [await counter.ask("k"), await counter.ask("k")] == [1, 1]
    assert await counter.ask("other") == 2
    assert await counter.ask(None) == 3


async def test_everybody_has_keys_of_their_own() -> None:
    counter = Counter()
    assert [await counter.ask("k", who="ana"), await counter.ask("k", who="bob")] == [1, 2]


async def test_the_key_with_another_body_is_refused() -> None:
    counter = Counter()
    await counter.ask("k", b'{"a":1}')
    with pytest.raises(Refused) as refused:
        await counter.ask("k", b'{"a":2}')
    assert refused.value.code == "key_reused"


async def test_two_at_the_same_moment_are_one() -> None:
    counter = Counter()
    counter.go.clear()
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(counter.ask("k")) for _ in range(2)]
        await asyncio.sleep(0)
        counter.go.set()
    assert [one.result() for one in both] == [1, 1]


async def test_what_failed_may_be_tried_again_with_its_key() -> None:
    counter = Counter()
    counter.fails = True
    with pytest.raises(Refused):
        await counter.ask("k")
    counter.fails = False
    assert await counter.ask("k") == 2


async def test_a_key_is_forgotten_after_a_day() -> None:
    counter = Counter()
    await counter.ask("k")
    counter.clock.seconds = KEPT_SECONDS - 1
    assert await counter.ask("k") == 1
    counter.clock.seconds = KEPT_SECONDS + 1
    assert await counter.ask("k") == 2


@pytest.mark.parametrize("key", ["", "k" * 256, "a\nb"])
async def test_an_unusable_key_is_refused(key: str) -> None:
    with pytest.raises(Refused) as refused:
        await Counter().ask(key)
    assert refused.value.field == "Idempotency-Key"


async def test_a_supervisors_act_is_done_once() -> None:
    async with api_world() as world:
        filed = await world.file_task()
        path = f"/api/v1/items/{filed['id']}/close"
        for _ in range(2):
            status, item = await world.call("POST", path, {"code": "x"}, Idempotency_Key="one")
            assert (status, item["state"]) == (200, "completed")
        status, problem = await world.call("POST", path, {"code": "y"}, Idempotency_Key="one")
        assert (status, problem["title"]) == (422, "key_reused")
