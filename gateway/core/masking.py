"""Settings without their secrets, and changed settings with those that were not said again. Pure.

What was set once is never shown: a secret that is left out of a change stays as it was, as long as
it goes where it went before.
"""

from collections.abc import Collection, Mapping
from typing import Any

from gateway.core.errors import Refused

_PLACES = ("host", "token_url", "api_base")
"""What says where a secret goes."""


def shown(
    settings: Mapping[str, Any], secrets: Collection[str]
) -> tuple[dict[str, Any], list[str]]:
    """What may be shown, and the paths (``imap.password``) of the secrets that are set."""
    out: dict[str, Any] = {}
    paths: list[str] = []
    for name, value in settings.items():
        if name in secrets:
            paths += [name] if value else []
        elif isinstance(value, Mapping):
            out[name], within = shown(value, secrets)
            paths += [f"{name}.{one}" for one in within]
        else:
            out[name] = value
    return out, paths


def kept(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    secrets: Collection[str],
    where: str = "",
    moved: str = "",
) -> dict[str, Any]:
    """``new`` with the secrets of ``old`` that it does not name; an empty one takes it away.

    Raises ``Refused`` where one would go to another server than before, or what is got with it:
    ``moved`` is the place around it that is another one now.
    """
    out = dict(new)
    place = next((one for one in _PLACES if old.get(one) != new.get(one)), None)
    moved = f"{where}{place}" if place is not None else moved
    for name, value in old.items():
        path = f"{where}{name}"
        if name in secrets and value and name not in new:
            if moved:
                detail = f"{moved} is another one now: say the secret again"
                raise Refused("bad_field", detail, path)
            out[name] = value
        elif isinstance(value, Mapping) and isinstance(new.get(name), Mapping):
            out[name] = kept(value, new[name], secrets, f"{path}.", moved)
    return out
