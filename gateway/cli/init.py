"""``switchroom init``: a commented configuration from a few questions."""

import getpass
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from gateway.cli.settings import DEFAULT
from gateway.failures import Failed

Ask = Callable[[str, str], str]


class Answers(NamedTuple):
    """What was asked. An empty ``address`` means: no mailbox yet."""

    node: str = "node-1"
    listen: str = "127.0.0.1:8080"
    public_url: str = "http://localhost:8080"
    dsn: str = ""
    address: str = ""
    imap: str = ""
    smtp: str = ""
    user: str = ""
    origins: str = ""


def init(*, out: Path = DEFAULT, yes: bool = False, force: bool = False) -> None:
    """Ask a few questions and write a commented configuration.

    Beside it stand files that only you can read: an admin token, and the mailbox's password.

    Parameters
    ----------
    out
        Where to write it.
    yes
        Ask nothing; take the defaults.
    force
        Write over a file that is there.
    """
    if out.exists() and not force:
        raise Failed(f"{out} is there already: choose another with --out, or add --force")
    if not yes and not sys.stdin.isatty():
        raise Failed("nobody is here to ask: add --yes to take the defaults")
    answers = Answers() if yes else ask_all(_ask)
    password = "" if yes or not answers.address else getpass.getpass("mailbox password: ")
    token_file = out.with_name("bootstrap.token")
    _secret(token_file, secrets.token_urlsafe(32))
    if password:
        _secret(out.with_name("mailbox.password"), password)
    out.write_text(text_of(answers), encoding="utf-8")
    print(f"Wrote {out} and {token_file.name}. Next:")
    print(f"  switchroom check --config {out}")
    print(f"  switchroom run --config {out}")
    print(f"  switchroom user add NAME --role agent --config {out}")


def _ask(question: str, default: str) -> str:
    shown = f" [{default}]" if default else ""
    return input(f"{question}{shown}: ").strip() or default


def ask_all(ask: Ask) -> Answers:
    """The questions; what follows from an answer is offered as the next one's default."""
    default = Answers()
    listen = ask("address and port to listen on", default.listen)
    port = listen.rpartition(":")[2]
    address = ask("a mailbox that customers write to (empty: none yet)", "")
    host = address.rpartition("@")[2].strip("<> ")
    return Answers(
        node=ask("name of this node", default.node),
        listen=listen,
        public_url=ask("address that browsers use", f"http://localhost:{port}"),
        dsn=ask("PostgreSQL address (empty: one is started for you)", ""),
        address=address,
        imap=ask("its IMAP server", f"imap.{host}") if address else "",
        smtp=ask("its SMTP server", f"smtp.{host}") if address else "",
        user=ask("its user name", address.rpartition("<")[2].strip("<> ")) if address else "",
        origins=ask("a web site that may show the chat (empty: none yet)", ""),
    )


def _secret(path: Path, text: str) -> None:
    """Written so that nobody else can read it, from the first moment on."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text + "\n", encoding="utf-8")


def text_of(answers: Answers) -> str:
    """The configuration file."""
    parts = [_head(answers), _mailbox(answers), _chat(answers), _TASKS]
    return "\n".join(parts)


def _head(a: Answers) -> str:
    dsn = f"dsn = {_quoted(a.dsn)}" if a.dsn else _DSN
    return f"""\
# Switchroom's configuration. Any key may be overridden by an environment variable, such as
# SWITCHROOM__HTTP__LISTEN; a secret is a string, {{ env = "NAME" }} or {{ file = "PATH" }}.
# `switchroom check` tries everything that stands here.

[node]
name = {_quoted(a.node)}         # unique in the cluster
region = "local"
data_dir = "var"          # the embedded PostgreSQL and nothing else lives here

[store]
{dsn}

[http]
listen = {_quoted(a.listen)}     # pages, REST, websockets, health, metrics: one port
public_url = {_quoted(a.public_url)}
# tls = {{ certificate = "cert.pem", key = "key.pem" }}

[auth]
bootstrap_token = {{ file = "bootstrap.token" }}   # an admin API token, for automation
"""


_DSN = '# dsn = "postgresql://HOST/switchroom"   # left out: a PostgreSQL is started in data_dir'
_TASKS = """\
# Back-office work, filed by other systems: POST /api/v1/tasks
[[channel]]
kind = "task"
name = "backoffice"
queue = "general"
"""


def _mailbox(a: Answers) -> str:
    lines = f"""\
[[channel]]
kind = "email"
name = "support"
queue = "general"
address = {_quoted(a.address or "Support <support@example.com>")}

[channel.imap]
host = {_quoted(a.imap or "imap.example.com")}
port = 993
security = "tls"          # tls, starttls or none
user = {_quoted(a.user or "support@example.com")}
password = {{ file = "mailbox.password" }}

[channel.smtp]
host = {_quoted(a.smtp or "smtp.example.com")}
port = 587
security = "starttls"
user = {_quoted(a.user or "support@example.com")}
password = {{ file = "mailbox.password" }}
"""
    if a.address:
        return f"# A mailbox, read by IMAP and answered by SMTP.\n{lines}"
    commented = "\n".join(f"# {line}".rstrip() for line in lines.splitlines())
    return f"# A mailbox, read by IMAP and answered by SMTP:\n{commented}\n"


def _chat(a: Answers) -> str:
    origins = f"[{_quoted(a.origins)}]" if a.origins else "[]"
    return f"""\
# The chat window; a page shows it with one script tag: <script src="{a.public_url}/widget.js">
[[channel]]
kind = "webchat"
name = "site"
queue = "general"
origins = {origins}              # web sites that may show it: "https://shop.example.com"
"""


def _quoted(text: str) -> str:
    """A TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
