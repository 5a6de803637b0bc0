"""The settings: one frozen tree, read once, every problem listed at once.

A TOML file, then ``SWITCHROOM__SECTION__KEY`` from the environment over it. A secret is a string,
``{ env = "NAME" }`` or ``{ file = "PATH" }``. Unknown keys and bad values are refused with the
key's full name, what was found and what is allowed.
"""

import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field
from msgspec.structs import asdict

from gateway.core.budget import Budget
from gateway.core.errors import GatewayError
from gateway.core.ids import NodeName

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Seconds = Annotated[float, Meta(ge=0)]
Url = Annotated[str, Meta(pattern=r"^https?://[^/]+/?$")]
ENV_PREFIX = "SWITCHROOM__"
MAX_PORT = 65_535
SECRETS = frozenset({"password", "secret", "client_secret", "bootstrap_token", "dsn", "token"})


class ConfigError(GatewayError):
    """Everything that is wrong with the configuration, a line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class NodeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """This process: ``name`` is unique in the cluster; ``data_dir`` holds the embedded database."""

    name: Name = "node-1"
    region: Name = "local"
    data_dir: str = "var"
    drain_seconds: Seconds = 20.0
    peers: tuple[str, ...] = ()


class StoreSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``dsn`` of a PostgreSQL; left out, one is started in ``node.data_dir``."""

    dsn: str = ""


class TlsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PEM files for the listener."""

    certificate: str
    key: str


class HttpSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The one port, and how the world reaches it.

    ``public_url`` is this very node's; ``origins`` are further addresses at which people open the
    pages, such as a proxy's in front of all nodes. ``customer_url`` begins the links that customers
    are sent: the address of a proxy, for they outlive any node; left out, it is ``public_url``.
    """

    listen: Annotated[str, Meta(pattern=r"^.+:\d{1,5}$")] = "127.0.0.1:8080"
    public_url: str = ""
    origins: tuple[Url, ...] = ()
    customer_url: Url | None = None
    tls: TlsSettings | None = None

    def __post_init__(self) -> None:
        if self.port > MAX_PORT:
            raise ValueError(f"listen: {self.port} is no port; the highest is {MAX_PORT}")

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])


class AuthSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``bootstrap_token`` is an admin API token, for automation and tests."""

    bootstrap_token: str = ""
    token_hours: Annotated[float, Meta(gt=0, le=24 * 365)] = 12.0


class PushSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``heartbeat`` is the seconds between two signs of life of a desktop's connection."""

    heartbeat: Annotated[float, Meta(ge=0.5, le=60)] = 10.0


class RetentionSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many days after its end a case keeps what was said in it; left out: for ever.

    A queue's own ``retention_days`` goes first. ``colleague_days``: for how many days it is kept
    what colleagues say to each other; about a case, no longer than its content.
    """

    content_days: Annotated[int, Meta(ge=1, le=36_500)] | None = None
    colleague_days: Annotated[int, Meta(ge=1, le=36_500)] | None = 365


class AutomaticSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many mails our machines may send to one address, and from one mailbox. 0: none.

    In any hour and in any day, over all nodes. What agents write does not count.
    """

    sender_hour: Annotated[int, Meta(ge=0, le=1_000)] = 3
    sender_day: Annotated[int, Meta(ge=0, le=10_000)] = 8
    mailbox_hour: Annotated[int, Meta(ge=0, le=1_000_000)] = 500
    mailbox_day: Annotated[int, Meta(ge=0, le=10_000_000)] = 5_000


class FileSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``clamd``: the ClamAV daemon that looks at every upload; left out: nobody does.

    As ``HOST:PORT`` or ``unix:PATH``. ``clamd_seconds``: so long it may take for one; then the
    upload is refused for now.
    """

    clamd: Annotated[str, Meta(pattern=r"^(.+:\d{1,5}|unix:/.+)?$")] = ""
    clamd_seconds: Annotated[float, Meta(gt=0, le=600)] = 60.0


class LogSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``auto`` writes for people on a terminal and JSON lines otherwise."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "human", "json"] = "auto"


class Settings(Struct, frozen=True, kw_only=True):
    """All settings of one process."""

    node: NodeSettings = field(default_factory=NodeSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    push: PushSettings = field(default_factory=PushSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    automatic: AutomaticSettings = field(default_factory=AutomaticSettings)
    files: FileSettings = field(default_factory=FileSettings)
    log: LogSettings = field(default_factory=LogSettings)
    channels: tuple[Any, ...] = ()
    file: str = ""

    @property
    def budget(self) -> Budget:
        """How many automatic mails there may be."""
        return Budget(**asdict(self.automatic))

    @property
    def node_name(self) -> NodeName:
        return NodeName(self.node.name)

    @property
    def public_url(self) -> str:
        scheme = "https" if self.http.tls else "http"
        host = self.http.listen.replace("0.0.0.0", "localhost")  # noqa: S104 - read, not bound
        return (self.http.public_url or f"{scheme}://{host}").rstrip("/")

    @property
    def customer_url(self) -> str:
        """What the links begin with that customers are sent."""
        return (self.http.customer_url or self.public_url).rstrip("/")


SECTIONS: Mapping[str, type[Struct]] = {
    "node": NodeSettings,
    "store": StoreSettings,
    "http": HttpSettings,
    "auth": AuthSettings,
    "push": PushSettings,
    "retention": RetentionSettings,
    "automatic": AutomaticSettings,
    "files": FileSettings,
    "log": LogSettings,
}


def load(path: Path | None, environ: Mapping[str, str], kinds: Mapping[str, type[Any]]) -> Settings:
    """Read the file (if any) and the environment. Raises ``ConfigError`` with all problems."""
    problems: list[str] = []
    tree = _read(path, problems)
    _overlay(tree, environ, problems)
    tree = _resolve_secrets(tree, "", environ, path, problems)
    parts: dict[str, Any] = {}
    for name, kind in SECTIONS.items():
        parts[name] = _convert(tree.pop(name, {}), kind, name, problems)
    parts["channels"] = _channels(tree.pop("channel", []), kinds, problems)
    problems += [
        f"{key}: unknown section; there are {', '.join(SECTIONS)} and [[channel]]" for key in tree
    ]
    if problems:
        raise ConfigError(problems)
    return Settings(**parts, file=str(path) if path else "")


def channel_settings(
    raw: Mapping[str, Any], kinds: Mapping[str, type[Any]], where: str = "channel"
) -> Any:
    """One channel's settings from plain data. Raises ``ConfigError``."""
    problems: list[str] = []
    found = _channel(dict(raw), kinds, where, problems)
    if problems:
        raise ConfigError(problems)
    return found


def _read(path: Path | None, problems: list[str]) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.append(f"{path}: there is no such file; `switchroom init` writes one")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{path}: {error}")
    return {}


def _overlay(tree: dict[str, Any], environ: Mapping[str, str], problems: list[str]) -> None:
    for name in sorted(environ):
        if not name.startswith(ENV_PREFIX):
            continue
        *sections, key = name[len(ENV_PREFIX) :].lower().split("__")
        at: Any = tree
        for section in sections:
            at = at.setdefault(section, {})
            if not isinstance(at, dict):
                problems.append(f"{name}: {section!r} is no table whose keys could be set")
                break
        else:
            at[key] = environ[name]


