"""What a session description says (RFC 8866), as far as a call is decided by it.

The description itself passes on as it came: who answers it is the other end or the engine.
``aiosipua`` reads it; this is the guard around that.
"""

from typing import Literal, cast

from aiosipua.sdp import MediaDescription, SdpMessage, parse_sdp
from msgspec import Struct

from channels.voice.sip.grammar import BadSyntax

MAX_BODY = 32_768
MAX_STREAMS = 32

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]


class Stream(Struct, frozen=True, kw_only=True):
    """One m-line; ``port`` 0 means refused. ``codecs`` are names in upper case, best first."""

    kind: str
    port: int
    protocol: str
    address: str
    direction: Direction
    codecs: tuple[str, ...]


class Description(Struct, frozen=True, kw_only=True):
    """``version`` grows with each change of the session that ``session`` names."""

    session: str
    version: str
    streams: tuple[Stream, ...]

    @property
    def audio(self) -> Stream | None:
        """The first that is not refused."""
        return next((s for s in self.streams if s.kind == "audio" and s.port), None)

    @property
    def on_hold(self) -> bool:
        """Whether its sender does not want to hear the other side (RFC 3264 §8.4)."""
        audio = self.audio
        return audio is not None and (
            audio.direction in {"sendonly", "inactive"} or audio.address == "0.0.0.0"  # noqa: S104 - how old phones write it
        )


def read_description(body: bytes) -> Description:
    """Raises ``BadSyntax``."""
    if len(body) > MAX_BODY:
        raise BadSyntax("the session description is too long")
    try:
        text = body.decode("utf-8")
        if not text.startswith("v=0"):
            raise BadSyntax("a session description begins with v=0")
        read = parse_sdp(text)
    except ValueError as wrong:
        raise BadSyntax(f"not a session description: {wrong}") from None
    if not 0 < len(read.media) <= MAX_STREAMS:
        raise BadSyntax(f"a session has 1 to {MAX_STREAMS} streams")
    return Description(
        session=read.origin.session_id,
        version=read.origin.session_version,
        streams=tuple(_stream(read, media) for media in read.media),
    )


def _stream(whole: SdpMessage, media: MediaDescription) -> Stream:
    if not media.media or not 0 <= media.port < 65_536:
        raise BadSyntax("a stream has no kind, or no port")
    where = media.connection or whole.connection
    if where is None:
        raise BadSyntax("a stream has no address")
    said = [d for d in ("sendrecv", "sendonly", "recvonly", "inactive") if d in whole.attributes]
    own = media.direction
    direction = (
        said[0] if own == "sendrecv" and "sendrecv" not in media.attributes and said else own
    )
    return Stream(
        kind=media.media,
        port=media.port,
        protocol=media.proto,
        address=where.address,
        direction=cast("Direction", direction),
        codecs=tuple(codec.encoding_name.upper() for codec in media.codecs),
    )
