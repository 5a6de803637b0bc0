"""Addresses under which a file of ours can be fetched for a while, without signing in.

Whoever has the address has the file: it is made for one message, cannot be guessed, and ends.
"""

import base64
import hashlib
import hmac
from urllib.parse import quote

from gateway.core.ids import AttachmentId
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute, Services

_SHOWN = frozenset(
    {"image/jpeg", "image/png", "image/gif", "image/webp", "audio/mpeg", "video/mp4"}
)
"""What a browser may show; anything else it only saves."""


class Links:
    """Those of one channel, below ``base`` (``/hooks/sms/NAME``)."""

    def __init__(self, base: str, services: Services, hours: float) -> None:
        self._base, self._services = f"{base}/files", services
        self._seconds = int(hours * 3_600)

    def url(self, attachment: AttachmentId) -> str:
        """Good from now on for as long as the channel says."""
        until = int(self._services.clock.now().timestamp()) + self._seconds
        token = f"{attachment}.{until}.{self._mark(attachment, until)}"
        return f"{self._services.public_url.rstrip('/')}{self._base}/{token}"

    def route(self) -> HttpRoute:
        return HttpRoute(
            method="GET",
            path=f"{self._base}/{{token}}",
            handle=self._give,
            summary="A file that was sent as a link",
            access="public",
            tag="texts",
            secret=True,
            produces="application/octet-stream",
        )

    def _mark(self, attachment: str, until: int) -> str:
        said = f"file:{self._base}:{attachment}:{until}".encode()
        mark = hmac.digest(self._services.secret, said, hashlib.sha256)[:18]
        return base64.urlsafe_b64encode(mark).decode()

    async def _give(self, request: HttpRequest) -> HttpAnswer:
        attachment, _, rest = request.params["token"].partition(".")
        until, _, mark = rest.partition(".")
        good = until.isascii() and until.isdigit() and len(until) < 12
        right = self._mark(attachment, int(until)) if good else ""
        if not good or not hmac.compare_digest(right.encode(), mark.encode()):
            return HttpAnswer(status=404)
        if int(until) < self._services.clock.now().timestamp():
            return HttpAnswer(status=410)
        found = await self._services.files.get(AttachmentId(attachment))
        if found is None:
            return HttpAnswer(status=404)
        about, data = found
        shown = about.type in _SHOWN
        way = "inline" if shown else "attachment"
        return HttpAnswer(
            body=data,
            type=about.type if shown else "application/octet-stream",
            headers={
                "Content-Disposition": f"{way}; filename*=UTF-8''{quote(about.name, safe='')}",
                "Cache-Control": "private, max-age=3600",
                "Content-Security-Policy": "default-src 'none'; sandbox",
            },
        )
