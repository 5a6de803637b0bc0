"""One HTTP request to another system, and what is known of its effect when it fails.

Names are resolved to checked addresses only (``channels.guard``); redirects are not followed.
"""

from collections.abc import Mapping

import aiohttp
from msgspec import Struct

from channels.guard import GuardedResolver, Refusal, problem_of_url
from gateway.core.errors import OutcomeUnknown, TryAgain, Undeliverable

TIMEOUT_SECONDS = 10.0
CONNECT_SECONDS = 5.0
MAX_ANSWER = 262_144
"""Bytes of an answer that are read where nobody asks for more."""


class Asked(Struct, frozen=True, kw_only=True):
    """A request. ``private``: loopback and private addresses may be called.

    Of the answer at most ``max_answer`` bytes are read; 0: its status is enough. It has
    ``seconds``, or ``TIMEOUT_SECONDS``.
    """

    url: str
    method: str = "POST"
    body: bytes | None = None
    headers: Mapping[str, str] = {}
    private: bool = False
    seconds: float | None = None
    max_answer: int = MAX_ANSWER


class Reply(Struct, frozen=True, kw_only=True):
    """What the other side answered; names of headers in lower case. ``whole``: all was read."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    whole: bool = True


async def exchange(asked: Asked) -> Reply:
    """One attempt. Raises ``SendError`` by what is known of its effect."""
    problem = problem_of_url(asked.url, private=asked.private)
    if problem is not None:
        raise Undeliverable(f"the URL {problem}")
    try:
        return await _exchanged(asked)
    except aiohttp.ConnectionTimeoutError as error:
        raise TryAgain(f"no connection within {CONNECT_SECONDS:.0f} s") from error
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, Refusal):
            raise Undeliverable(str(error.os_error)) from error
        raise TryAgain(f"no connection: {error.os_error}") from error
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, UnicodeError) as error:
        # UnicodeError: a name that no resolver can be asked for
        raise Undeliverable(f"not a URL: {asked.url}") from error
    except TimeoutError as error:
        raise OutcomeUnknown(
            f"no answer within {asked.seconds or TIMEOUT_SECONDS:.0f} s"
        ) from error
    except aiohttp.ClientError as error:
        raise OutcomeUnknown(f"{type(error).__name__}: {error}") from error


async def _exchanged(asked: Asked) -> Reply:
    connector = aiohttp.TCPConnector(
        resolver=GuardedResolver(private=asked.private), use_dns_cache=False, force_close=True
    )
    seconds = asked.seconds or TIMEOUT_SECONDS
    timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        session.request(
            asked.method,
            asked.url,
            data=asked.body,
            headers=asked.headers,
            allow_redirects=False,
        ) as answer,
    ):
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if not asked.max_answer:
            return Reply(status=answer.status, headers=headers)
        body = bytearray()
        async for part in answer.content.iter_any():
            body += part
            if len(body) > asked.max_answer:
                return Reply(status=answer.status, headers=headers, whole=False)
        return Reply(status=answer.status, headers=headers, body=bytes(body))
