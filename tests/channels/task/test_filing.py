"""Tasks filed by REST, over a whole node: once each, checked, answered the same again."""

import asyncio
from typing import Any

from gateway.core.ids import ItemId
from tests.support.apiworld import ApiWorld, api_world

FULL: dict[str, Any] = {
    "title": "Check the refund",
    "body": "Order 4711",
    "queue": "general",
    "category": "refunds",
    "skills": {"billing": 2},
    "language": "de",
    "priority": 10,
    "due_at": "2026-03-05T12:00:00+01:00",
    "customer": {"kind": "account", "value": "A-1", "name": "Mia"},
    "attributes": {"order": 4711, "vip": True, "note": None},
    "callback_url": "http://127.0.0.1:9/hook",
}


def items(world: ApiWorld) -> int:
    return len(world.rig.tables.items)


async def test_a_task_becomes_a_work_item_with_all_it_says() -> None:
    async with api_world() as world:
        response = await world.raw("POST", "/api/v1/tasks", json=FULL)
        filed = await response.json()
        assert response.status == 201
        assert response.headers["Location"] == f"/api/v1/items/{filed['id']}"
        item = world.rig.tables.items[ItemId(filed["id"])]
        assert (item.subject, item.priority, item.number) == (FULL["title"], 10, filed["number"])
        assert item.requirement.skills == {"billing": 2}
        assert item.attributes == FULL["attributes"]
        assert item.address == FULL["callback_url"]
        assert item.due_at is not None
        assert item.due_at.isoformat() == "2026-03-05T11:00:00+00:00"
        assert item.customer is not None
        assert (item.customer.name, item.customer.verified) == ("Mia", True)
        assert world.rig.tables.cases[item.case].category == "refunds"


async def test_what_a_system_files_about_a_customer_is_not_said_by_the_customer() -> None:
    async with api_world() as world:
        await world.call("POST", "/api/v1/tasks", FULL)
        (said,) = world.rig.tables.messages.values()
        assert (said.author.kind, said.author.name, said.author.id) == ("system", "bootstrap", "")


async def test_every_wrong_field_is_named() -> None:
    async with api_world() as world:
        for change, field in (
            ({"title": ""}, "title"),
            ({"title": "  "}, "title"),
            ({"title": None}, "title"),
            ({"title": 7}, "title"),
            ({"body": "x" * 200_001}, "body"),
            ({"queue": "nowhere"}, "queue"),
            ({"skills": {"de": 6}}, "skills[...]"),
            ({"language": "not a language"}, "language"),
            ({"priority": 101}, "priority"),
            ({"priority": "high"}, "priority"),
            ({"due_at": "2026-03-05T12:00:00"}, "due_at"),
            ({"due_at": "tomorrow"}, "due_at"),
            ({"customer": {"kind": "pigeon", "value": "x"}}, "customer.kind"),
            ({"customer": {"kind": "email", "value": "nobody"}}, "customer.value"),
            ({"customer": {"kind": "phone", "value": "030 123"}}, "customer.value"),
            ({"attributes": {str(n): n for n in range(51)}}, "attributes"),
            ({"attributes": {"a": [1]}}, "attributes[...]"),
            ({"callback_url": "ftp://x"}, "callback_url"),
            ({"callback_url": "http://169.254.169.254/"}, "callback_url"),
            ({"titel": "x"}, "titel"),
        ):
            status, problem = await world.call("POST", "/api/v1/tasks", {**FULL, **change})
            assert (status, problem["errors"][0]["field"]) == (400, field), change
        status, problem = await world.call("POST", "/api/v1/tasks", {"body": "no title"})
        assert (status, problem["errors"][0]["field"]) == (400, "title")
        assert items(world) == 0


async def test_who_has_no_token_files_nothing() -> None:
    async with api_world() as world:
        assert (await world.call("POST", "/api/v1/tasks", FULL, token=""))[0] == 401
        assert items(world) == 0


async def test_the_same_key_is_the_same_item_and_the_same_answer() -> None:
    async with api_world(ready=True) as world:
        wish = {"title": "Check the refund", "due_at": FULL["due_at"]}
        first = await world.call("POST", "/api/v1/tasks", wish, Idempotency_Key="k1")
        await world.until(lambda: world.rig.tables.items[first[1]["id"]].state == "offered")
        second = await world.call("POST", "/api/v1/tasks", wish, Idempotency_Key="k1")
        assert first == second
        assert items(world) == 1


