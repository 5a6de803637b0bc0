"""Whether a machine wrote the mail: RFC 3834, lists (RFC 2369, 2919), reports (RFC 3464).

Who is marked here is never answered automatically; that is what keeps two machines from
writing to each other for ever. People read such mails all the same.
"""

from typing import Literal

from msgspec import Struct

from channels.email.headers import Headers

Kind = Literal["bounce", "report", "auto-reply", "list", "bulk", "silent"]

_BULK = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_LIST = ("list-id", "list-post", "list-unsubscribe", "list-help", "mailing-list")
_REPLIERS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply")
_MAILERS = frozenset({"mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon"})
_SILENT = frozenset({"noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "bounce"})


class Verdict(Struct, frozen=True):
    """What sort of machine, and the header that says so."""

    kind: Kind
    because: str


def judge(headers: Headers, sender: str, report_type: str) -> Verdict | None:
    """The verdict on a mail, or ``None`` when nothing says that a machine wrote it.

    ``sender`` is the From address; ``report_type`` the parameter of ``multipart/report``.
    """
    local = sender.partition("@")[0]
    if report_type == "delivery-status" or "x-failed-recipients" in headers:
        return Verdict("bounce", f"multipart/report {report_type}".strip())
    if report_type:
        return Verdict("report", f"multipart/report {report_type}")
    if "return-path" in headers and headers.raw("return-path").strip() == "<>":
        bounced = local in _MAILERS
        return Verdict("bounce" if bounced else "auto-reply", "empty Return-Path")
    submitted = headers.token("auto-submitted")
    if submitted not in {"", "no"}:
        return Verdict("auto-reply", f"Auto-Submitted: {submitted}")
    if local in _MAILERS:
        return Verdict("bounce", f"from {local}")
    return _by_habit(headers, local)


def _by_habit(headers: Headers, local: str) -> Verdict | None:
    """The marks that no standard defines for this, yet that everybody sets."""
    for name in _REPLIERS:
        if name in headers:
            return Verdict("auto-reply", name)
    for name in _LIST:
        if name in headers:
            return Verdict("list", name)
    precedence = headers.token("precedence")
    if precedence in _BULK:
        kind: Kind = "list" if precedence == "list" else "bulk"
        return Verdict(kind, f"Precedence: {precedence}")
    suppress = headers.text("x-auto-response-suppress").lower()
    if any(word in suppress for word in ("all", "oof", "autoreply")):
        return Verdict("silent", "X-Auto-Response-Suppress")
    if local in _SILENT:
        return Verdict("silent", f"from {local}")
    return None
