"""Ports for servers of ours that nobody else will have, though several test runs go on at once.

A port that the system chose and that was let go again may be somebody's by the time it is used,
or be the near end of a connection while the server that had it is being restarted. These lie
below the range that the system chooses from, and are held until this process ends: by a UDP
socket on the same number, which is in the way of no TCP server.
"""

import random
import socket
from pathlib import Path

LOWEST = 12_000
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is this process's from now on. Raises ``RuntimeError``."""
    ports = range(LOWEST, _first_of_the_system())
    dice = random.SystemRandom()
    for _ in range(1_000):
        port = dice.choice(ports)
        if _take(port):
            return port
    raise RuntimeError(f"of a thousand ports between {ports[0]} and {ports[-1]} none was free")


def _first_of_the_system() -> int:
    try:
        return int(RANGE.read_text().split()[0])
    except (OSError, ValueError):
        return 32_768


def _take(port: int) -> bool:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        try:
            udp.bind(("127.0.0.1", port))
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind(("127.0.0.1", port))
        except OSError:
            return False
        udp.detach()  # it stays open as long as the process lives, and nobody has to keep it
        return True
