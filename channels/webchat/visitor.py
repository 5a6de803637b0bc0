"""Who a visitor is: our own token, and what the host site vouches for.

A visitor token is ``v1.PAYLOAD.MAC``, both base64url: the MAC is HMAC-SHA256 by the node's
secret over a label, the channel and the payload, so that it is good for one channel and nothing
else. It is a bearer token for one browser's conversation and lasts 90 days from the last visit.

The host site vouches with a JWT (RFC 7519) signed HS256 (RFC 7515) by the channel's
``identity_key``: ``sub`` is the account, ``exp`` is required, ``aud`` if present must be the
channel, ``name``, ``email`` and ``phone`` are optional. Anything else than HS256 is refused, so
that no token can choose how it is checked.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec
from msgspec import Struct

from gateway.core.ids import CaseId, ChannelName
from gateway.ports import Claim

LIFETIME = timedelta(days=90)
SKEW = timedelta(minutes=1)
_LABEL = b"switchroom webchat visitor v1\0"


class Visitor(Struct, frozen=True, kw_only=True, rename={"id": "v", "conversation": "k"}):
    """One browser. ``account`` is the host site's name for the person, if it vouched for one."""

    id: str
    conversation: CaseId | None = None
    account: str | None = msgspec.field(default=None, name="a")


class _Payload(Visitor, frozen=True, kw_only=True):
    channel: str = msgspec.field(name="c")
    issued: int = msgspec.field(name="i")


class Identity(Struct, frozen=True, kw_only=True):
    """What the host site vouches for."""

    account: str
    name: str = ""
    email: str = ""
    phone: str = ""


class BadIdentity(Exception):
    """The host site's token is not acceptable; the text says why."""


_payloads: msgspec.json.Decoder[_Payload] = msgspec.json.Decoder(_Payload)


def issue(secret: bytes, channel: ChannelName, visitor: Visitor, now: datetime) -> str:
    """A token that brings this visitor back."""
    payload = _Payload(
        id=visitor.id,
        conversation=visitor.conversation,
        account=visitor.account,
        channel=channel,
        issued=int(now.timestamp()),
    )
    text = _b64(msgspec.json.encode(payload))
    return f"v1.{text}.{_b64(_mac(secret, channel, text))}"


def recognise(
    secret: bytes,
    channel: ChannelName,
    token: str,
    now: datetime,
    *,
    account_lifetime: timedelta = LIFETIME,
) -> Visitor | None:
    """Whose token it is; ``None`` if it is not ours, not this channel's, or too old.

    ``account_lifetime``: so old may one be for somebody for whom the host site vouched.
    """
    version, _, rest = token.partition(".")
    text, _, mac = rest.partition(".")
    if version != "v1" or not text.isascii():
        return None
    if not hmac.compare_digest(_mac(secret, channel, text), _unb64(mac) or b""):
        return None
    try:
        payload = _payloads.decode(_unb64(text) or b"")
    except msgspec.MsgspecError:
        return None
    age = now.timestamp() - payload.issued
    most = LIFETIME if payload.account is None else account_lifetime
    if payload.channel != channel or not -SKEW.total_seconds() <= age <= most.total_seconds():
        return None
    return Visitor(id=payload.id, conversation=payload.conversation, account=payload.account)


def channel_named(token: str) -> str:
    """Which channel a token says that it is for; nothing is checked, and nothing raised."""
    _, _, rest = token.partition(".")
    try:
        return _payloads.decode(_unb64(rest.partition(".")[0]) or b"").channel
    except msgspec.MsgspecError:
        return ""


def returning(known: Visitor | None, identity: Identity | None) -> Visitor | None:
    """The visitor to go on as, or ``None`` for a new one.

    Someone who signs in at the host site keeps the conversation begun before; once it is bound
    to an account, only that account sees it again (browsers are shared).
    """
    account = identity.account if identity else None
    if known is None or known.account not in (None, account):
        return None
    return Visitor(id=known.id, conversation=known.conversation, account=account)


def claim_of(visitor: Visitor, identity: Identity | None, name: str = "") -> Claim:
    """The verified identity that a visitor's messages carry.

    The visitor id is verified because the token is ours; the name beside it is only what the
    visitor typed, unless the host site vouched.
    """
    if identity is not None:
        return Claim(
            kind="account", value=identity.account, name=identity.name or name, verified=True
        )
    return Claim(kind="visitor", value=visitor.id, name=name, verified=True)


def verified(visitor: Visitor) -> Claim:
    """The identity that a token alone proves."""
    if visitor.account is not None:
        return Claim(kind="account", value=visitor.account, verified=True)
    return claim_of(visitor, None)


# -- the host site's token ------------------------------------------------------------------


class _Header(Struct):
    alg: str


class _Claims(Struct):
    sub: str
    exp: float
    nbf: float | None = None
    aud: str | list[str] | None = None
    name: str = ""
    email: str = ""
    phone: str = ""


def identify(key: str, channel: ChannelName, token: str, now: datetime) -> Identity:
    """Whom the host site vouches for. Raises ``BadIdentity``."""
    if not key:
        raise BadIdentity("this channel has no identity_key, so no site can vouch for visitors")
    head, _, rest = token.partition(".")
    body, _, signature = rest.partition(".")
    try:
        header = msgspec.json.decode(_unb64(head) or b"", type=_Header)
        if header.alg != "HS256":
            raise BadIdentity("the identity must be a JWT signed with HS256")
        mac = hmac.new(key.encode(), f"{head}.{body}".encode(), sha256).digest()
        if not hmac.compare_digest(mac, _unb64(signature) or b""):
            raise BadIdentity("the identity's signature does not match the channel's identity_key")
        claims = msgspec.json.decode(_unb64(body) or b"", type=_Claims)
    except msgspec.MsgspecError as error:
        raise BadIdentity(f"the identity is not a JWT with sub and exp: {error}") from None
    _check(claims, channel, now.timestamp())
    return Identity(
        account=claims.sub,
        name=claims.name[:200],
        email=claims.email[:200],
        phone=claims.phone[:50],
    )


def _check(claims: _Claims, channel: ChannelName, now: float) -> None:
    skew = SKEW.total_seconds()
    if claims.exp + skew < now:
        raise BadIdentity("the identity has expired (exp)")
    if claims.nbf is not None and claims.nbf - skew > now:
        raise BadIdentity("the identity is not valid yet (nbf)")
    audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if audience is not None and channel not in audience:
        raise BadIdentity("the identity is meant for someone else (aud)")
    if not 0 < len(claims.sub) <= 200:
        raise BadIdentity("the identity's sub must have 1 to 200 characters")


def _mac(secret: bytes, channel: str, text: str) -> bytes:
    return hmac.new(secret, _LABEL + channel.encode() + b"\0" + text.encode(), sha256).digest()


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes | None:
    try:
        return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, UnicodeEncodeError):
        return None
