"""Lines for whoever runs the tests: what was measured, shown when all is over.

Tests run in several processes, whose output nobody sees: a test that has something to say asks
for the fixture ``say``.
"""

from collections.abc import Callable, Iterator
from typing import Any

SAID = "said"
Say = Callable[[str], None]


def lines(reports: Any) -> Iterator[str]:
    """What the tests of these reports have said, each line once."""
    properties = (pair for report in reports for pair in getattr(report, "user_properties", ()))
    yield from dict.fromkeys(value for key, value in properties if key == SAID)
