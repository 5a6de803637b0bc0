"""Times as they are written to somebody: in their language, in a zone that is named."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import (
    format_date,
    format_time,
    get_datetime_format,
    get_timezone_gmt,
    get_timezone_name,
)


def spelled(at: datetime, zone: str, language: str) -> str:
    """The weekday, the date, the time and the zone, as is usual there.

    A zone that is not known is UTC, a language that is not known English.
    """
    locale = _locale(language)
    try:
        there = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        there = ZoneInfo("UTC")
    local = at.astimezone(there)
    day, time = format_date(local, "full", locale), format_time(local, "short", there, locale)
    order = str(get_datetime_format("medium", locale=locale)).replace("'", "")
    name = get_timezone_name(local, width="short", locale=locale)
    if not name[:1].isalpha():
        name = get_timezone_gmt(local, "long", locale)
    return f"{order.replace('{1}', day).replace('{0}', time)} ({name})".replace("\u202f", " ")


def _locale(language: str) -> Locale:
    wanted = language.replace("_", "-")
    while wanted:
        try:
            return Locale.parse(wanted, sep="-")
        except (UnknownLocaleError, ValueError, TypeError):
            wanted = wanted.rpartition("-")[0]
    return Locale("en")
