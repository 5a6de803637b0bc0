"""Where a callback may go."""

import socket
from ipaddress import ip_address

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from channels.guard import GuardedResolver, Refusal, problem_of, problem_of_url

METADATA = [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fe80::1",
    "fd00:ec2::254",
    "100.100.100.200",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "ff02::1",
]
PRIVATE = ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "::1", "fd12::1", "100.64.0.1"]
PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]


@pytest.mark.parametrize("address", METADATA)
@pytest.mark.parametrize("private", [False, True])
def test_metadata_is_out_of_reach_whatever_the_settings(address: str, private: bool) -> None:
    assert problem_of(ip_address(address), private=private)


@pytest.mark.parametrize("address", [*PRIVATE, *(f"::ffff:{a}" for a in PRIVATE if "." in a)])
def test_private_addresses_need_the_setting(address: str) -> None:
    assert problem_of(ip_address(address), private=False)
    assert problem_of(ip_address(address), private=True) is None


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    assert problem_of(ip_address(address), private=False) is None


@given(st.ip_addresses())
def test_what_is_reached_without_the_setting_is_reached_with_it(address: object) -> None:
    found = ip_address(str(address))
    if problem_of(found, private=False) is None:
        assert problem_of(found, private=True) is None


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///x",
        "example.com/x",
        "https://user:pw@example.com/",
        "https://[::1",
        "https://example.com:99999/",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "http://127.0.0.1/x",
        "http://[::1]/x",
        "http://169.254.169.254/latest/meta-data",
    ],
)
def test_a_url_that_cannot_be_called_is_refused_when_it_is_given(url: str) -> None:
    assert problem_of_url(url, private=False)


@pytest.mark.parametrize("url", ["https://example.com/hook?x=1", "http://example.com:8080/"])
def test_an_ordinary_url_is_fine(url: str) -> None:
    assert problem_of_url(url, private=False) is None


class Fixed(AbstractResolver):
    """A name service that answers what it was told."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=a, port=port, family=family, proto=0, flags=0)
            for a in self._addresses
        ]

    async def close(self) -> None:
        pass


async def test_a_name_is_reached_by_its_allowed_addresses_only() -> None:
    resolver = GuardedResolver(private=False, inner=Fixed("10.0.0.1", PUBLIC[0], "fe80::1%eth0"))
    assert [one["host"] for one in await resolver.resolve("x")] == [PUBLIC[0]]


async def test_a_name_with_no_allowed_address_is_refused_with_the_reason() -> None:
    for private, address, why in (
        (False, "10.0.0.1", "private"),
        (True, "169.254.169.254", "metadata"),
    ):
        with pytest.raises(Refusal, match=why):
            await GuardedResolver(private=private, inner=Fixed(address)).resolve("x")
