"""Work items over REST: lists, acts, traces, explanations."""

import asyncio

from gateway.store.contract import Batch, Term
from tests.support.apiworld import api_world
from tests.support.builders import mail


async def test_a_filed_task_is_listed_and_read_with_its_case() -> None:
    async with api_world() as world:
        filed = await world.file_task(priority=3)
        status, page = await world.call("GET", "/api/v1/items?state=open&queue=general")
        assert status == 200
        assert [i["id"] for i in page["items"]] == [filed["id"]]
        assert page["next"] is None
        status, item = await world.call("GET", f"/api/v1/items/{filed['id']}")
        assert (status, item["case"]["number"], item["priority"]) == (200, filed["number"], 3)


async def test_a_list_comes_in_parts() -> None:
    async with api_world() as world:
        ids = [(await world.file_task())["id"] for _ in range(5)]
        seen, cursor = [], ""
        while True:
            _, page = await world.call("GET", f"/api/v1/items?limit=2&cursor={cursor}")
            seen += [i["id"] for i in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == ids[::-1]


async def test_a_wrong_parameter_is_named() -> None:
    async with api_world() as world:
        for query, field in (
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("state=sleeping", "state"),
            ("since=yesterday", "since"),
            ("customer=nobody", "customer"),
            ("colour=red", "colour"),
        ):
            status, problem = await world.call("GET", f"/api/v1/items?{query}")
            assert (status, problem["errors"][0]["field"]) == (400, field), query


async def test_who_has_no_token_or_not_the_role_is_told_so() -> None:
    async with api_world() as world:
        filed = await world.file_task()
        assert (await world.call("GET", "/api/v1/items", token=""))[0] == 401
        assert (await world.call("GET", "/api/v1/items", token="nonsense"))[0] == 401
        ana = await world.token_for("ana")
        path = f"/api/v1/items/{filed['id']}/close"
        status, problem = await world.call("POST", path, {}, token=ana)
        assert (status, problem["title"]) == (403, "forbidden")


async def test_acts_answer_the_item_as_it_is_on_disk() -> None:
    async with api_world() as world:
        filed = await world.file_task()
        path = f"/api/v1/items/{filed['id']}"
        _, item = await world.call("POST", f"{path}/priority", {"priority": 9, "reason": "vip"})
        assert item["priority"] == 9
        _, item = await world.call("POST", f"{path}/assign", {"agent": "ana", "reason": "hers"})
        assert (item["state"], item["agent"]) == ("assigned", "ana")
        _, item = await world.call("POST", f"{path}/requeue", {"reason": "not hers"})
        assert (item["state"], item["agent"]) == ("queued", None)
        _, item = await world.call("POST", f"{path}/close", {"code": "done", "reason": "x"})
        assert (item["state"], item["code"]) == ("completed", "done")
        assert world.rig.tables.items[filed["id"]].state == "completed"


async def test_an_agent_takes_back_tasks_and_nothing_that_a_customer_waits_for() -> None:
    async with api_world() as world:
        token = await world.token_for("ana")
        (accepted,) = await world.rig.node.intake.receive([mail("m1")])
        decided = await world.rig.node.intake.decided(accepted)
        path = f"/api/v1/items/{decided.item}/cancel"
        status, problem = await world.call("POST", path, {}, token=token)
        assert (status, problem["title"]) == (403, "not_allowed")
        filed = await world.file_task()
        status, _ = await world.call("POST", f"/api/v1/items/{filed['id']}/cancel", {}, token=token)
        assert status == 200
        assert (await world.call("POST", path, {"reason": "spam"}))[0] == 200


async def test_an_act_on_what_is_done_is_a_conflict_that_says_so() -> None:
    async with api_world() as world:
        filed = await world.file_task()
        path = f"/api/v1/items/{filed['id']}"
        await world.call("POST", f"{path}/cancel", {"reason": "a mistake"})
        status, problem = await world.call("POST", f"{path}/assign", {"agent": "ana"})
        assert (status, problem["title"]) == (409, "wrong_state")
        assert "canceled" in problem["detail"]
        status, _ = await world.call("POST", "/api/v1/items/none/assign", {"agent": "ana"})
        assert status == 404


async def test_bad_bodies_name_the_field() -> None:
    async with api_world() as world:
        filed = await world.file_task()
        path = f"/api/v1/items/{filed['id']}"
        for act, body, field in (
            ("assign", {}, "agent"),
            ("assign", {"agent": "nobody"}, "agent"),
            ("requeue", {"queue": "nowhere"}, "queue"),
            ("priority", {"priority": 101}, "priority"),
            ("priority", {"priority": "high"}, "priority"),
            ("close", {"cod": "x"}, "cod"),
        ):
            status, problem = await world.call("POST", f"{path}/{act}", body)
            assert status in (400, 404), act
            assert problem["errors"][0]["field"] == field


async def test_the_trace_tells_everything_in_words() -> None:
    async with api_world() as world:
        filed = await world.file_task()
        path = f"/api/v1/items/{filed['id']}"
        await world.call("POST", f"{path}/assign", {"agent": "ana", "reason": "hers"})
        _, page = await world.call("GET", f"{path}/events")
        texts = [one["text"] for one in page["items"]]
        assert any("queue 'general'" in text for text in texts)
        assert "It was given to ana: assigned by bootstrap: hers" in texts
        assert all("{" not in text for text in texts)


async def test_a_waiting_item_is_explained_by_who_could_not_take_it() -> None:
    async with api_world() as world:
        filed = await world.file_task()
        _, said = await world.call("GET", f"/api/v1/items/{filed['id']}/explain")
        assert "it waits in queue 'general'" in said["text"]
        assert "1 is not connected (ana)" in said["text"]
        assert said["waits"]["groups"] == [
            {"why": "is not connected", "count": 1, "agents": ["ana"]}
        ]
        _, said = await world.call("GET", f"/api/v1/cases/{filed['number']}/explain")
        assert "it waits in queue 'general'" in said["text"]


async def test_an_answer_waits_until_its_effect_is_on_disk() -> None:
    async with api_world() as world:
        filed = await world.file_task()
        held, recorded = asyncio.Event(), asyncio.Event()
        world.rig.node.ledger.observe(lambda _: recorded.set())
        commit = world.rig.store.commit

        async def slow(term: Term, batch: Batch) -> None:
            await held.wait()
            await commit(term, batch)

        world.rig.store.commit = slow  # type: ignore[method-assign]
        path = f"/api/v1/items/{filed['id']}/priority"
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(world.call("POST", path, {"priority": 5}))
            await recorded.wait()
            live = group.create_task(world.call("GET", "/api/v1/live"))
            done, _ = await asyncio.wait({asking, live}, timeout=0.2)
            assert not done
            assert world.rig.tables.items[filed["id"]].priority == 0
            held.set()
        assert asking.result()[0] == 200


async def test_while_the_journal_cannot_be_written_acts_get_503() -> None:
    async with api_world() as world:
        filed = await world.file_task()
        world.rig.node.ledger.writable = False
        response = await world.raw(
            "POST", f"/api/v1/items/{filed['id']}/priority", json={"priority": 5}
        )
        assert response.status == 503
        assert response.headers["Retry-After"]


async def test_only_where_a_queue_allows_it_there_is_something_to_take() -> None:
    shelf = {"name": "shelf", "take_allowed": True}
    async with api_world() as world:
        token = await world.token_for("ana")
        general = await world.file_task()
        assert await world.call("GET", "/api/v1/takeable", token=token) == (
            200,
            {"queues": [], "items": []},
        )
        await world.call("PUT", "/api/v1/queues/shelf", shelf)
        later = await world.file_task(queue="shelf")
        first = await world.file_task(queue="shelf", priority=50)
        _, found = await world.call("GET", "/api/v1/takeable", token=token)
        assert found["queues"] == ["shelf"]
        assert [item["id"] for item in found["items"]] == [first["id"], later["id"]]
        assert general["id"] not in [item["id"] for item in found["items"]]
        await world.call("PUT", "/api/v1/agents/ana", {"queues": ["general"]})
        _, found = await world.call("GET", "/api/v1/takeable", token=token)
        assert found == {"queues": [], "items": []}
