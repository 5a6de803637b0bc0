"""Files in, files out, and nothing that a browser would run."""

import io
from typing import Any

import aiohttp
import pytest

from gateway.api.attachments import disposition, harmless
from tests.support.apiworld import ApiWorld, api_world

BYTES = b"\x00\r\n--almost a boundary\r\n\xff" * 1000


def form(
    data: bytes = BYTES, name: str = "a.txt", kind: str = "text/plain", field: str = "file"
) -> Any:
    body = aiohttp.FormData(quote_fields=False)
    body.add_field("note", "something before")
    body.add_field(field, io.BytesIO(data), filename=name, content_type=kind)
    return body


async def upload(world: ApiWorld, body: Any) -> tuple[int, Any]:
    response = await world.raw("POST", "/api/v1/attachments", data=body)
    return response.status, await response.json()


async def test_a_file_comes_back_as_it_went_in() -> None:
    async with api_world() as world:
        status, attachment = await upload(world, form(name="C:\\docs\\Übersicht 1.txt"))
        assert (status, attachment["size"]) == (201, len(BYTES))
        assert attachment["name"] == "Übersicht 1.txt"
        response = await world.raw("GET", f"/api/v1/attachments/{attachment['id']}")
        assert await response.read() == BYTES
        assert "filename*=UTF-8''%C3%9Cbersicht%201.txt" in response.headers["Content-Disposition"]


async def test_a_page_is_never_handed_out_as_a_page() -> None:
    async with api_world() as world:
        _, attachment = await upload(world, form(b"<script>x</script>", "x.html", "text/html"))
        response = await world.raw("GET", f"/api/v1/attachments/{attachment['id']}")
        assert response.content_type == "application/octet-stream"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in response.headers["Content-Security-Policy"]


async def test_a_broken_upload_says_what_is_expected() -> None:
    async with api_world() as world:
        for options in (
            {"data": form(field="other")},
            {"json": {"file": "x"}},
            {"data": b"--x\r\nbroken", "headers": {"Content-Type": "multipart/form-data"}},
            {
                "data": b"--x\r\nbroken",
                "headers": {"Content-Type": "multipart/form-data; boundary=x"},
            },
            {"data": b"", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        ):
            response = await world.raw("POST", "/api/v1/attachments", **options)
            problem = await response.json()
            assert (response.status, problem["errors"][0]["field"]) == (400, "file"), options


async def test_25_mb_are_taken_and_a_byte_more_is_not() -> None:
    async with api_world() as world:
        status, attachment = await upload(world, form(bytes(25_000_000)))
        assert (status, attachment["size"]) == (201, 25_000_000)
        status, problem = await upload(world, form(bytes(25_000_001)))
        assert (status, problem["title"]) == (413, "too_long")


@pytest.mark.parametrize(
    ("given", "handed_out"),
    [
        ("image/png", "image/png"),
        ("image/svg+xml", "application/octet-stream"),
        ("TEXT/HTML; charset=utf-8", "application/octet-stream"),
        ("application/xhtml+xml", "application/octet-stream"),
        ("text/javascript", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
        ("text/pl ain", "application/octet-stream"),
        ("text/plain\r\nX: y", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_active_types_are_disarmed(given: str, handed_out: str) -> None:
    assert harmless(given) == handed_out


def test_a_name_cannot_break_out_of_its_header() -> None:
    header = disposition('a"; filename=evil.html\r\nX: y')
    assert "\r" not in header
    assert 'filename="a_; filename=evil.html__X: y"' in header
