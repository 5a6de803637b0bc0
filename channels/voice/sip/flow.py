"""Which way a message came, or is to go."""

from typing import Literal

from msgspec import Struct

Transport = Literal["UDP", "TCP", "TLS", "WS", "WSS"]
DEFAULT_PORTS = {"UDP": 5060, "TCP": 5060, "TLS": 5061, "WS": 80, "WSS": 443}


class Flow(Struct, frozen=True, kw_only=True):
    """``host`` is an address, no name. ``connection`` names an open one; 0: any, or a new one."""

    transport: Transport
    host: str
    port: int
    connection: int = 0

    @property
    def reliable(self) -> bool:
        return self.transport != "UDP"
