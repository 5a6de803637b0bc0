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
MAX_OWN = 2_000
"""So many characters of the writer's own words are enough to preview them and tell the language."""

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
    at = _signature(lines, min(_unmarked_quote(lines), _trailing_quote(lines)))
    while at and not lines[at - 1].strip():
        at -= 1
    return at if at < len(lines) and any(line.strip() for line in lines[at:]) else 0


def own_words(text: str, fold: int) -> str:
    """The beginning of what the writer added: neither folded (from line ``fold`` on) nor quoted."""
    lines = text.split("\n", fold or MAX_LINES)[: fold or MAX_LINES]
    mine: list[str] = []
    length = 0
    for line in lines:
        if not line.lstrip().startswith(">"):
            mine.append(line)
            length += len(line)
            if length > MAX_OWN:
                break
    return "\n".join(mine).strip()


def _unmarked_quote(lines: list[str]) -> int:
    """Where the first quotation without marks begins, with the line that introduces it."""
    for n, whole in enumerate(lines):
        # Nearly all lines end here, so this costs next to nothing.
        if ":" not in whole and "：" not in whole and whole[:1] != "-":
            continue
        line = whole.strip()
        if not line or line[0] == ">" or len(line) > MAX_LINE:
            continue
        if line[-1] in ":：":
            if _introduces(line):
                return n
            if n and _introduces_with_last(lines[n - 1].strip(), line):
                return n - 1
        if line[0] == "-":
            titled = _BAR.fullmatch(line)
            if titled and any(_FIELD.match(below.strip()) for below in lines[n + 1 : n + 4]):
                return n
        elif _header_block(lines, n):
            return n
    return len(lines)


def _introduces(line: str) -> bool:
    return _TIME.search(line) is not None and _ADDRESS.search(line) is not None


def _introduces_with_last(last: str, line: str) -> bool:
    """An introduction that was wrapped: the first half has the time already."""
    if not last or last[0] == ">" or len(last) > MAX_LINE or last[-1] in ".!?:;":
        return False
    return _TIME.search(last) is not None and _ADDRESS.search(line) is not None


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
