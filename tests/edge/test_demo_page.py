"""The demo's own page may sign in and kill; a web site that the visitor has open may not."""

from pathlib import Path

import pytest

from gateway.demo.control import from_own_page
from gateway.demo.keeper import CannotServe
from gateway.demo.show import alone_in


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:8080"},
        {"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:8080"},
        {"host": "localhost:8080", "origin": "http://localhost:8080"},
        {"host": "[::1]:8080"},
        {"host": "192.168.1.20:8080", "origin": "http://192.168.1.20:8080"},
        {"host": "laptop:8080"},
    ],
)
def test_the_demos_own_page_is_served(headers: dict[str, str]) -> None:
    assert from_own_page(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:8080", "origin": "https://evil.example"},
        {"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:9999"},
        {"host": "127.0.0.1:8080", "origin": "null"},
        {"host": "rebound.evil.example:8080"},
        {"host": "rebound.evil.example:8080", "origin": "http://rebound.evil.example:8080"},
    ],
)
def test_a_strange_site_is_refused(headers: dict[str, str]) -> None:
    assert not from_own_page(headers)


def test_a_page_of_the_demos_other_node_is_its_own() -> None:
    headers = {"host": "127.0.0.1:8081", "origin": "http://127.0.0.1:8080"}
    assert from_own_page(headers, lambda origin: origin == "http://127.0.0.1:8080")
    assert not from_own_page(headers, lambda _: False)


def test_a_second_demo_is_refused_before_it_touches_the_firsts_folder(tmp_path: Path) -> None:
    with alone_in(tmp_path), pytest.raises(CannotServe, match="in use"), alone_in(tmp_path):
        pass
    with alone_in(tmp_path):
        pass
