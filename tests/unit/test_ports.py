"""Ports that several test runs at once may count on."""

import socket
import subprocess
import sys
from pathlib import Path

from tests.support.ports import RANGE, _take, free_port

ROOT = Path(__file__).parents[2]


def test_a_port_can_be_listened_on_again_and_again_and_is_given_once() -> None:
    ports = [free_port() for _ in range(20)]
    assert len(set(ports)) == 20
    for _ in range(2):
        with socket.create_server(("127.0.0.1", ports[0])):
            assert not _take(ports[0])


def test_another_process_does_not_get_it() -> None:
    port = free_port()
    asks = f"from tests.support.ports import _take; print(_take({port}))"
    done = subprocess.run(
        [sys.executable, "-c", asks], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_system_gives_it_to_no_connection() -> None:
    if RANGE.exists():
        assert free_port() < int(RANGE.read_text().split()[0])
