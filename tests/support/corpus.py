"""The corpus of mails in ``tests/vectors/mail``, and what is said of a mail there.

A mail is a pair of files, or an entry of ``BUILT`` where a file would be huge.
"""

import base64
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from channels.email.parse import Envelope
from gateway.core.ids import ChannelName
from gateway.ports import File, Inbound

FOLDER = Path(__file__).parents[1] / "vectors" / "mail"
OWN = frozenset({"support@example.com"})
ARRIVED = datetime(2026, 11, 20, 8, 15, 2, tzinfo=UTC)


class Case(Struct, frozen=True):
    """A mail, and what a person would say of it."""

    name: str
    mail: Callable[[], bytes]
    expected: dict[str, Any]


def envelope(size: int) -> Envelope:
    """What the mailbox of the corpus knows of a mail of so many bytes."""
    return Envelope(
        channel=ChannelName("support"),
        key="INBOX:1:7",
        at=ARRIVED,
        own=OWN,
        authserv_id="mx.example.com",
        size=size,
    )


def cases() -> list[Case]:
    stored = [
        Case(
            path.relative_to(FOLDER).with_suffix("").as_posix(),
            path.with_suffix(".eml").read_bytes,
            json.loads(path.read_text(encoding="utf-8")),
        )
        for path in sorted(FOLDER.glob("*/*.json"))
    ]
    return [*stored, *BUILT]


def seen(inbound: Inbound, expected: dict[str, Any]) -> dict[str, Any]:
    """What the parser made of a mail, in the words of the corpus; of the rest what is asked."""
    thread: dict[str, Any] = {"id": inbound.external_id, "answers": list(inbound.references)}
    if "ticket" in inbound.attributes:
        thread["ticket"] = inbound.attributes["ticket"]
    if inbound.tokens:
        thread["tokens"] = list(inbound.tokens)
    told = {
        "about": expected["about"],
        "subject": inbound.subject,
        "sender": inbound.identity.value if inbound.identity else None,
        "name": inbound.identity.name if inbound.identity else "",
        "text": inbound.body.strip(),
        "files": [_file(file) for file in inbound.files],
        "thread": thread,
        "class": _class(inbound),
    }
    more = {
        "answer_to": inbound.address,
        "to": list(inbound.to),
        "copies": list(inbound.copies),
        "verified": bool(inbound.identity and inbound.identity.verified),
        "own": inbound.attributes.get("preview"),
        "date": inbound.attributes.get("date"),
        "language": inbound.language,
        "problem": inbound.problem,
        "signs": json.loads(msgspec.json.encode(inbound.signs)),
        "folded": "\n".join(inbound.body.split("\n")[inbound.fold_from :]).strip()
        if inbound.fold_from
        else "",
        "bounce": {
            "action": inbound.attributes.get("bounce_action"),
            "recipient": inbound.attributes.get("bounce_recipient"),
        },
    }
    told |= {key: value for key, value in more.items() if key in expected}
    for key, whole in (
        ("repairs", str(inbound.attributes.get("repairs", ""))),
        ("reason", str(inbound.attributes.get("bounce_reason", ""))),
        ("html", inbound.html or ""),
    ):
        if key in expected:
            wanted = expected[key]
            parts = [wanted] if isinstance(wanted, str) else wanted
            found = [part for part in parts if part in whole]
            told[key] = wanted if found == parts else whole
    if "html_lacks" in expected:
        told["html_lacks"] = [
            part for part in expected["html_lacks"] if part not in (inbound.html or "")
        ]
    return told


def _class(inbound: Inbound) -> str:
    if inbound.problem:
        return "quarantine"
    if inbound.attributes.get("from_self"):
        return "ourselves"
    return str(inbound.attributes.get("machine", "person"))


def _file(file: File) -> dict[str, Any]:
    told: dict[str, Any] = {"name": file.name, "type": file.type, "size": len(file.data)}
    if len(file.data) < 200:
        try:
            told["text"] = file.data.decode("ascii")
        except UnicodeDecodeError:
            told["base64"] = base64.b64encode(file.data).decode()
    if file.inline_id:
        told["id"] = file.inline_id
    return told


# -- mails that are too large to be kept as files --------------------------------------------

_HEAD = (
    b"From: Ada Example <ada@example.org>\r\nTo: support@example.com\r\n"
    b"Date: Fri, 20 Nov 2026 09:15:00 +0100\r\nSubject: %s\r\nMIME-Version: 1.0\r\n"
)
_TEN = 10_000_000


def _expected(about: str, subject: str, text: str, *files: dict[str, Any], **more: Any) -> Any:
    return {
        "about": about,
        "subject": subject,
        "sender": "ada@example.org",
        "name": "Ada Example",
        "text": text,
        "files": list(files),
        "thread": {"id": "", "answers": []},
        "class": "person",
        **more,
    }


def _with_file(subject: bytes, name: bytes, kind: bytes, data: bytes) -> bytes:
    coded = base64.encodebytes(data).replace(b"\n", b"\r\n")
    return (
        _HEAD % subject + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nIt is attached.\r\n"
        b"--b\r\nContent-Type: " + kind + b"\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: attachment; filename=" + name + b"\r\n\r\n" + coded + b"--b--\r\n"
    )


