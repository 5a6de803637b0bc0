"""The parts of header fields: URIs, addresses, Via, parameters (RFC 3261 §19, §20, §25).

What a peer sent is kept as it was written (``text``), so that it can be repeated octet by octet;
what is read from it is beside it. A little more is taken than the grammar allows where phones and
carriers are known to write it and nothing can be mistaken: underscores in host names, ``#`` in
users, words outside ASCII in display names.
"""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv6Address
from urllib.parse import unquote

from msgspec import Struct, field

_WORD = r"[A-Za-z0-9\-.!%*_+`'~]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_HOST = r"\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_](?:[A-Za-z0-9_.\-]{0,253}[A-Za-z0-9_])?\.?"
_USERINFO = r"(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/:#]|%[0-9A-Fa-f]{2})+"

_SIP = re.compile(
    rf"(sips?):(?:({_USERINFO})@)?({_HOST})(?::([0-9]{{1,5}}))?"
    r"((?:;[^;?\s<>\"]+)*)(?:\?([^\s<>\"]*))?",
    re.IGNORECASE | re.ASCII,
)
_TEL = re.compile(r"(tel):([0-9A-Fa-f*#+().\-]+)((?:;[^;?\s<>\"]+)*)", re.IGNORECASE | re.ASCII)
_OTHER = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):[^\s<>\"]+", re.ASCII)
_PARAM = re.compile(
    rf"\s*;\s*({_WORD})\s*(?:=\s*({_QUOTED}|[^\s;,\"<>]*)\s*)?", re.ASCII | re.DOTALL
)
_NAME_ADDR = re.compile(
    rf"(?:\s*({_QUOTED})\s*|([^\"<>,;\\\x00-\x08\x0a-\x1f\x7f]*))<([^<>\s]*)>", re.DOTALL
)
_ADDR_SPEC = re.compile(r"\s*([^\s;,<>\"?]+)")
_VIA = re.compile(
    rf"\s*SIP\s*/\s*2\.0\s*/\s*({_WORD})\s+({_HOST})(?:\s*:\s*([0-9]{{1,5}}))?",
    re.IGNORECASE | re.ASCII,
)
_PIECE = re.compile(rf"(?:{_QUOTED}|<[^<>]*>|[^,\"<])+", re.DOTALL)
_BARE = re.compile(r"[A-Za-z0-9\-.!%*_+`'~\[\]:/?&$=]+", re.ASCII)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WHOLE_WORD = re.compile(_WORD, re.ASCII)

Params = Mapping[str, str]
"""By name in lower case; a parameter without a value has an empty one."""


class BadSyntax(ValueError):
    """It is not written as the grammar says; the text says what of it."""


class Uri(Struct, frozen=True, kw_only=True):
    """``user`` is decoded, ``host`` in lower case and, if IPv6, without brackets.

    A scheme that is neither ``sip``, ``sips`` nor ``tel`` is known by its name alone.
    """

    text: str
    scheme: str
    user: str = ""
    host: str = ""
    port: int | None = None
    params: Params = field(default_factory=dict)
    headers: str = ""

    def __str__(self) -> str:
        return self.text

    @property
    def secure(self) -> bool:
        return self.scheme == "sips"


class Address(Struct, frozen=True, kw_only=True):
    """A name-addr or addr-spec with its parameters (From, To, Contact, Route)."""

    text: str
    uri: Uri
    name: str = ""
    params: Params = field(default_factory=dict)

    @property
    def tag(self) -> str:
        return self.params.get("tag", "")


class Via(Struct, frozen=True, kw_only=True):
    """One hop. ``transport`` is in upper case."""

    text: str
    transport: str
    host: str
    port: int | None = None
    params: Params = field(default_factory=dict)

    @property
    def branch(self) -> str:
        return self.params.get("branch", "")


def read_uri(text: str) -> Uri:
    """Raises ``BadSyntax``."""
    if found := _SIP.fullmatch(text):
        scheme, user, host, port, params, headers = found.groups()
        return Uri(
            text=text,
            scheme=scheme.lower(),
            user=unquote((user or "").partition(":")[0], errors="replace"),
            host=_host(host),
            port=_port(port),
            params=_uri_params(params),
            headers=headers or "",
        )
    if found := _TEL.fullmatch(text):
        return Uri(text=text, scheme="tel", user=found[2], params=_uri_params(found[3]))
    scheme = text.partition(":")[0].lower()
    if scheme not in {"sip", "sips", "tel"} and (found := _OTHER.fullmatch(text)):
        return Uri(text=text, scheme=scheme)
    raise BadSyntax("not a URI")


