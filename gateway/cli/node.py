"""Talking to a running node by its REST, from the command line."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from gateway.cli.settings import load_settings
from gateway.failures import Failed

if TYPE_CHECKING:
    from gateway.config import Settings

TIMEOUT_SECONDS = 30.0
DEFAULT_URL = "http://127.0.0.1:8080"


class NotRunning(Failed):
    """Nobody answers at the node's address."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Where:
    """Which node, and with what right.

    Parameters
    ----------
    url
        The node's address; without it SWITCHROOM_URL, else the configuration's.
    token
        An API token; without it SWITCHROOM_TOKEN, else the configuration's bootstrap_token, else
        one made for this command, if the database can be reached from here.
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    """

    url: Annotated[str | None, Parameter(env_var="SWITCHROOM_URL")] = None
    token: Annotated[str | None, Parameter(env_var="SWITCHROOM_TOKEN")] = None
    config: Path | None = None


@dataclass(frozen=True)
class Node:
    """One node's REST. ``call`` raises ``Failed`` in words that say what to do."""

    url: str
    token: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer. Raises ``NotRunning``, ``Failed``."""
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked in ``connect``
            f"{self.url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "User-Agent": "switchroom-cli",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                raise Failed(self._told(error)) from error
        except (OSError, TimeoutError) as error:
            reason = getattr(error, "reason", error)
            raise NotRunning(
                f"no node answers at {self.url} ({reason}): start one with `switchroom run`, "
                "or name another with --url"
            ) from error
        except ValueError as error:
            raise Failed(f"{self.url} is no Switchroom node: it answered no JSON") from error

    def pages(self, path: str) -> list[Any]:
        """All items of a list."""
        items: list[Any] = []
        cursor = ""
        while True:
            joint = "&" if "?" in path else "?"
            query = urllib.parse.urlencode({"limit": 200, "cursor": cursor})
            answer = self.call("GET", f"{path}{joint}{query}")
            items += answer["items"]
            cursor = answer["next"] or ""
            if not cursor:
                return items

    def _told(self, error: urllib.error.HTTPError) -> str:
        try:
            problem = json.loads(error.read())
            detail = problem["detail"]
            fields = [f["field"] for f in problem.get("errors", ()) if f.get("field")]
        except (ValueError, KeyError, TypeError):
            return f"{self.url} answered {error.code}"
        if error.code == 401:
            return f"the token is not valid at {self.url}: give another with --token"
        return f"{', '.join(fields)}: {detail}" if fields else str(detail)


def connect(where: Where) -> Node:
    """The node that was meant. Raises ``Failed``."""
    from gateway.cli.access import minted_token

    known = where.url is not None and where.token is not None
    settings = None if known else load_settings(where.config, needed=False)
    url = (where.url or _url_of(settings)).rstrip("/")
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise Failed(f"{url!r} is no http or https address", 2)
    if where.token:
        return Node(url, where.token)
    if settings is None:
        raise Failed("no token: give --token, or --config with auth.bootstrap_token", 2)
    return Node(url, settings.auth.bootstrap_token or minted_token(settings))


def _url_of(settings: "Settings | None") -> str:
    """Where the node listens on this machine: a public address may not lead back here."""
    if settings is None:
        return os.environ.get("SWITCHROOM_URL", DEFAULT_URL)
    host = settings.http.host
    if settings.http.tls is not None or host not in ("127.0.0.1", "localhost", "0.0.0.0", "::"):  # noqa: S104
        return settings.public_url
    return f"http://127.0.0.1:{settings.http.port}"


def quoted(name: str) -> str:
    """A name as one part of a path."""
    return urllib.parse.quote(name, safe="")
