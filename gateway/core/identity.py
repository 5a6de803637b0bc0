"""Addresses and numbers of people, in the form in which they are compared. Pure."""


def plain(identity: str) -> str:
    """An address or number for comparison: without a name before it, in one case."""
    text = identity.strip()
    if text.endswith(">") and "<" in text:
        text = text[text.rindex("<") + 1 : -1]
    return text.strip().casefold()
