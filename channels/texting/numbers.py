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
    return phonenumbers.format_number(found, PhoneNumberFormat.E164)


def bare(text: str) -> str:
    """Without the marks that providers put before an address."""
    return _PREFIX.sub("", text.strip())


def country_of(number: str) -> str:
    """Where a number is (ISO 3166-1); empty: nowhere, or nobody knows."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number, None)) or ""
    except NumberParseException:
        return ""
