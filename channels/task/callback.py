"""One call back to whoever filed a task: what it says, and what its outcome means."""

from collections.abc import Mapping

import aiohttp
import msgspec
from msgspec import Struct

from channels.task.guard import GuardedResolver, Refusal, problem_of_url
from gateway.core.errors import OutcomeUnknown, TryAgain, Undeliverable
from gateway.core.model import Attributes
from gateway.ports import Outbound

TIMEOUT_SECONDS = 10.0
CONNECT_SECONDS = 5.0
_LATER = frozenset({408, 425, 429})
_encoder = msgspec.json.Encoder()


class _Said(Struct, frozen=True, kw_only=True):
    """A message from our side, as the filer's system gets it."""

    event: str
    item: str | None
    number: int | None
    message: str
    at: str
    author: str
    body: str
    attachments: list[Attributes]


def body_of(out: Outbound) -> bytes:
    """The same bytes at every attempt, so that a repeat can be recognised."""
    if out.message is None:
        return _encoder.encode(out.payload)
    message = out.message
    return _encoder.encode(
        _Said(
            event="item.message",
            item=out.item,
            number=out.number,
            message=message.id,
            at=message.at.isoformat(),
            author=message.author.name,
            body=message.body,
            attachments=[
                {"id": a.id, "name": a.name, "type": a.type, "size": a.size}
                for a in message.attachments
            ],
        )
    )


async def post(url: str, body: bytes, headers: Mapping[str, str], *, private: bool) -> None:
    """One attempt, no redirects. Raises ``SendError`` by what is known of its effect."""
    problem = problem_of_url(url, private=private)
    if problem is not None:
        raise Undeliverable(f"the callback URL {problem}")
    connector = aiohttp.TCPConnector(
        resolver=GuardedResolver(private=private), use_dns_cache=False, force_close=True
    )
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS, sock_connect=CONNECT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            judge(answer.status)
    except aiohttp.ConnectionTimeoutError as error:
        raise TryAgain(f"no connection within {CONNECT_SECONDS:.0f} s") from error
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, Refusal):
            raise Undeliverable(str(error.os_error)) from error
        raise TryAgain(f"no connection: {error.os_error}") from error
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise Undeliverable(f"not a URL: {url}") from error
    except TimeoutError as error:
        raise OutcomeUnknown(f"no answer within {TIMEOUT_SECONDS:.0f} s") from error
    except aiohttp.ClientError as error:
        raise OutcomeUnknown(f"{type(error).__name__}: {error}") from error


def judge(status: int) -> None:
    """What an answer's status means for us."""
    if status < 300:
        return
    if status >= 500 or status in _LATER:
        raise TryAgain(f"the callback answered {status}")
    if status < 400:
        raise Undeliverable(f"the callback answered {status}; redirects are not followed")
    raise Undeliverable(f"the callback refused with {status}")
