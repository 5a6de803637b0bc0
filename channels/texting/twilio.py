"""Twilio: SMS and WhatsApp, Programmable Messaging API 2010-04-01."""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec

from channels.calling import Asked, Reply, exchange
from channels.texting.judging import judged
from channels.texting.settings import ProviderSettings
from channels.texting.wire import (
    Arrived,
    BadHook,
    Forged,
    Hook,
    Login,
    Media,
    Report,
    Reported,
    Text,
    read_answer,
    read_json,
)
from gateway.core.errors import OutcomeUnknown, SendError, TryAgain, WantsNone
from gateway.ports import Clock, HttpRequest

SIGNATURE = "x-twilio-signature"
SETTINGS = "x-twilio-webhooks-signature-settings"
MOST_MEDIA = 10
_STATES: Mapping[str, Reported] = {
    **dict.fromkeys(("accepted", "queued", "sending", "sent"), "sent"),
    **dict.fromkeys(("failed", "undelivered", "canceled"), "failed"),
    "delivered": "delivered",
    "read": "read",
}
_OPTED_OUT = frozenset({"21610", "63032"})
_PAGES = 5
_SKEW = timedelta(seconds=5)


class Twilio:
    """See the module's docstring. ``prefix`` stands before numbers: ``whatsapp:``."""

    def __init__(self, settings: ProviderSettings, clock: Clock, prefix: str = "") -> None:
        self._said, self._clock, self._prefix = settings, clock, prefix

    # -- in ---------------------------------------------------------------------------------

    def check(self, hook: Hook) -> None:
        """Twilio signs no time: a replay is known by its id."""
        key, algorithm = _settings(hook.request.headers.get(SETTINGS, ""))
        secrets: tuple[str, ...] = self._said.secrets
        if key:
            secrets = tuple(filter(None, (self._said.signing_keys.get(key),)))
        digest = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}.get(algorithm.upper())
        if digest is None:
            raise Forged(f"unknown algorithm {algorithm!r}")
        pairs = _signed_pairs(hook.request, hook.url)
        said = hook.request.headers.get(SIGNATURE, "").encode()
        found = False
        for secret in secrets:
            for form in _with_and_without_port(hook.url):
                right = signature(secret, form, pairs, digest).encode()
                same = hmac.compare_digest(right, said)
                found = found or same
        if not found:
            raise Forged("no signature fits")

    def read(self, request: HttpRequest) -> list[Arrived | Report]:
        form = dict(_form(request))
        sid = form.get("MessageSid") or form.get("SmsSid") or form.get("SmsMessageSid", "")
        if not sid:
            raise BadHook("MessageSid", "it is missing")
        if (status := form.get("MessageStatus") or form.get("SmsStatus")) and status != "received":
            return [_report(sid, status, form, request.query.get("message", ""))]
        if not form.get("From"):
            raise BadHook("From", "it is missing")
        return [
            Arrived(
                id=sid,
                sender=form["From"],
                to=form.get("To", ""),
                text=form.get("Body", ""),
                media=tuple(_media(form)),
                name=form.get("ProfileName", ""),
                answers=form.get("OriginalRepliedMessageSid", ""),
                confirmed=bool(form.get("OptOutType")),
            )
        ]

    # -- out --------------------------------------------------------------------------------

    async def send(self, text: Text) -> str:
        form = [("To", self._prefix + text.to), ("From", self._prefix + text.sender)]
        if text.template:
            values = {str(n): value for n, value in enumerate(text.values, start=1)}
            form += [("ContentSid", text.template), ("ContentVariables", _json(values))]
        else:
            form += [("Body", text.body)]
        form += [("MediaUrl", url) for url in text.media]
        if text.status_url:
            form += [("StatusCallback", f"{text.status_url}?message={text.message}")]
        reply = await self._ask("POST", "/Messages.json", urlencode(form).encode())
        answer = read_answer(reply.body)
        if reply.status >= 300:
            raise self._refusal(reply)
        if not answer.get("sid"):
            raise OutcomeUnknown("the provider said yes, and not under which id")
        return str(answer["sid"])

    async def find(self, text: Text) -> str | None:
        """By number, words and time: the API takes no id of ours."""
        since = text.since.date().isoformat()
        query = {"To": self._prefix + text.to, "DateSent>": since, "PageSize": "200"}
        path = f"/Messages.json?{urlencode(query)}"
        for _ in range(_PAGES):
            reply = await self._ask("GET", path)
            if reply.status >= 300:
                raise self._refusal(reply)
            page = read_answer(reply.body)
            for one in page.get("messages") or ():
                if isinstance(one, dict) and self._is(one, text):
                    return str(one["sid"])
            path = str(page.get("next_page_uri") or "")
            if not path:
                break
            path = path.partition(f"/Accounts/{self._said.account}")[2]
        return None

    def _is(self, one: Mapping[str, object], text: Text) -> bool:
        if one.get("body") != text.body or one.get("from") != self._prefix + text.sender:
            return False
        if one.get("sid") in text.others:
            return False
        made = _when(str(one.get("date_created") or ""))
        return made is not None and made >= text.since.replace(microsecond=0) - _SKEW

    async def probe(self) -> tuple[str, str | None]:
        what = f"Twilio account {self._said.account}"
        try:
            reply = await self._ask("GET", ".json")
        except SendError as error:
            return what, str(error)
        return what, None if reply.status < 300 else str(self._refusal(reply))

    def login(self) -> Login | None:
        """Media lie behind the account's password."""
        own = urlsplit(self._said.base).netloc if self._said.api_base else "api.twilio.com"
        return Login(hosts=(own, ".twilio.com"), headers=self._signed_in())

    def _signed_in(self) -> dict[str, str]:
        pair = f"{self._said.account}:{self._said.api_secret or self._said.secret}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> Reply:
        account = quote(self._said.account, safe="")
        form = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        asked = Asked(
            url=f"{self._said.base}/2010-04-01/Accounts/{account}{path}",
            method=method,
            body=body,
            headers={**self._signed_in(), **form},
            private=self._said.private,
            max_answer=4_000_000,
        )
        return await exchange(asked)

    def _refusal(self, reply: Reply) -> SendError:
        answer = read_answer(reply.body)
        code, words = str(answer.get("code") or ""), str(answer.get("message") or "")[:300]
        said = f"{code} {words}".strip()
        if code in _OPTED_OUT:
            return WantsNone(f"whoever is there wants no more messages ({said})")
        if code in ("20429", "14107", "63018"):
            return TryAgain(said, after=1.0)
        return judged(reply, said, self._clock.now())


