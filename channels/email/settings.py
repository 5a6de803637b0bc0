"""What a ``[[channel]]`` of kind ``email`` may say."""

import ipaddress
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

from gateway.ports import ChannelSettings

Port = Annotated[int, Meta(ge=1, le=65535)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
MOST_IPV4, MOST_IPV6 = 2**20, 2**96
"""Addresses: so many as a /12, and a /32, have."""
_PRIVATE: tuple[Any, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10"),
    )
)
USUAL_PORTS = frozenset({143, 993})
Security = Literal["tls", "starttls", "none"]
ReplyToken = Literal["address", "subject", "none"]


class _Masked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A struct whose secrets never reach a log: ``repr`` shows that they are set, no more."""

    SECRETS: ClassVar[frozenset[str]] = frozenset({"password", "client_secret", "refresh_token"})

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        values = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return [(n, "***" if n in self.SECRETS and value else value) for n, value in values]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({shown})"


class OAuth2(_Masked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a token for XOAUTH2 comes from (Google, Microsoft).

    With ``refresh_token`` the grant is ``refresh_token``, without it ``client_credentials``; with
    ``consent`` the refresh token comes of an admin's sign-in at the provider, by the admin pages.
    For that one goes to ``authorize_url`` or, with a code, by ``device_url``; those of Google and
    Microsoft are known.
    """

    token_url: Name
    client_id: Name
    client_secret: str = ""
    refresh_token: str = ""
    scope: str = ""
    consent: bool = False
    authorize_url: str = ""
    device_url: str = ""

    def __post_init__(self) -> None:
        if self.consent and self.refresh_token:
            raise ValueError("refresh_token: with consent it comes by the admin pages")


class Imap(_Masked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mailbox that is read. ``folder`` is written as people read it, in Unicode."""

    host: Name
    user: Name
    port: Port = 993
    security: Security = "tls"
    password: str = ""
    folder: Name = "INBOX"
    oauth2: OAuth2 | None = None

    def duty(self) -> str:
        """The mailbox, whatever the channel is called: only one node may read it at a time.

        Host names and ``INBOX`` know no case (RFC 3501 section 5.1). On the ports of IMAP it is
        one server, whichever is used; on another there may be a server of its own (a tunnel).
        """
        host = self.host.lower() + ("" if self.port in USUAL_PORTS else f":{self.port}")
        folder = "INBOX" if self.folder.upper() == "INBOX" else self.folder
        return f"mailbox {self.user} at {host}, {folder}"


class Smtp(_Masked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server that takes our mail. Without ``user`` it is asked without signing in."""

    host: Name
    port: Port = 587
    security: Security = "starttls"
    user: str = ""
    password: str = ""
    oauth2: OAuth2 | None = None


class Receive(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where mail servers bring us mail. ``listen`` is ``host:port``; ``allow`` are their networks.

    With ``certificate`` (and ``key``, if it is a file of its own; PEM) STARTTLS is offered, with
    ``require_tls`` needed. ``max_bytes`` is the largest mail taken, ``max_connections`` at once.
    """

    listen: Annotated[str, Meta(pattern=r"^.+:\d{1,5}$")]
    protocol: Literal["smtp", "lmtp"] = "lmtp"
    allow: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    certificate: str = ""
    key: str = ""
    require_tls: bool = False
    max_bytes: Annotated[int, Meta(ge=65_536, le=100_000_000)] = 25_000_000
    max_connections: Annotated[int, Meta(ge=1, le=1_000)] = 50

    def __post_init__(self) -> None:
        for network in self.allow:
            try:
                ipaddress.ip_network(network)
            except ValueError as fault:
                raise ValueError(f"allow: {network!r} is no network: {fault}") from None
        if not 0 < self.where()[1] < 65_536:
            raise ValueError(f"listen: {self.listen!r} names no port from 1 to 65535")
        if self.require_tls and not self.certificate:
            raise ValueError("require_tls: needs certificate, and key")

    def where(self) -> tuple[str, int]:
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    def open_to_all(self) -> bool:
        """Whether more may bring mail than anybody's own mail servers are.

        By how many public addresses that is, all networks together: the largest providers send
        from less than half a million.
        """
        return _outside(self.allow, 4) > MOST_IPV4 or _outside(self.allow, 6) > MOST_IPV6


def _outside(allowed: Iterable[str], version: int) -> int:
    """How many addresses that is, without those of networks that nobody outside has."""
    kept = [net for net in map(ipaddress.ip_network, allowed) if net.version == version]
    merged: Iterable[Any] = ipaddress.collapse_addresses(kept)
    private = [net for net in _PRIVATE if net.version == version]
    return sum(
        one.num_addresses for one in merged if not any(one.subnet_of(net) for net in private)
    )


class Settings(ChannelSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One address, read by IMAP or brought by mail servers, and answered by SMTP.

    Either ``imap`` says which mailbox is read, or ``receive`` where mail servers bring it.
    ``address`` is what customers write to and what they see: ``Support <support@example.com>``;
    ``aliases`` are further addresses of the same mailbox. ``authserv_id`` names our own server
    in ``Authentication-Results`` (RFC 8601): only then can a sender be verified.
    ``reply_token`` is where our mails carry the ticket, signed; for ``join_days`` what the same
    verified sender writes about the same joins the ticket. ``max_bytes`` is the largest mail read
    whole, ``max_attached_bytes`` what the files of one of ours may have together.
    ``poll_seconds`` is how often a server without IDLE is asked.
    """

    kind: ClassVar[str] = "email"
    address: Annotated[str, Meta(min_length=3, max_length=320, pattern="@")]
    imap: Imap | None = None
    receive: Receive | None = None
    smtp: Smtp
    aliases: tuple[str, ...] = ()
    authserv_id: str = ""
    reply_token: ReplyToken = "subject"  # noqa: S105 - a place
    join_days: Annotated[float, Meta(ge=0, le=365)] = 7.0
    max_bytes: Annotated[int, Meta(ge=65_536, le=100_000_000)] = 25_000_000
    max_attached_bytes: Annotated[int, Meta(ge=65_536, le=100_000_000)] = 25_000_000
    poll_seconds: Annotated[float, Meta(ge=1, le=3600)] = 30.0

    def __post_init__(self) -> None:
        asked = [one.oauth2 for one in (self.imap, self.smtp) if one and one.oauth2]
        if len({(one.token_url, one.client_id) for one in asked if one.consent}) > 1:
            raise ValueError("smtp.oauth2: with consent, the registration of imap.oauth2")
        if self.imap is None and self.receive is None:
            raise ValueError("imap: missing; or say with receive where mail servers bring mail")
        if self.receive is not None:
            if self.imap is not None:
                raise ValueError("receive: a channel has this or imap; make two channels of it")
            if self.authserv_id and self.receive.open_to_all():
                raise ValueError(
                    "authserv_id: where anybody may bring mail (receive.allow), anybody can "
                    "forge it"
                )

    def duty(self) -> str | None:
        """What only one node may do: read a mailbox. Mail can be brought to every node."""
        return self.imap.duty() if self.imap is not None else None