async def test_the_same_key_with_another_body_is_422() -> None:
    async with api_world() as world:
        await world.call("POST", "/api/v1/tasks", FULL, Idempotency_Key="k1")
        other = {**FULL, "title": "Something else"}
        status, problem = await world.call("POST", "/api/v1/tasks", other, Idempotency_Key="k1")
        assert (status, problem["title"]) == (422, "key_reused")
        assert items(world) == 1


async def test_another_filer_may_use_the_same_key() -> None:
    async with api_world() as world:
        crm = await world.token_for("crm")
        await world.call("POST", "/api/v1/tasks", FULL, Idempotency_Key="k1")
        status, _ = await world.call("POST", "/api/v1/tasks", FULL, token=crm, Idempotency_Key="k1")
        assert (status, items(world)) == (201, 2)


async def test_the_same_key_twice_at_the_same_moment_is_one_item() -> None:
    async with api_world() as world:
        asking = [world.call("POST", "/api/v1/tasks", FULL, Idempotency_Key="k1") for _ in range(5)]
        answers = await asyncio.gather(*asking)
        assert {(status, answer["id"]) for status, answer in answers} == {
            (201, answers[0][1]["id"])
        }
        assert items(world) == 1


async def test_without_a_key_two_equal_tasks_are_two() -> None:
    async with api_world() as world:
        await world.file_task()
        await world.file_task()
        assert items(world) == 2


async def test_many_tasks_are_taken_in_one_commit_and_in_order() -> None:
    async with api_world() as world:
        received = []
        receive = world.rig.store.receive

        async def watched(term: Any, inbounds: Any, memories: Any, duties: Any = ()) -> Any:
            received.append(len(inbounds))
            return await receive(term, inbounds, memories, duties)

        world.rig.store.receive = watched  # type: ignore[method-assign]
        tasks = [{"title": f"task {n}"} for n in range(500)]
        for body in (tasks, {"tasks": tasks}):
            status, answer = await world.call("POST", "/api/v1/tasks/bulk", body)
            assert status == 201
            assert [one["title"] for one in answer["items"]] == [t["title"] for t in tasks]
        assert received == [500, 500]


async def test_one_wrong_task_in_a_bulk_is_named_and_none_is_taken() -> None:
    async with api_world() as world:
        for body, field in (
            ([{"title": "a"}, {"title": ""}], "[1].title"),
            ({"tasks": [{"title": "a"}, {"title": "b", "queue": "no"}]}, "tasks[1].queue"),
            ([{"title": "a"}] * 501, None),
            ([], None),
        ):
            status, problem = await world.call("POST", "/api/v1/tasks/bulk", body)
            assert status == 400
            assert field is None or problem["errors"][0]["field"] in (field, "[...].title")
        assert items(world) == 0


async def test_a_repeated_bulk_is_taken_once_and_another_under_its_key_is_422() -> None:
    async with api_world() as world:
        body = [{"title": "a"}, {"title": "b"}]
        first = await world.call("POST", "/api/v1/tasks/bulk", body, Idempotency_Key="k")
        again = await world.call("POST", "/api/v1/tasks/bulk", body, Idempotency_Key="k")
        assert first == again
        longer = [*body, {"title": "c"}]
        status, problem = await world.call(
            "POST", "/api/v1/tasks/bulk", longer, Idempotency_Key="k"
        )
        assert (status, problem["title"]) == (422, "key_reused")
        assert items(world) == 2


async def test_while_the_inbox_cannot_be_written_a_task_is_held_back_with_503() -> None:
    async with api_world() as world:
        world.rig.node.ledger.writable = False
        response = await world.raw("POST", "/api/v1/tasks", json=FULL)
        assert response.status == 503
        world.rig.node.ledger.writable = True
        await world.file_task()
        assert items(world) == 1


async def test_only_an_admin_reads_what_callbacks_are_signed_with() -> None:
    async with api_world() as world:
        ana = await world.token_for("ana", "supervisor")
        assert (await world.call("GET", "/api/v1/tasks/secret", token=ana))[0] == 403
        _, secret = await world.call("GET", "/api/v1/tasks/secret")
        assert secret["secret"].startswith("whsec_")