def read_address(text: str) -> Address:
    """Exactly one. Raises ``BadSyntax``."""
    found, end = _address_at(text, 0)
    if text[end:].strip():
        raise BadSyntax("something stands behind the address")
    return found


def read_via(text: str) -> Via:
    """Exactly one. Raises ``BadSyntax``."""
    found = _VIA.match(text)
    if found is None:
        raise BadSyntax("not a Via")
    params, end = _params_at(text, found.end())
    if text[end:].strip():
        raise BadSyntax("something stands behind the Via")
    transport, host, port = found.groups()
    return Via(
        text=text,
        transport=transport.upper(),
        host=_host(host),
        port=_port(port),
        params=params,
    )


def pieces(text: str) -> Iterator[str]:
    """A list's members as they are written; commas in quotes and angle brackets divide nothing.

    Raises ``BadSyntax`` where a quote or bracket is not closed, or a member is empty.
    """
    at = 0
    while True:
        found = _PIECE.match(text, at)
        if found is None or not found[0].strip():
            raise BadSyntax("a member of the list is empty or not closed")
        yield found[0].strip()
        at = found.end()
        if at == len(text):
            return
        if text[at] != ",":
            raise BadSyntax("a quote or an angle bracket is not closed")
        at += 1


def read_params(text: str) -> Params:
    """``;a=1;b``, whole. Raises ``BadSyntax``."""
    params, end = _params_at(text, 0)
    if text[end:].strip():
        raise BadSyntax("not a list of parameters")
    return params


def written_via(via: Via, params: Params) -> str:
    """The same hop with these parameters."""
    host = f"[{via.host}]" if ":" in via.host else via.host
    port = f":{via.port}" if via.port else ""
    return f"SIP/2.0/{via.transport} {host}{port}{written_params(params)}"


def written_params(params: Params) -> str:
    return "".join(
        f";{name}{f'={_value(value)}' if value else ''}" for name, value in params.items()
    )


def _value(text: str) -> str:
    return text if _BARE.fullmatch(text) else quoted(text)


def is_token(text: str) -> bool:
    return _WHOLE_WORD.fullmatch(text) is not None


def quoted(text: str) -> str:
    """As a quoted-string; what would end the line becomes a space."""
    plain = "".join(c if c >= " " and c != "\x7f" else " " for c in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquoted(text: str) -> str:
    if text.startswith('"'):
        return _ESCAPE.sub(r"\1", text[1:-1])
    return text


def _address_at(text: str, at: int) -> tuple[Address, int]:
    name = ""
    if found := _NAME_ADDR.match(text, at):
        name = unquoted(found[1]) if found[1] else found[2].strip()
        uri = read_uri(found[3])
    else:
        found = _ADDR_SPEC.match(text, at)
        if found is None:
            raise BadSyntax("not an address")
        uri = read_uri(found[1])
    params, end = _params_at(text, found.end())
    return Address(text=text[at:end].strip(), uri=uri, name=name, params=params), end


def _params_at(text: str, at: int) -> tuple[Params, int]:
    params: dict[str, str] = {}
    while found := _PARAM.match(text, at):
        name = found[1].lower()
        if name in params:
            raise BadSyntax(f"parameter {name} stands twice")
        params[name] = unquoted(found[2] or "")
        at = found.end()
    return params, at


def _uri_params(text: str) -> Params:
    params: dict[str, str] = {}
    for part in text.split(";")[1:]:
        name, _, value = part.partition("=")
        if not name or name.lower() in params:
            raise BadSyntax("a parameter of the URI has no name, or stands twice")
        params[name.lower()] = unquote(value, errors="replace")
    return params


def _host(text: str) -> str:
    if not text.startswith("["):
        return text.lower()
    try:
        return str(IPv6Address(text[1:-1]))
    except ValueError:
        raise BadSyntax("not an IPv6 address") from None


def _port(text: str | None) -> int | None:
    if text is None:
        return None
    port = int(text)
    if not 0 < port < 65_536:
        raise BadSyntax("not a port")
    return port
