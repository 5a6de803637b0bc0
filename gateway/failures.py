"""Failures as one line that says what to do, and the exit code that goes with it."""

import errno
import sys
from collections.abc import Callable
from typing import Any

from gateway.config import ConfigError
from gateway.core.errors import GatewayError


class Failed(GatewayError):
    """A command could not do what it was asked; the text says what to do.

    ``code`` is the exit code: 1 it failed, 2 it was called wrongly.
    """

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def explained(command: Callable[[], Any]) -> int:
    """Run a command; 0, or 1 or 2 with the reason on stderr. A bug keeps its traceback."""
    try:
        command()
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException as error:
        words = _words(error)
        if words is None:
            raise
        sys.stderr.write(f"switchroom: {words}\n")
        return error.code if isinstance(error, Failed) else 1
    return 0


def _words(error: BaseException) -> str | None:  # noqa: PLR0911 - one line for each trouble
    """What to tell; ``None`` for what nobody foresaw."""
    match error:
        case BaseExceptionGroup():
            found = [_words(e) for e in error.exceptions]
            return "; ".join(w for w in found if w) if all(found) else None
        case ConfigError():
            return "the configuration is not valid:\n  " + "\n  ".join(error.problems)
        case GatewayError():
            return str(error) or type(error).__name__
        case OSError(errno=errno.EADDRINUSE):
            return "the port is taken: stop what uses it, or choose another (http.listen, --port)"
        case OSError(errno=errno.EACCES | errno.EPERM):
            return f"not allowed: {error}"
        case OSError():
            return str(error)
        case _:
            return None
