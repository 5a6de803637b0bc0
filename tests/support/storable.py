"""Whether what a channel made of something from outside can be stored and sent on."""

import msgspec

from gateway.ports import Inbound

_ENDS = frozenset("\r\n\x00\x0b\x0c\x85\u2028\u2029")


def assert_storable(inbound: Inbound) -> None:
    """It has a form in JSON, no NUL, and no line break in a value that is one line."""
    encoded = msgspec.json.encode(msgspec.structs.replace(inbound, raw=None, files=()))
    # A backslash that the mail itself has is doubled.
    assert b"\\u0000" not in encoded.replace(b"\\\\", b"")
    assert msgspec.json.decode(encoded, type=Inbound).subject == inbound.subject
    lines = [inbound.subject, inbound.address, inbound.external_id, inbound.problem]
    lines += [*inbound.to, *inbound.copies, *inbound.references]
    lines += [file.name for file in inbound.files]
    lines += [inbound.identity.value, inbound.identity.name] if inbound.identity else []
    for line in lines:
        assert not _ENDS & set(line), line
