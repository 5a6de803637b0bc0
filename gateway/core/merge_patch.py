"""Differences between two JSON documents, as JSON Merge Patch (RFC 7396) has them. Pure.

An object is changed field by field, anything else as a whole; ``None`` takes a field away, so no
document may hold one.
"""

from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Document:
    """What turns ``before`` into ``after``; nothing in it: they are the same."""
    patch: Document = {}
    for name, new in after.items():
        if name not in before:
            patch[name] = new
            continue
        old = before[name]
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            patch[name] = difference(old, new)
        else:
            patch[name] = new
    patch.update((name, None) for name in before if name not in after)
    return patch


def patched(document: Mapping[str, Any], patch: Mapping[str, Any]) -> Document:
    """The document with the changes."""
    out = dict(document)
    for name, change in patch.items():
        if change is None:
            out.pop(name, None)
        elif isinstance(change, Mapping):
            known = out.get(name)
            out[name] = patched(known if isinstance(known, Mapping) else {}, change)
        else:
            out[name] = change
    return out
