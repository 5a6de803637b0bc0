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
    """What was asked. An empty ``address`` means: no mailbox yet.

    With ``client_id`` one signs in there through ``provider`` (XOAUTH2) instead of by a password.
    """

    node: str = "node-1"
    listen: str = "127.0.0.1:8080"
    public_url: str = "http://localhost:8080"
    dsn: str = ""
    address: str = ""
    imap: str = ""
    smtp: str = ""
    user: str = ""
    provider: str = ""
    client_id: str = ""
    with_secret: bool = False
    origins: str = ""


def init(*, out: Path = DEFAULT, yes: bool = False, force: bool = False) -> None:
    """Ask a few questions and write a commented configuration.

    Beside it stand files that only you can read: an admin token, and the mailbox's password or,
    where the provider wants a sign-in in the browser (Google, Microsoft), its refresh token.

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
    secret_files = {} if yes or not answers.address else _mailbox_secrets(answers)
    token_file = out.with_name("bootstrap.token")
    _secret(token_file, secrets.token_urlsafe(32))
    for name, text in secret_files.items():
        _secret(out.with_name(name), text)
    answers = answers._replace(with_secret="mailbox.secret" in secret_files)
    out.write_text(text_of(answers), encoding="utf-8")
    print(f"Wrote {out} and {token_file.name}. Next:")
    send = " --send" if answers.address else ""
    print(f"  switchroom check{send} --config {out}")
    print(f"  switchroom run --config {out}")
    print(f"  switchroom user add NAME --role agent --config {out}")


def _ask(question: str, default: str) -> str:
    shown = f" [{default}]" if default else ""
    return input(f"{question}{shown}: ").strip() or default


def _mailbox_secrets(answers: Answers) -> dict[str, str]:
    """What is written beside the configuration, by the name of the file."""
    if not answers.client_id:
        return {"mailbox.password": getpass.getpass("mailbox password: ")}
    print("The client secret of the registration; leave it empty where there is none.")
    secret = getpass.getpass("client secret: ")
    print(f"Now let Switchroom into the mailbox; sign in there as {answers.user}.")
    token = consented(answers, secret, print)
    return {"mailbox.token": token} | ({"mailbox.secret": secret} if secret else {})


def consented(answers: Answers, secret: str, show: Callable[[str], None]) -> str:
    """The refresh token, by a code or a page of the provider. Raises ``Failed``."""
    import asyncio

    from channels.email.consent import Client, by_browser, by_code
    from channels.email.providers import PROVIDERS
    from gateway.core.errors import ChannelError

    grant = PROVIDERS[answers.provider].grant
    if grant is None:
        raise Failed(f"{answers.provider} wants a password, not a sign-in in the browser")
    client = Client(grant, answers.client_id, secret)
    way = by_code if grant.device_url else by_browser
    try:
        return asyncio.run(way(client, show))
    except ChannelError as fault:
        raise Failed(f"{fault}; nothing was written") from fault


def _of_provider(ask: Ask, host: str) -> tuple[str, str]:
    """Whose servers they are, and the client id if one signs in there in the browser."""
    from channels.email.providers import PROVIDERS, of_domain

    known = of_domain(host)
    names = ", ".join(PROVIDERS)
    name = ask(f"its provider ({names}; empty: another)", known.name if known else "")
    provider = PROVIDERS.get(name.lower())
    if provider is None:
        return "", ""
    if provider.grant is None:
        return provider.name, ""
    why = f"{provider.label} lets programs in by OAuth 2.0: {provider.grant.help}"
    hint = f", {provider.hint}" if provider.hint else ""
    return provider.name, ask(f"{why}. Its client id (empty: a password{hint})", "")


def ask_all(ask: Ask) -> Answers:
    """The questions; what follows from an answer is offered as the next one's default."""
    default = Answers()
    listen = ask("address and port to listen on", default.listen)
    port = listen.rpartition(":")[2]
    address = ask("a mailbox that customers write to (empty: none yet)", "")
    host = address.rpartition("@")[2].strip("<> ")
    provider, client_id = _of_provider(ask, host) if address else ("", "")
    imap, smtp = _servers(provider, host)
    return Answers(
        node=ask("name of this node", default.node),
        listen=listen,
        public_url=ask("address that browsers use", f"http://localhost:{port}"),
        dsn=ask("PostgreSQL address (empty: one is started for you)", ""),
        address=address,
        imap=ask("its IMAP server", imap) if address else "",
        smtp=ask("its SMTP server", smtp) if address else "",
        user=ask("its user name", address.rpartition("<")[2].strip("<> ")) if address else "",
        provider=provider,
        client_id=client_id,
        origins=ask("a web site that may show the chat (empty: none yet)", ""),
    )


def _servers(provider: str, host: str) -> tuple[str, str]:
    """The IMAP and SMTP servers to be offered."""
    from channels.email.providers import PROVIDERS

    known = PROVIDERS.get(provider)
    return (known.imap, known.smtp) if known else (f"imap.{host}", f"smtp.{host}")


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


def _sign_in(a: Answers) -> str:
    """How one signs in at both servers."""
    if not a.client_id:
        return 'password = { file = "mailbox.password" }'
    from channels.email.providers import PROVIDERS

    grant = PROVIDERS[a.provider].grant
    if grant is None:
        raise Failed(f"{a.provider} wants a password, not a sign-in in the browser")
    keys = {"token_url": grant.token_url, "client_id": a.client_id, "scope": grant.scope}
    said = ", ".join(f"{name} = {_quoted(value)}" for name, value in keys.items())
    secret = 'client_secret = { file = "mailbox.secret" }, ' if a.with_secret else ""
    return f'oauth2 = {{ {said}, {secret}refresh_token = {{ file = "mailbox.token" }} }}'


def _mailbox(a: Answers) -> str:
    from channels.email.providers import PROVIDERS

    known = PROVIDERS.get(a.provider)
    port, security = (known.smtp_port, known.smtp_security) if known else (587, "starttls")
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
{_sign_in(a)}

[channel.smtp]
host = {_quoted(a.smtp or "smtp.example.com")}
port = {port}
security = {_quoted(security)}
user = {_quoted(a.user or "support@example.com")}
{_sign_in(a)}
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
