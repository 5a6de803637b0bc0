"""The HTTP edge against impolite callers: what is refused, how, and at what cost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway import http
from gateway.core.errors import Refused
from gateway.http import HttpMount
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute, Principal
from gateway.store.contract import CommitUnknown, Unavailable

SHOP = "https://shop.example.com"
PEER = "https://eu-2.calls.example"
Handle = Callable[[HttpRequest], Awaitable[HttpAnswer]]


class Nobody:
    async def principal(self, token: str) -> Principal | None:
        return None


async def echo(request: HttpRequest) -> HttpAnswer:
    return HttpAnswer(body={"size": len(request.body), **request.params})


async def deep(request: HttpRequest) -> HttpAnswer:
    return HttpAnswer(body=msgspec.json.decode(request.body, type=dict[str, Any]))


def failing(error: Exception) -> Handle:
    async def fail(_: HttpRequest) -> HttpAnswer:
        raise error

    return fail


def route(path: str, handle: Handle = echo, method: str = "POST", **more: Any) -> HttpRoute:
    return HttpRoute(method=method, path=path, handle=handle, summary="", access="public", **more)


@pytest.fixture
async def mount(tmp_path: Path) -> HttpMount:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "app-1.js").write_text("let a = 1;\n" * 1_000)
    (tmp_path / "index.html").write_text("<p>one")
    (tmp_path / "widget.js").write_text("let chat;")
    (tmp_path / "widget-de.js").write_text("export default {};")
    routes = [
        route("/small", max_body=1_000),
        route("/deep", deep),
        route("/away", failing(Unavailable("gone"))),
        route("/unknown", failing(CommitUnknown("gone"))),
        route("/refused", failing(Refused("too_long", "no")), cors=lambda o: o == SHOP),
        route("/api/v1/things", method="GET"),
        route("/api/v1/away", failing(Unavailable("gone")), method="GET"),
    ]
    return HttpMount(routes, Nobody(), tmp_path, lambda origin: origin == PEER)


@pytest.fixture
async def client(mount: HttpMount) -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(mount.app)) as client:
        yield client


async def test_a_chunked_body_over_the_limit_is_refused_before_it_is_all_there(
    client: TestClient[Any, Any],
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 100_000
            yield bytes(100_000)

    try:
        async with client.post("/small", data=endless()) as answer:
            assert answer.status == 413
    except ConnectionError:
        pass  # refused while we were still talking
    assert sent < 20_000_000


async def test_a_body_that_is_not_what_it_says_is_the_callers_fault(
    client: TestClient[Any, Any],
) -> None:
    headers = {"Content-Encoding": "gzip"}
    async with client.post("/small", data=b"not gzip at all", headers=headers) as answer:
        assert answer.status == 400
        assert (await answer.json())["title"] == "bad_body"


async def test_a_bottomless_body_is_the_callers_fault(client: TestClient[Any, Any]) -> None:
    async with client.post("/deep", data=b'{"a":' * 50_000) as answer:
        assert answer.status == 400


async def test_who_dribbles_a_body_in_is_not_waited_for_however_long_it_may_be(
    client: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "BODY_SECONDS", 0.2)
    sent = 0

    async def dribble() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 900:
            sent += 1
            yield b"x"
            await asyncio.sleep(0.01)

    async with client.post("/small", data=dribble()) as answer:
        assert answer.status == 408
        assert (await answer.json())["title"] == "too_slow"
    assert sent < 900


@pytest.mark.parametrize("path", ["/away", "/unknown"])
async def test_a_database_that_is_away_is_told_with_when_to_try_again(
    client: TestClient[Any, Any], path: str
) -> None:
    async with client.post(path) as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "2"


async def test_a_page_of_another_origin_may_read_why_it_was_refused(
    client: TestClient[Any, Any],
) -> None:
    async with client.post("/refused", headers={"Origin": SHOP}) as answer:
        assert answer.status == 413
        assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    async with client.post("/refused", headers={"Origin": "https://evil.example"}) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_page_that_a_peer_served_may_ask_here_what_it_could_ask_there(
    client: TestClient[Any, Any],
) -> None:
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x"}
    async with client.options("/api/v1/things", headers={"Origin": PEER, **asked}) as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == PEER
        assert "authorization" in answer.headers["Access-Control-Allow-Headers"]
        assert "idempotency-key" in answer.headers["Access-Control-Allow-Headers"]
    for path, status in (("things", 200), ("away", 503), ("nothing", 404)):
        async with client.get(f"/api/v1/{path}", headers={"Origin": PEER}) as answer:
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, PEER)
            assert answer.headers["Vary"] == "Origin"


async def test_a_strange_page_may_not(client: TestClient[Any, Any]) -> None:
    asked = {"Access-Control-Request-Method": "GET"}
    async with client.options("/api/v1/things", headers={"Origin": SHOP, **asked}) as answer:
        assert answer.status == 405
        assert "Access-Control-Allow-Origin" not in answer.headers
    async with client.get("/api/v1/things", headers={"Origin": SHOP}) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_passing_routes_come_and_go_while_it_serves(
    mount: HttpMount, client: TestClient[Any, Any]
) -> None:
    async with client.post("/hooks/sms/one") as answer:
        assert answer.status == 404
    mount.replace([route("/hooks/sms/{channel}")])
    async with client.post("/hooks/sms/one", data=b"abc") as answer:
        assert await answer.json() == {"size": 3, "channel": "one"}
    async with client.get("/hooks/sms/one") as answer:
        assert answer.status == 405
    mount.replace([])
    async with client.post("/hooks/sms/one") as answer:
        assert answer.status == 404


async def test_a_file_is_sent_once_to_those_who_have_it_and_compressed_to_those_who_can(
    client: TestClient[Any, Any],
) -> None:
    path = "/assets/app-1.js"
    async with client.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert int(answer.headers["Content-Length"]) < 1_000
        etag = answer.headers["ETag"]
        assert await answer.text() == "let a = 1;\n" * 1_000
    async with client.get(path, headers={"Accept-Encoding": "identity"}) as answer:
        assert "Content-Encoding" not in answer.headers
        assert await answer.text() == "let a = 1;\n" * 1_000
    async with client.get(path, headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304
    async with client.get(path, headers={"If-None-Match": '"other"'}) as answer:
        assert answer.status == 200


async def test_a_shop_keeps_its_chat_while_the_node_is_away(client: TestClient[Any, Any]) -> None:
    for path in ("/widget.js", "/widget-de.js"):
        async with client.get(path) as answer:
            assert "stale-while-revalidate" in answer.headers["Cache-Control"]
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
    async with client.get("/") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"


async def test_a_page_that_was_built_anew_is_served_anew(
    client: TestClient[Any, Any], tmp_path: Path
) -> None:
    async with client.get("/") as answer:
        assert await answer.text() == "<p>one"
    (tmp_path / "index.html").write_text("<p>another")
    async with client.get("/") as answer:
        assert await answer.text() == "<p>another"


async def test_a_websocket_asked_for_on_a_used_connection_makes_it_close(
    client: TestClient[Any, Any],
) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    async with client.get("/agent/v1", headers=headers) as answer:
        assert answer.status == 426
        assert answer.headers["Connection"] == "close"


async def test_a_head_that_is_no_text_reaches_handlers_as_text() -> None:
    seen: list[str] = []

    async def look(request: HttpRequest) -> HttpAnswer:
        seen.append(request.headers["x-signature"])
        return HttpAnswer(body=seen[-1].encode())

    class Reads:
        async def principal(self, token: str) -> Principal | None:
            token.encode()
            return None

    mount = HttpMount([route("/look", look)], Reads(), None)
    async with TestServer(mount.app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        head = b"POST /look HTTP/1.1\r\nHost: a\r\nX-Signature: \xff\xfea\r\n"
        writer.write(head + b"Authorization: Bearer \xff\r\nConnection: close\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
    assert seen == ["\ufffd\ufffda"]