def _large_file() -> bytes:
    return _with_file(b"large", b"scan.pdf", b"application/pdf", b"\x00\x01\x02\xff" * (_TEN // 4))


def _large_binary() -> bytes:
    return (
        _HEAD % b"binary" + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nIt is attached.\r\n"
        b"--b\r\nContent-Type: application/octet-stream; name=dump.bin\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n"
        + b"\xfe" * 99
        + (b"\n" + b"\xfe" * 99) * (_TEN // 100 - 1)
        + b"\r\n--b--\r\n"
    )


def _large_quoted() -> bytes:
    line = b"=C3=A4" * 12 + b"=\r\n"
    return (
        _HEAD % b"quoted" + b"Content-Type: text/csv; name=list.csv\r\n"
        b"Content-Disposition: attachment\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + line * 100_000
    )


@cache
def _zip_of_death() -> bytes:
    """Eight megabytes of zeros, zipped twice: a few hundred bytes that nobody may unpack."""
    data = bytes(8_000_000)
    for name in ("zeros", "inner.zip"):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as box:
            box.writestr(zipfile.ZipInfo(name), data)
        data = packed.getvalue()
    return data


def _recipients() -> bytes:
    to = b",\r\n ".join(b"Person %d <person%d@example.net>" % (n, n) for n in range(10_000))
    return _HEAD.replace(b"To: support@example.com", b"To: %s") % (to, b"everybody") + b"\r\nHi all"


def _long_text() -> bytes:
    return _HEAD % b"log" + b"\r\n" + b"2026-11-20 error in line 7\r\n" * 60_000


def _long_html() -> bytes:
    row = b"<tr><td>4711</td><td>lamp</td><td>3,50</td></tr>\r\n"
    return (
        _HEAD % b"table" + b"Content-Type: text/html\r\n\r\n<p>Our orders:</p><table>"
        + row * 20_000 + b"</table>"
    )  # fmt: skip


def _many_parts() -> bytes:
    part = b"--b\r\nContent-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n\r\nR0lG\r\n"
    return _HEAD % b"parts" + (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nSo many.\r\n" + part * 5_000 + b"--b--\r\n"
    )


def _deep() -> bytes:
    layers = 5_000
    heads = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(layers)
    )
    return _HEAD % b"abyss" + heads + b"Content-Type: text/plain\r\n\r\nAt the bottom\r\n"


def _deep_mails() -> bytes:
    return _HEAD % b"dolls" + b"Content-Type: message/rfc822\r\n\r\n" * 3_000 + b"Hello\r\n"


def _references() -> bytes:
    ids = b"\r\n ".join(b"<%d@example.org>" % n for n in range(5_000))
    return _HEAD % b"long thread" + b"References: " + ids + b"\r\n\r\nStill there?\r\n"


def _fields() -> bytes:
    return _HEAD % b"relays" + b"X-Relay: here\r\n" * 50_000 + b"\r\nThrough many hands\r\n"


_CUT = "the text was cut"
BUILT = [
    Case(
        "built/ten_megabytes",
        _large_file,
        _expected(
            "a scan of ten megabytes: complete, and nobody waits for it",
            "large",
            "It is attached.",
            {"name": "scan.pdf", "type": "application/pdf", "size": _TEN},
        ),
    ),
    Case(
        "built/ten_megabytes_of_bytes",
        _large_binary,
        _expected(
            "ten megabytes by BINARYMIME, without any encoding",
            "binary",
            "It is attached.",
            # Bare line ends are what they were.
            {"name": "dump.bin", "type": "application/octet-stream", "size": _TEN - 1},
        ),
    ),
    Case(
        "built/megabytes_quoted_printable",
        _large_quoted,
        _expected(
            "a table of megabytes in quoted-printable",
            "quoted",
            "",
            {"name": "list.csv", "type": "text/csv", "size": 2_400_000},
        ),
    ),
    Case(
        "built/zip_of_death",
        lambda: _with_file(b"zip", b"open.zip", b"application/zip", _zip_of_death()),
        _expected(
            "an archive of archives that unpacks to more than the disk: it is never unpacked",
            "zip",
            "It is attached.",
            {"name": "open.zip", "type": "application/zip", "size": len(_zip_of_death())},
        ),
    ),
    Case(
        "built/ten_thousand_recipients",
        _recipients,
        _expected(
            "a mail to everybody: the first two hundred are shown",
            "everybody",
            "Hi all",
            to=[f"person{n}@example.net" for n in range(200)],
            repairs="more than 200 addresses",
        ),
    ),
    Case(
        "built/a_log_as_text",
        _long_text,
        _expected(
            "a log pasted into the mail: the first million characters are shown",
            "log",
            ("2026-11-20 error in line 7\n" * 60_000)[:1_000_000].strip(),
            repairs=_CUT,
        ),
    ),
    Case(
        "built/many_parts",
        _many_parts,
        _expected(
            "five thousand tracking pixels: two hundred are kept, and it says so",
            "parts",
            "So many.",
            *(
                {"name": f"part-{n}.gif", "type": "image/gif", "size": 3, "text": "GIF"}
                for n in range(1, 201)
            ),
            repairs="more than 200 attachments",
        ),
    ),
    Case(
        "built/nested_five_thousand_times",
        _deep,
        _expected(
            "containers within containers made parsers recurse until they died",
            "abyss",
            "",
            repairs="nested too deeply",
        ),
    ),
    Case(
        "built/mails_in_mails",
        _deep_mails,
        _expected(
            "a mail in a mail in a mail, three thousand times: one file holds them all",
            "dolls",
            "",
            {"name": "part-1.eml", "type": "message/rfc822", "size": 2999 * 30 + 6},
        ),
    ),
    Case(
        "built/five_thousand_references",
        _references,
        {
            **_expected(
                "a thread that ran for years: the fifty nearest count",
                "long thread",
                "Still there?",
            ),
            "thread": {"id": "", "answers": [f"<{n}@example.org>" for n in range(4999, 4949, -1)]},
        },
    ),
    Case(
        "built/fifty_thousand_fields",
        _fields,
        _expected("a loop of relays added a field each time", "relays", "Through many hands"),
    ),
]
