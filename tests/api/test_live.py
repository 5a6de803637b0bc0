"""REST over the real process: PostgreSQL, channels, the one port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import tomli_w
from aiohttp import web
from aiohttp.test_utils import TestServer
from openapi_spec_validator import validate

import channels
from gateway.app import serving
from gateway.config import load
from gateway.running import App
from tests.support.ports import free_port

pytestmark = pytest.mark.integration
TOKEN = "live-token"


class Live:
    """A running node and a client of it."""

    def __init__(self, app: App, http: aiohttp.ClientSession) -> None:
        self.app = app
        self.http = http

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.request(method, path, json=body, headers=named) as answer:
            return answer.status, await answer.json(content_type=None)


@asynccontextmanager
async def live(database: str, path: Path) -> AsyncIterator[Live]:
    port = free_port()
    tree = {
        "node": {"drain_seconds": 2},
        "store": {"dsn": database},
        "http": {"listen": f"127.0.0.1:{port}"},
        "auth": {"bootstrap_token": TOKEN},
        "channel": [{"kind": "task", "name": "backoffice", "callback_private": True}],
    }
    file = path / "switchroom.toml"
    file.write_text(tomli_w.dumps(tree))
    kinds = {name: kind.settings for name, kind in channels.table().items()}
    async with serving(load(file, {}, kinds)) as app:
        url = f"http://127.0.0.1:{port}"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with aiohttp.ClientSession(url, headers=headers) as http:
            yield Live(app, http)


async def test_a_task_from_filing_to_its_callbacks(database: str, tmp_path: Path) -> None:
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def hook(request: web.Request) -> web.Response:
        told.put_nowait(await request.json())
        return web.Response(status=204)

    receiver = web.Application()
    receiver.router.add_post("/hook", hook)
    async with TestServer(receiver) as server, live(database, tmp_path) as node:
        await node.call("PUT", "/api/v1/agents/ana", {"display_name": "Ana"})
        wish = {
            "title": "Check",
            "customer": {"kind": "email", "value": "Mia@Example.com", "name": "Mia"},
            "callback_url": str(server.make_url("/hook")),
        }
        status, filed = await node.call("POST", "/api/v1/tasks", wish, Idempotency_Key="k")
        assert status == 201
        assert (await node.call("POST", "/api/v1/tasks", wish, Idempotency_Key="k"))[1] == filed
        other = {**wish, "title": "Other"}
        assert (await node.call("POST", "/api/v1/tasks", other, Idempotency_Key="k"))[0] == 422
        path = f"/api/v1/items/{filed['id']}"
        assert (await node.call("POST", f"{path}/assign", {"agent": "ana"}))[0] == 200
        status, item = await node.call("POST", f"{path}/close", {"code": "done"})
        assert (status, item["state"], item["case"]["status"]) == (200, "completed", "solved")
        async with asyncio.timeout(60):
            events = [await told.get(), await told.get()]
        assert [one["event"] for one in events] == ["item.assigned", "item.completed"]
        assert {one["number"] for one in events} == {filed["number"]}

        _, page = await node.call("GET", f"/api/v1/items?q={filed['number']}&state=completed")
        assert [one["id"] for one in page["items"]] == [filed["id"]]
        _, trace = await node.call("GET", f"{path}/events")
        kinds = [one["kind"] for one in trace["items"]]
        assert kinds.index("item_created") < kinds.index("item_assigned")
        assert kinds.index("item_assigned") < kinds.index("item_completed")
        _, found = await node.call("GET", "/api/v1/customers?identity=email:mia@example.com")
        customer = found["items"][0]["id"]
        _, timeline = await node.call("GET", f"/api/v1/customers/{customer}/timeline")
        assert timeline["items"][0]["case"]["number"] == filed["number"]
        assert timeline["items"][0]["items"][0]["code"] == "done"


async def test_lists_come_in_parts_from_the_database(database: str, tmp_path: Path) -> None:
    async with live(database, tmp_path) as node:
        tasks = [{"title": f"task {n}"} for n in range(7)]
        _, filed = await node.call("POST", "/api/v1/tasks/bulk", tasks)
        ids = {one["id"] for one in filed["items"]}
        seen, cursor = [], ""
        while True:
            _, page = await node.call("GET", f"/api/v1/items?limit=3&state=open&cursor={cursor}")
            seen += [one["id"] for one in page["items"]]
            cursor = page["next"]
            if not cursor:
                break
        assert (len(seen), set(seen)) == (7, ids)
        item = seen[0]
        events, cursor = [], ""
        while True:
            query = f"limit=1&cursor={cursor}"
            _, page = await node.call("GET", f"/api/v1/items/{item}/events?{query}")
            events += page["items"]
            cursor = (page["next"] or "").replace("+", "%2B")
            if not cursor:
                break
        assert [one["kind"] for one in events].count("item_created") == 1


async def test_the_directory_outlives_the_process(database: str, tmp_path: Path) -> None:
    declared = {
        "queues": [{"name": "billing"}],
        "codes": [{"name": "done", "label": "Done"}],
        "agents": [{"name": "ana", "queues": ["billing"], "password": "long enough"}],
    }
    async with live(database, tmp_path) as node:
        _, applied = await node.call("PUT", "/api/v1/directory", declared)
        assert len(applied["differences"]) == 3
    async with live(database, tmp_path) as node:
        _, again = await node.call("PUT", "/api/v1/directory", declared)
        assert (again["differences"], again["unchanged"]) == ([], 3)
        wish = {"name": "ana", "password": "long enough"}
        status, signed_in = await node.call("POST", "/api/v1/login", wish)
        assert (status, signed_in["agent"]["name"]) == (200, "ana")


async def test_the_served_document_is_valid_and_the_node_is_ready(
    database: str, tmp_path: Path
) -> None:
    async with live(database, tmp_path) as node:
        _, spec = await node.call("GET", "/api/openapi.json")
        status, ready = await node.call("GET", "/readyz")
        assert (status, ready["reason"], set(ready["channels"])) == (200, "", {"backoffice"})
        async with node.http.get("/metrics") as answer:
            assert "switchroom_loop_lag_seconds_bucket" in await answer.text()
    validate(spec)  # takes seconds, in which a node in this loop would lose its lease


async def test_files_of_any_size_come_back(database: str, tmp_path: Path) -> None:
    async with live(database, tmp_path) as node:
        for size in (0, 1, 1_000_000):
            form = aiohttp.FormData()
            form.add_field("file", bytes(size), filename="x.bin")
            async with node.http.post("/api/v1/attachments", data=form) as answer:
                assert answer.status == 201
                attachment = await answer.json()
            async with node.http.get(f"/api/v1/attachments/{attachment['id']}") as answer:
                assert await answer.read() == bytes(size)