def _resolve_secrets(
    value: Any, where: str, environ: Mapping[str, str], path: Path | None, problems: list[str]
) -> Any:
    """Replace ``{ env = … }`` and ``{ file = … }`` by what they name."""
    if isinstance(value, list):
        return [
            _resolve_secrets(v, f"{where}[{n}]", environ, path, problems)
            for n, v in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    if set(value) == {"env"} and isinstance(value["env"], str):
        if value["env"] not in environ:
            problems.append(f"{where}: the environment has no variable {value['env']}")
        return environ.get(value["env"], "")
    if set(value) == {"file"} and isinstance(value["file"], str):
        return _secret_file(value["file"], where, path, problems)
    return {
        k: _resolve_secrets(v, f"{where}.{k}".lstrip("."), environ, path, problems)
        for k, v in value.items()
    }


def _secret_file(name: str, where: str, path: Path | None, problems: list[str]) -> str:
    """A secret's file, relative to the configuration's own folder."""
    try:
        return ((path.parent if path else Path()) / name).read_text(encoding="utf-8").strip()
    except OSError as error:
        problems.append(f"{where}: cannot read {name}: {error.strerror}")
        return ""


def _channels(raw: Any, kinds: Mapping[str, type[Any]], problems: list[str]) -> tuple[Any, ...]:
    if not isinstance(raw, list):
        problems.append("channel: write [[channel]] with double brackets, once for each channel")
        return ()
    found, names = [], set()
    for n, one in enumerate(raw):
        where = f"channel[{n}]"
        if not isinstance(one, dict):
            problems.append(f"{where}: found {one!r}; expected a table")
            continue
        settings = _channel(dict(one), kinds, where, problems)
        if settings is not None:
            if settings.name in names:
                problems.append(f"{where}.name: {settings.name!r} is used twice")
            names.add(settings.name)
            found.append(settings)
    return tuple(found)


def _channel(
    raw: dict[str, Any], kinds: Mapping[str, type[Any]], where: str, problems: list[str]
) -> Any:
    kind = raw.pop("kind", None)
    if not isinstance(kind, str) or kind not in kinds:
        problems.append(f"{where}.kind: found {kind!r}; allowed: {', '.join(sorted(kinds))}")
        return None
    return _convert(raw, kinds[kind], where, problems)


def _convert(raw: Any, kind: type[Any], where: str, problems: list[str]) -> Any:
    """``raw`` as ``kind``, or ``None`` with a line for every field that is wrong."""
    if not isinstance(raw, dict):
        problems.append(f"{where}: found {raw!r}; expected a table")
        return None
    before = len(problems)
    known = {f.encode_name: f for f in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    for key in raw.keys() - known.keys():
        allowed = ", ".join(sorted(known))
        problems.append(f"{where}.{key}: unknown key; allowed: {allowed}")
    for key, spec in known.items():
        if key in raw:
            values[spec.name] = _value(raw[key], spec.type, f"{where}.{key}", problems)
        elif spec.required:
            problems.append(f"{where}.{key}: missing")
    if len(problems) > before:
        return None
    try:
        return kind(**values)
    except ValueError as error:
        # Names the key itself: the fields fit one by one, but not their meaning or each other.
        problems.append(f"{where}.{error}")
        return None


def _value(raw: Any, kind: Any, where: str, problems: list[str]) -> Any:
    nested = _struct_in(kind)
    if nested is not None and isinstance(raw, dict):
        return _convert(raw, nested, where, problems)
    try:
        # The environment has only strings: numbers and truth values are read from them.
        return msgspec.convert(raw, kind, strict=not isinstance(raw, str))
    except msgspec.ValidationError as error:
        shown = "…" if where.rsplit(".", 1)[-1] in SECRETS else repr(raw)
        problems.append(f"{where}: found {shown}; {str(error)[0].lower()}{str(error)[1:]}")
        return None


def _struct_in(kind: Any) -> type[Struct] | None:
    """The struct type in ``Kind`` or ``Kind | None``."""
    options = (
        typing.get_args(kind)
        if typing.get_origin(kind) in (typing.Union, types.UnionType)
        else (kind,)
    )
    for option in options:
        if isinstance(option, type) and issubclass(option, Struct):
            return option
    return None
