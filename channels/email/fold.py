"""Where in a mail's text the writer's own words end: signature, quoted mail.

By structure rather than by phrases, so it holds in every language: a line that ends in a colon
and has an address and a time of day introduces a quotation, whatever words stand between. Each
line is looked at once and every pattern is linear. Why no library: ``docs/protocols/email.md``.

What is folded is only shown less, so the rules may miss a quotation, but must not hide what
somebody wrote: a contact form, a list and an answer between quoted lines stay open.
"""

import re

MAX_LINES = 20_000
MAX_LINE = 500
"""No line that introduces a quotation is longer."""
MAX_SIGNATURE = 15

_TIME = re.compile(r"\d{1,2}[:.]\d{2}")
_ADDRESS = re.compile(r"[^\s@]@[^\s@]")
_BAR = re.compile(r"-{4,} ?\w[^-\n]{2,60} ?-{4,}")
_FIELD = re.compile(r"\*?([^\W\d_][\w. -]{0,30}?)\*?\s?[:：]")
_FROM = re.compile(
    "from|von|de|da|van|od|från|fra|lähettäjä|от|откого|kimden|feladó|από|מאת|من|发件人|寄件者|寄件人"
    "|差出人|보낸사람|expéditeur|remitente|mittente|afzender"
)
_TO = re.compile(
    "to|an|à|para|a|aan|do|till|til|vastaanottaja|кому|komu|kime|címzett|προς|אל|إلى|收件人|收件者"
    "|宛先|받는사람|destinataire|destinatario"
)


def fold_from(text: str) -> int:
    """The number of the line (the first is 0) from which the text may be folded; 0: nowhere."""
    lines = text.split("\n")[:MAX_LINES]
    quote = next((n for n in range(len(lines)) if _begins_quote(lines, n)), len(lines))
    at = _signature(lines, min(quote, _trailing_quote(lines)))
    while at and not lines[at - 1].strip():
        at -= 1
    return at if at < len(lines) and any(line.strip() for line in lines[at:]) else 0


def own_words(text: str, fold: int) -> str:
    """What the writer added: what is neither folded (from line ``fold`` on) nor quoted."""
    lines = text.split("\n")
    mine = lines[: fold or len(lines)]
    return "\n".join(line for line in mine if not line.lstrip().startswith(">")).strip()


def _begins_quote(lines: list[str], n: int) -> bool:
    """Whether an unmarked quotation, or the line that introduces one, begins here."""
    line = lines[n].strip()
    if not line or line[0] == ">" or len(line) > MAX_LINE:
        return False
    if _introduces(line) or (_open_ended(line) and _introduces_with_next(lines, n)):
        return True
    if line[0] == "-" and _BAR.fullmatch(line):
        return any(_FIELD.match(below.strip()) for below in lines[n + 1 : n + 4])
    return _header_block(lines, n)


def _introduces(line: str) -> bool:
    return (
        line[-1] in ":：" and _TIME.search(line) is not None and _ADDRESS.search(line) is not None
    )


def _open_ended(line: str) -> bool:
    """It may be the first half of an introduction that was wrapped: it has the time already."""
    return line[-1] not in ".!?:;" and _TIME.search(line) is not None


def _introduces_with_next(lines: list[str], n: int) -> bool:
    below = lines[n + 1].strip() if n + 1 < len(lines) else ""
    if not below or len(below) > MAX_LINE or below[0] == ">":
        return False
    return _introduces(f"{lines[n].strip()} {below}")


def _header_block(lines: list[str], n: int) -> bool:
    """From, a time and To, one below the other after an empty line: how Outlook quotes."""
    if not _FROM.fullmatch(_word(lines[n])) or (n and lines[n - 1].strip(" _\t")):
        return False
    block = [line for line in lines[n : n + 6] if _FIELD.match(line.strip())]
    return any(_TO.fullmatch(_word(line)) for line in block[1:]) and any(
        _TIME.search(line[:MAX_LINE]) for line in block[1:]
    )


def _word(line: str) -> str:
    found = _FIELD.match(line.strip())
    return found[1].replace(" ", "").lower() if found else ""


def _trailing_quote(lines: list[str]) -> int:
    """Where the marked quotation begins that lasts to the end, with what introduces it."""
    at = len(lines)
    while at and (not lines[at - 1].strip() or lines[at - 1].lstrip().startswith(">")):
        at -= 1
    if not any(line.strip() for line in lines[at:]):
        return len(lines)
    # At most two lines that end in a colon: "On Monday, Ada wrote:".
    for above in (1, 2):
        if at >= above and lines[at - 1].rstrip()[-1:] in (":", "："):
            first = lines[at - above].strip()
            if first and any(c.isdigit() or c == "@" for c in first):
                return at - above
    return at


def _signature(lines: list[str], end: int) -> int:
    """The line of the signature mark (RFC 3676 section 4.3) if it stands close before ``end``."""
    for n in range(max(0, end - MAX_SIGNATURE), end):
        if lines[n] == "-- ":
            return n
    return end
