"""What a ``[[channel]]`` of kind ``email`` may say."""

from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

from gateway.ports import ChannelSettings

Port = Annotated[int, Meta(ge=1, le=65535)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
USUAL_PORTS = frozenset({143, 993})
Security = Literal["tls", "starttls", "none"]


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

    With ``refresh_token`` the grant is ``refresh_token``, without it ``client_credentials``.
    """

    token_url: Name
    client_id: Name
    client_secret: str = ""
    refresh_token: str = ""
    scope: str = ""


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


class Settings(ChannelSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One mailbox, read by IMAP and answered by SMTP.

    ``address`` is what customers write to and what they see: ``Support <support@example.com>``;
    ``aliases`` are further addresses of the same mailbox. ``authserv_id`` names our own server
    in ``Authentication-Results`` (RFC 8601): only then can a sender be verified.
    ``max_bytes`` is the largest mail read whole. ``poll_seconds`` is how often a server without
    IDLE is asked.
    """

    kind: ClassVar[str] = "email"
    address: Annotated[str, Meta(min_length=3, max_length=320, pattern="@")]
    imap: Imap
    smtp: Smtp
    aliases: tuple[str, ...] = ()
    authserv_id: str = ""
    max_bytes: Annotated[int, Meta(ge=65_536, le=100_000_000)] = 25_000_000
    poll_seconds: Annotated[float, Meta(ge=1, le=3600)] = 30.0
