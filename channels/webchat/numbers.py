"""Telephone numbers as visitors type them (E.164, by the plans of every country)."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat


class BadNumber(Exception):
    """It cannot be called; the text says why, and how it is written."""


def called(number: str, country: str) -> str:
    """The number in its international form. Raises ``BadNumber``.

    ``country`` (ISO 3166-1) is where one is that names none.
    """
    try:
        found = phonenumbers.parse(number, country or None)
    except NumberParseException as problem:
        if problem.error_type == NumberParseException.INVALID_COUNTRY_CODE and not country:
            raise BadNumber(f"write it with the country, like {example(country)}") from None
        raise BadNumber(f"this is no telephone number; write it like {example(country)}") from None
    if not phonenumbers.is_valid_number(found):
        where = phonenumbers.region_code_for_country_code(found.country_code or 0)
        raise BadNumber(f"there is no such number; write it like {example(where or country)}")
    return phonenumbers.format_number(found, PhoneNumberFormat.INTERNATIONAL)


def example(country: str) -> str:
    """A number of that country as it is written; any country's where that one has none."""
    found = phonenumbers.example_number(country) if country else None
    if found is None:
        return "+44 121 234 5678"
    return phonenumbers.format_number(found, PhoneNumberFormat.INTERNATIONAL)


def country_of(declared: str, locale: str) -> str:
    """Where a visitor's numbers are: as the channel has it, else as the browser's locale says."""
    if declared:
        return declared
    parts = locale.replace("_", "-").split("-")[1:]
    region = next((part.upper() for part in parts if len(part) == 2), "")
    return region if region in phonenumbers.SUPPORTED_REGIONS else ""
