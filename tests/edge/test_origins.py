"""Which pages are our own, on one node and on several."""

import pytest

from gateway.origins import Pages

OWN = "https://eu-1.calls.example"
PROXY = "https://calls.example"


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        (OWN, True),
        (f"{OWN}:443", True),
        (PROXY, True),
        ("https://eu-2.calls.example", True),
        ("http://eu-1.calls.example", False),
        ("https://eu-1.calls.example:8443", False),
        ("https://eu-1.calls.example.evil.test", False),
        ("https://evil.test", False),
        ("null", False),
        ("", False),
        ("https://[", False),
    ],
)
def test_pages_of_this_node_of_its_peers_and_of_the_proxy_are_ours(origin: str, ours: bool) -> None:
    pages = Pages(OWN, [PROXY], lambda: ["https://eu-2.calls.example", "not an address"])
    assert pages.has(origin) == ours


def test_a_node_that_joins_later_is_known_from_then_on() -> None:
    peers: list[str] = []
    pages = Pages(OWN, peers=lambda: peers)
    assert not pages.has("https://us-1.calls.example")
    peers.append("https://us-1.calls.example")
    assert pages.has("https://us-1.calls.example")


def test_this_machine_has_one_name_for_all_its_own() -> None:
    pages = Pages("http://localhost:8080")
    assert pages.has("http://127.0.0.1:8080")
    assert not pages.has("http://127.0.0.1:8081")
