"""Digest authentication, both sides (RFC 7616, RFC 8760): SHA-256 first, MD5 for old phones.

``aiosipua`` computes the hashes; the nonces, their age and their count are ours. A nonce names the
second of its making and is signed, so any node knows it; how often it was used only this one knows.
"""

import hmac
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Literal

from aiosipua.auth import SipDigestAuth, build_credentials
from aiosipua.headers import AuthChallenge

from channels.voice.sip.grammar import BadSyntax, is_token, pieces, quoted, unquoted

ALGORITHMS = ("SHA-256", "MD5")
NONCE_SECONDS = 300
CLOCKS_DIFFER = 60
REMEMBERED = 10_000
_BARE = frozenset({"algorithm", "nc", "stale", "qop"})

Verdict = Literal["good", "stale", "bad"]


def answer_to(
    challenges: Iterable[str],
    *,
    user: str,
    password: str,
    method: str,
    uri: str,
    cnonce: str,
    count: int = 1,
) -> str | None:
    """The Authorization for the best of several challenges; ``None`` if none can be answered."""
    offered: dict[str, Mapping[str, str]] = {}
    for value in challenges:
        with suppress(BadSyntax):
            params = _params(value)
            offered.setdefault(params.get("algorithm", "MD5").upper(), params)
    for algorithm in ALGORITHMS:
        if algorithm in offered:
            challenge = offered[algorithm]
            made = _compute(challenge, user, password, method, uri, count=count, cnonce=cnonce)
            if made is not None:
                return _written(made)
    return None


class Authenticator:
    """Checks who calls itself what, in one realm."""

    def __init__(self, realm: str, secret: bytes) -> None:
        self._realm = realm
        self._secret = secret
        self._used: OrderedDict[tuple[str, ...], int] = OrderedDict()

    def challenges(self, now: float, *, stale: bool = False) -> list[str]:
        """Values of WWW-Authenticate, best first; ``now`` is the time of day in seconds."""
        nonce = self._nonce(int(now))
        return [
            f"Digest realm={quoted(self._realm)}, nonce={quoted(nonce)}, "
            f'algorithm={algorithm}, qop="auth"{", stale=true" if stale else ""}'
            for algorithm in ALGORITHMS
        ]

    def check(
        self,
        value: str,
        *,
        method: str,
        target: str,
        password_of: Callable[[str], str | None],
        now: float,
    ) -> tuple[Verdict, str]:
        """The verdict on an Authorization and the user it names.

        "stale": it was right, but the nonce is old or was used with this count before.
        """
        try:
            said = _params(value)
            count = int(said.get("nc", ""), 16)
        except ValueError:
            return "bad", ""
        user, nonce = said.get("username", ""), said.get("nonce", "")
        password = password_of(user)
        made_at = self._made_at(nonce)
        if password is None or made_at is None or said.get("uri") != target or count < 1:
            return "bad", user
        if said.get("realm") != self._realm or said.get("qop") != "auth":
            return "bad", user
        right = _compute(
            {**said, "qop": "auth"},
            user,
            password,
            method,
            target,
            count=count,
            cnonce=said.get("cnonce", ""),
        )
        response = said.get("response", "").encode(errors="replace")
        if right is None or not hmac.compare_digest(right["response"].encode(), response):
            return "bad", user
        # A nonce is of its second, not of one phone: many get the same when they come back at once.
        one = (nonce, user, said.get("cnonce", ""))
        if not -CLOCKS_DIFFER <= now - made_at <= NONCE_SECONDS or not self._first_use(one, count):
            return "stale", user
        return "good", user

    def _nonce(self, second: int) -> str:
        stamp = f"{second:x}"
        return f"{stamp}.{hmac.new(self._secret, stamp.encode(), sha256).hexdigest()[:32]}"

    def _made_at(self, nonce: str) -> int | None:
        try:
            second = int(nonce.partition(".")[0], 16)
        except ValueError:
            return None
        right = self._nonce(second).encode()
        return second if hmac.compare_digest(right, nonce.encode(errors="replace")) else None

    def _first_use(self, one: tuple[str, ...], count: int) -> bool:
        """Counts only grow; what is forgotten counts anew, while its nonce is young."""
        if count <= self._used.get(one, 0):
            return False
        self._used[one] = count
        self._used.move_to_end(one)
        if len(self._used) > REMEMBERED:
            self._used.popitem(last=False)
        return True


def _params(value: str) -> dict[str, str]:
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        raise BadSyntax("not Digest")
    params: dict[str, str] = {}
    for part in pieces(rest):
        name, equals, said = part.partition("=")
        name = name.strip().lower()
        if not equals or not is_token(name) or name in params:
            raise BadSyntax("not a list of parameters")
        params[name] = unquoted(said.strip())
    return params


def _compute(
    challenge: Mapping[str, str],
    user: str,
    password: str,
    method: str,
    uri: str,
    *,
    count: int,
    cnonce: str,
) -> Mapping[str, str] | None:
    known = ("realm", "nonce", "algorithm", "qop", "opaque")
    params = {name: challenge[name] for name in known if name in challenge}
    made = build_credentials(
        SipDigestAuth(user, password),
        AuthChallenge(scheme="Digest", params=params),
        method,
        uri,
        nonce_count=count,
        cnonce=cnonce,
    )
    return None if made is None else made.params


def _written(params: Mapping[str, str]) -> str:
    parts = (f"{n}={v}" if n in _BARE else f"{n}={quoted(v)}" for n, v in params.items())
    return f"Digest {', '.join(parts)}"
