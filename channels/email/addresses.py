"""Addresses and ids as header fields hold them (RFC 5322 sections 3.4 and 3.6.4).

The standard library's reader of addresses takes ``boss@example.com <eve@evil.example>`` for the
boss, and reads nothing at all where a quotation mark is left open. People write such names without
quotation marks every day, so fields are split here: what stands in angle brackets is the address.
"""

import re

from msgspec import Struct

from channels.email.text import eight_bit, header_text, one_line

MAX_ADDRESSES = 200
MAX_IDS = 50
_MAX_RAW = 50_000
_MAX_PIECES = 2_000

_ADDRESS = re.compile(
    '[^\\s@<>()\\[\\]",;:\\\\\x00-\x1f\ue000\ue001]+@[^\\s@<>()",;:\\\\\x00-\x1f\ue000\ue001]+'
)
_ID = re.compile(r"<[^<>\s]{1,990}>")
_LONE_ID = re.compile(r"[^<>\s@]{1,500}@[^<>\s@]{1,400}")
_ENCODED = re.compile(r"=\?[^?\s]+\?[bqBQ]\?[^?]*\?=")
_HIDDEN = re.compile("\ue000([0-9]{1,5})\ue001")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|=\?[^?]+\?[bqBQ]\?[^?]*\?=')
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\((?:[^()\\]|\\.)*\)|<[^<>]*>|[,;]|\\.|[^"(<,;\\]+|.')
_ESCAPED = re.compile(r"\\(.)")


class Address(Struct, frozen=True):
    """A mailbox: ``address`` in lower case, ``name`` decoded, both one line."""

    address: str
    name: str = ""


def valid(address: str) -> bool:
    """Whether it can be written to: something, one ``@``, a domain; at most 254 characters."""
    return len(address) <= 254 and _ADDRESS.fullmatch(address) is not None


def addresses(raw: str) -> list[Address]:
    """The mailboxes of an address header, in order, without repeats; never raises.

    What is no address is left out. Encoded words are put aside while the header is split and
    decoded afterwards, so that nothing inside one can become an address.
    """
    words: list[str] = []

    def hide(word: re.Match[str]) -> str:
        words.append(word[0])
        return f"\ue000{len(words) - 1}\ue001"

    flat = _ENCODED.sub(hide, " ".join(eight_bit(raw[:_MAX_RAW]).translate(_NO_MARKS).split()))
    found: dict[str, Address] = {}
    for name, address in _mailboxes(flat):
        if len(found) >= MAX_ADDRESSES:
            break
        shown = _HIDDEN.sub(lambda at: "".join(words[int(at[1]) :][:1]), name)
        found.setdefault(address, Address(address, _name(shown, address)))
    return list(found.values())


_NO_MARKS = {0xE000: None, 0xE001: None}
"""They mark where an encoded word was; a header that brings its own could point at another's."""


def sender_of(raw: str) -> Address | None:
    """The first mailbox of a From field.

    Some programs encode the whole field, address and all, against RFC 2047 section 5: where
    there is no address otherwise, it is looked for in the decoded words. Such a From is never
    ``unambiguous``, so nobody vouches for it.
    """
    first = next(iter(addresses(raw)), None)
    if first is None and "=?" in raw:
        first = next(iter(addresses(header_text(raw))), None)
    return first


def _name(shown: str, address: str) -> str:
    name = header_text(shown, 200)
    if len(name) > 1 and name[0] == name[-1] == "'":
        name = name[1:-1].strip()
    return "" if name.lower() == address else name


def _mailboxes(flat: str) -> list[tuple[str, str]]:
    """Names (still encoded) and addresses, by the pieces between commas."""
    out: list[tuple[str, str]] = []
    surname = ""
    for tokens in _pieces(flat):
        angles = [at for at, token in enumerate(tokens) if token[0] == "<" and _in_angles(token)]
        if angles:
            last = angles[-1]
            name = _plain([t for t in tokens[:last] if t[0] != "<"])
            comment = _plain([t[1:-1] for t in tokens[last + 1 :] if t[0] == "("])
            out.append((surname + (name or comment), _in_angles(tokens[last])))
            surname = ""
            continue
        comment = _plain([t[1:-1] for t in tokens if t[0] == "(" and len(t) > 1])
        bare = _plain([t for t in tokens if t[0] != "("])
        found = [word for word in map(_mailbox, bare.split()) if word]
        if found:
            before = " ".join(word for word in bare.split() if not _mailbox(word))
            out += [(comment or (before if len(found) == 1 else ""), address) for address in found]
            surname = ""
        else:
            # "Doe, Jane <jane@example.org>": a comma that should have been in quotation marks.
            surname = f"{bare}, " if bare and "@" not in bare else ""
    return out


def _pieces(flat: str) -> list[list[str]]:
    """The tokens of each mailbox; groups (RFC 5322 section 3.4) are opened."""
    pieces: list[list[str]] = [[]]
    grouped = ";" in flat
    for token in _TOKEN.findall(flat):
        if token in {",", ";"}:
            if len(pieces) >= _MAX_PIECES:
                break
            pieces.append([])
        elif grouped and ":" in token and token[0] not in '"(<':
            pieces[-1] = [rest] if (rest := token.rpartition(":")[2].strip()) else []
        elif token.strip():
            pieces[-1].append(token)
    return [piece for piece in pieces if piece]


def _plain(tokens: list[str]) -> str:
    """Tokens as a reader sees them: without the marks of quoting."""
    words: list[str] = []
    for token in tokens:
        whole = len(token) > 1 and token[0] == token[-1] == '"'
        words.append(_ESCAPED.sub(r"\1", token[1:-1] if whole else token))
    return " ".join("".join(words).replace('"', " ").split())


def _in_angles(token: str) -> str:
    """The address between angle brackets, without a route (RFC 5322 section 4.4)."""
    inner = token.strip("<> ").replace('"', "").replace(" ", "")
    return _mailbox(inner.rpartition(":")[2])


def _mailbox(word: str) -> str:
    """An address in the form in which we compare them, or nothing."""
    plain = one_line(word).lower().removeprefix("mailto:").strip("'<>").rstrip(".")
    return plain if valid(plain) else ""


def unambiguous(raw: str) -> bool:
    """Whether every reader must see the same single mailbox in it (CVE-2023-27043 and kin)."""
    bare = _QUOTED.sub("", raw)
    return bare.count("@") == 1 and not any(c in bare for c in "(),;:") and raw.isascii()


def message_ids(raw: str) -> list[str]:
    """The ids of ``Message-ID``, ``In-Reply-To`` or ``References``, with angle brackets."""
    # The end of a long list is the part that is near.
    raw = " ".join(raw[-_MAX_RAW:].split())
    ids = [one_line(found) for found in _ID.findall(raw)]
    if not ids and _LONE_ID.fullmatch(raw):
        ids = [f"<{one_line(raw)}>"]
    return list(dict.fromkeys(ids))
