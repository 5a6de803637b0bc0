"""One thing that is wrong with a rule, or a macro."""

from typing import Literal

from msgspec import Struct


class Problem(Struct, frozen=True, kw_only=True):
    """What is wrong with which field of which rule, and what to do."""

    rule: str
    field: str
    detail: str
    grade: Literal["error", "warning"] = "error"
