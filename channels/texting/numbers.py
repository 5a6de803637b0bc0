"""Telephone numbers as providers write them, in E.164. Pure."""

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

_PREFIX = re.compile(r"^(?:whatsapp|sms|tel|rcs|messenger):", re.IGNORECASE)


def number_of(text: str) -> str:
    """E.164; empty for a name, a short code, or what is no number of any country."""
    bare = _PREFIX.sub("", text.strip())
    if bare.isdigit() and not bare.startswith("00") and len(bare) > 8:
        bare = f"+{bare}"
    if not bare.startswith("+"):
        return ""
    try:
        found = phonenumbers.parse(bare, None)
    except NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(found):
        return ""
    # As it was said: what the library writes leaves out digits that it takes for a prefix.
    return "+" + "".join(one for one in bare if one.isascii() and one.isdigit())


def bare(text: str) -> str:
    """Without the marks that providers put before an address."""
    return _PREFIX.sub("", text.strip())


def countries_of(number: str) -> tuple[str, ...]:
    """Where a number may be (ISO 3166-1): its own place, then the largest with its code.

    Guernsey's numbers are of the United Kingdom's plan, those of Canada of that of the United
    States. None: nobody knows.
    """
    try:
        found = phonenumbers.parse(number, None)
    except NumberParseException:
        return ()
    own = phonenumbers.region_code_for_number(found) or ""
    main = phonenumbers.region_code_for_country_code(found.country_code or 0)
    return tuple(dict.fromkeys(one for one in (own, main) if one and one not in ("ZZ", "001")))


def shown(number: str) -> str:
    """As people of other countries write it."""
    found = phonenumbers.parse(number, None)
    return phonenumbers.format_number(found, PhoneNumberFormat.INTERNATIONAL)
