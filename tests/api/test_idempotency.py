"""The same key again: the same answer, done once."""

import asyncio

import msgspec
import pytest

from gateway.api.idempotency import Idempotency
from gateway.core.errors import Refused
from gateway.core.ids import AgentName
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute, Principal
from gateway.store.contract import Unavailable
from gateway.store.opening import new_id
from tests.support.apiworld import FakeKeys, api_world
from tests.support.builders import HandClock


class Counter:
    """A resource that counts how often it was really asked, in one process or the next."""

    def __init__(self, keys: FakeKeys | None = None, *, secret: bool = False) -> None:
        self.clock = HandClock()
        self.keys = keys or FakeKeys()
        self.count = 0
        self.go = asyncio.Event()
        self.go.set()
        self.fails = False
        self.breaks = False
        route = HttpRoute(method="POST", path="/x", handle=self._handle, summary="x", secret=secret)
        self.route = Idempotency(self.clock, self.keys, new_id).wrap(route)

    async def _handle(self, request: HttpRequest) -> HttpAnswer:
        await self.go.wait()
        self.count += 1
        if self.fails:
            raise Refused("unavailable", "not now")
        if self.breaks:
            raise RuntimeError("a bug, after the effect")
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
        kept = isinstance(answer.body, bytes)
        return int((msgspec.json.decode(answer.body) if kept else answer.body)["n"])


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


async def test_an_answer_is_told_again_by_the_next_process() -> None:
    first = Counter()
    assert await first.ask("k") == 1
    second = Counter(first.keys)
    assert await second.ask("k") == 1
    assert second.count == 0
    with pytest.raises(Refused) as refused:
        await second.ask("k", b'{"a":2}')
    assert refused.value.code == "key_reused"


async def test_what_was_interrupted_is_not_done_again() -> None:
    first = Counter()
    first.go.clear()
    asked = asyncio.ensure_future(first.ask("k"))  # noqa: TID251 - cut off, as by a crash
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    for counter in (first, Counter(first.keys)):
        counter.go.set()
        with pytest.raises(Refused) as refused:
            await counter.ask("k")
        assert refused.value.code == "conflict"
        assert counter.count == 0
    assert await first.ask("another") == 1


async def test_what_a_fault_of_ours_ended_after_its_effect_is_not_done_again() -> None:
    first = Counter()
    first.breaks = True
    with pytest.raises(RuntimeError):
        await first.ask("k")
    first.breaks = False
    for counter in (first, Counter(first.keys)):
        with pytest.raises(Refused) as refused:
            await counter.ask("k")
        assert refused.value.code == "conflict"
    assert first.count == 1


async def test_nothing_is_done_before_the_key_is_on_disk() -> None:
    counter = Counter()
    counter.keys.away = True
    with pytest.raises(Unavailable):
        await counter.ask("k")
    assert counter.count == 0
    counter.keys.away = False
    assert await counter.ask("k") == 1


async def test_a_failure_that_cannot_be_written_down_leaves_the_key_to_this_process() -> None:
    counter = Counter()
    counter.fails = True
    asked = asyncio.ensure_future(counter.ask("k"))  # noqa: TID251 - to change the world meanwhile
    counter.go.clear()
    await asyncio.sleep(0)
    counter.keys.away = True
    counter.go.set()
    with pytest.raises(Refused):
        await asked
    counter.keys.away = counter.fails = False
    assert await counter.ask("k") == 2


async def test_an_answer_with_a_secret_is_kept_in_this_process_alone() -> None:
    first = Counter(secret=True)
    assert [await first.ask("k"), await first.ask("k")] == [1, 1]
    assert all(row.answer is None for row in first.keys.rows.values())
    second = Counter(first.keys, secret=True)
    with pytest.raises(Refused) as refused:
        await second.ask("k")
    assert (refused.value.code, second.count) == ("conflict", 0)


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