def signature(secret: str, url: str, pairs: Mapping[str, set[str]], digest: str) -> str:
    """Base64 of the HMAC of the address and every parameter, sorted, each value once."""
    text = url + "".join(name + value for name in sorted(pairs) for value in sorted(pairs[name]))
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), digest)).decode()


def _settings(header: str) -> tuple[str, str]:
    """The id of the key, and the algorithm; without the header the account's token and SHA-1."""
    said = {}
    for part in header.split(","):
        name, _, value = part.partition("=")
        said[name.strip().lower()] = value.strip()
    return said.get("key", ""), said.get("algorithm") or "HMAC_SHA1"


def _signed_pairs(request: HttpRequest, url: str) -> dict[str, set[str]]:
    """Parameters that are signed: none where the body is, by its hash in the query."""
    hashes = [v for k, v in parse_qsl(urlsplit(url).query) if k == "bodySHA256"]
    if hashes:
        right = hashlib.sha256(request.body).hexdigest()
        if not hmac.compare_digest(right.encode(), hashes[0].lower().encode()):
            raise Forged("the body is not what was signed")
        return {}
    if not _is_form(request):
        raise Forged("nothing signs the body")
    pairs: dict[str, set[str]] = {}
    for name, value in _form(request):
        pairs.setdefault(name, set()).add(value)
    return pairs


def _is_form(request: HttpRequest) -> bool:
    kind = request.headers.get("content-type", "application/x-www-form-urlencoded")
    return kind.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"


def _form(request: HttpRequest) -> list[tuple[str, str]]:
    if not _is_form(request):
        found = read_json(request.body, dict[str, str | int | None])
        return [(name, "" if value is None else str(value)) for name, value in found.items()]
    try:
        text = request.body.decode("ascii")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1_000)
    except ValueError as error:
        raise BadHook("body", f"this is no form: {error}") from error


def _with_and_without_port(url: str) -> Iterator[str]:
    """Twilio signs either."""
    yield url
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = parts.port or (443 if parts.scheme == "https" else 80)
    for netloc in (host, f"{host}:{port}"):
        if netloc != parts.netloc:
            # What stands behind the host must stay as it was sent, to the letter.
            yield url.replace(f"//{parts.netloc}", f"//{netloc}", 1)


def _media(form: Mapping[str, str]) -> Iterator[Media]:
    said = form.get("NumMedia", "0") or "0"
    if not (said.isascii() and said.isdigit()):
        raise BadHook("NumMedia", f"{said!r} is no number")
    for n in range(min(int(said), MOST_MEDIA)):
        url = form.get(f"MediaUrl{n}", "")
        if not url:
            raise BadHook(f"MediaUrl{n}", "it is missing")
        yield Media(url=url, type=form.get(f"MediaContentType{n}", ""))


def _report(sid: str, status: str, form: Mapping[str, str], message: str) -> Report:
    state = _STATES.get(status.lower())
    if state is None:
        raise BadHook("MessageStatus", f"{status[:40]!r} is unknown")
    code, words = form.get("ErrorCode", ""), form.get("ErrorMessage", "")
    reason = " ".join(filter(None, (status.lower(), f"error {code}" if code else "", words)))
    return Report(
        id=sid, message=message, state=state, reason=reason[:300], opted_out=code in _OPTED_OUT
    )


def _when(said: str) -> datetime | None:
    try:
        return parsedate_to_datetime(said)
    except ValueError:
        return None


def _json(values: Mapping[str, str]) -> str:
    return msgspec.json.encode(values).decode()
