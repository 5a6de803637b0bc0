"""Mails as a mailbox has them: mostly short, some with HTML, a few with a picture or a paper.

About 20 KB in the mean. The same seed gives the same mails.
"""

import base64
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from bench.work import body

PLAIN, WITH_HTML = 0.6, 0.3
"""Of all; the rest has something attached."""
_FIRST = datetime(2026, 11, 1, 8, tzinfo=UTC)


def letters(count: int, to: str, seed: int = 1) -> Iterator[bytes]:
    """So many mails, each from another customer, as they lie on a mail server."""
    dice = random.Random(seed)
    words = [body(dice, 2_000) for _ in range(50)]
    for number in range(count):
        yield _letter(dice, words, to, number)


def _letter(dice: random.Random, words: list[str], to: str, number: int) -> bytes:
    mail = EmailMessage()
    mail["From"] = f"Customer Nº {number} <customer{number}@mail.example>"
    mail["To"] = to
    mail["Subject"] = f"A charge of {dice.randrange(5, 500)} € that I do not know"
    mail["Date"] = format_datetime(_FIRST + timedelta(seconds=number))
    mail["Message-ID"] = f"<{number}.{dice.getrandbits(64):x}@mail.example>"
    text = "\n\n".join(dice.choice(words) for _ in range(dice.randrange(1, 4)))
    mail.set_content(f"Hello,\n\n{text}\n\nKind regards\nCustomer {number}\n")
    sort = dice.random()
    if sort >= PLAIN:
        rows = "".join(f"<p>{dice.choice(words)}</p>" for _ in range(dice.randrange(2, 9)))
        mail.add_alternative(f"<html><body><h1>Hello</h1>{rows}</body></html>", subtype="html")
    if sort >= PLAIN + WITH_HTML:
        size = dice.randrange(30_000, 130_000)
        picture = base64.b64encode(dice.randbytes(64)) * (size // 88)
        mail.add_attachment(picture, maintype="image", subtype="png", filename="charge.png")
    return mail.as_bytes()
