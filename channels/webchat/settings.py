"""What a ``[[channel]]`` of kind "webchat" can say."""

from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct, field

from gateway.ports import ChannelSettings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

MAX_FILE = 25_000_000
"""Bytes; no file may be larger, as with those of agents."""

Line = Annotated[str, Meta(max_length=200)]
Paragraph = Annotated[str, Meta(max_length=2_000)]
Country = Annotated[str, Meta(pattern=r"^([A-Z]{2})?$")]
Locale = Annotated[str, Meta(pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$")]


class Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the window says at the top, as its first line and at the end, in one language."""

    title: Line = ""
    greeting: Paragraph = ""
    question: Line = ""
    consent: Paragraph = ""


FILE_TYPES = (
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/heif",
    "application/pdf",
    "text/plain",
    "text/csv",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation",
)


class FileRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What files a visitor may send: how large, of what ``types`` (by their content), how many.

    ``per_message`` 0: none. ``per_hour`` bounds one visitor's uploads, ten times as many those of
    one address (loopback is exempt); ``at_once`` all that are under way at one node, of which one
    address may have a quarter.
    """

    max_bytes: Annotated[int, Meta(ge=1, le=MAX_FILE)] = 10_000_000
    per_message: Annotated[int, Meta(ge=0, le=20)] = 5
    per_hour: Annotated[int, Meta(ge=1)] = 40
    at_once: Annotated[int, Meta(ge=1)] = 20
    types: tuple[Annotated[str, Meta(pattern=r"^[a-z]+/[a-z0-9.+-]+$")], ...] = FILE_TYPES


class Settings(ChannelSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One chat on one or more web sites.

    ``origins`` are the sites that may embed the window (``https://shop.example.com``, or
    ``https://*.example.com`` for every subdomain); the node's own pages always may.
    ``survey``: when a chat has ended it is asked how it went, by ``question`` if there is one.
    ``consent`` stands below until something has been said; ``ask`` is what is asked before that.
    ``translations`` overrides what of this is said, by language ("de", "pt-BR").
    ``country`` is where telephone numbers are that name none; else the visitor's locale says.
    ``identity_key`` is shared with the host site, which signs with it who its signed-in
    visitors are (a JWT, HS256). ``files`` is what visitors may send. ``per_minute`` bounds one
    visitor's messages, ``per_address`` the connections from one address; loopback is exempt from
    the latter, because there sits a proxy or a test.
    """

    kind: ClassVar[str] = "webchat"

    origins: tuple[str, ...] = ()
    title: Line = ""
    greeting: Paragraph = ""
    survey: bool = True
    question: Line = ""
    consent: Paragraph = ""
    ask: tuple[Literal["name", "email", "phone"], ...] = ()
    translations: dict[str, Words] = field(default_factory=dict)
    locale: Locale = ""
    country: Country = ""
    offline_email: Line = ""
    identity_key: str = ""
    files: FileRules = field(default_factory=FileRules)
    per_minute: Annotated[int, Meta(ge=1)] = 30
    per_address: Annotated[int, Meta(ge=1)] = 100
    connections: Annotated[int, Meta(ge=1)] = 15_000

    def __post_init__(self) -> None:
        for origin in self.origins:
            if problem := _problem_of(origin):
                raise ValueError(f"origins: {origin!r} {problem}")
        if self.identity_key and len(self.identity_key) < 16:
            raise ValueError("identity_key must have at least 16 characters")

    def words(self, locale: str) -> Words:
        """What the window says, in the nearest language there is (RFC 4647 lookup)."""
        tags = {tag.lower(): words for tag, words in self.translations.items()}
        wanted = locale.lower()
        while wanted and wanted not in tags:
            wanted = wanted.rpartition("-")[0]
        found = tags.get(wanted, Words())
        said = {
            name: getattr(found, name) or getattr(self, name) for name in Words.__struct_fields__
        }
        return Words(**said)


def _problem_of(origin: str) -> str:
    try:
        parts = urlsplit(origin)
        parts.port  # noqa: B018 - the property raises on a bad port
    except ValueError as error:
        return f"is not an origin: {error}"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "is not an origin: write https://HOST or https://HOST:PORT"
    if parts.path or parts.query or parts.fragment or parts.username:
        return "is more than an origin: leave out what follows the host"
    if "*" in parts.hostname and not _is_wildcard(parts.hostname):
        return "may have * only as the whole first label, as in https://*.example.com"
    return ""


def _is_wildcard(host: str) -> bool:
    return host.startswith("*.") and "*" not in host[1:] and "." in host[2:]


def may_embed(origin: str | None, allowed: tuple[str, ...], public_url: str) -> bool:
    """Whether a page of this origin may open the chat.

    The check protects visitors from other web sites, and only browsers obey it; a client that
    sends no Origin is not a browser (RFC 6455 section 10.2) and passes.
    """
    if origin is None:
        return True
    page = _triple(origin)
    if page is None:
        return False
    own = _triple(public_url)
    if own is not None and _same(page, own):
        return True
    return any(pattern is not None and _matches(page, pattern) for pattern in map(_triple, allowed))


Triple = tuple[str, str, int]


def _triple(url: str) -> Triple | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)


def _same(page: Triple, own: Triple) -> bool:
    both_loopback = page[1] in LOOPBACK and own[1] in LOOPBACK
    return page == own or (both_loopback and page[2] == own[2])


def _matches(page: Triple, pattern: Triple) -> bool:
    if page == pattern:
        return True
    host = pattern[1]
    return (
        host.startswith("*.")
        and page[1].endswith(host[1:])
        and (page[0], page[2]) == (pattern[0], pattern[2])
    )
