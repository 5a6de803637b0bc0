"""What really answers at a port, and in words what is wrong with what was set for it.

For ``switchroom check`` and the admin pages; a channel that runs asks nobody this.
"""

import asyncio
import socket
import ssl
from typing import Literal

from msgspec import Struct

from channels.email.settings import Security
from channels.email.text import one_line

Protocol = Literal["IMAP", "SMTP"]
SECONDS = 5.0
QUIET_SECONDS = 2.5
"""Who has said nothing for so long waits for us: for TLS, most likely."""
_USUAL: dict[Protocol, str] = {
    "IMAP": '993 with security = "tls", or 143 with "starttls"',
    "SMTP": '465 with security = "tls", or 587 with "starttls"',
}
_OTHERS = {"+OK": "POP3", "HTTP/": "HTTP", "SSH-": "SSH"}


class Spoken(Struct, frozen=True, kw_only=True):
    """How a port begins: in the clear, with TLS, not at all; ``nobody`` is there, and ``why``."""

    begins: Literal["plain", "tls", "silent", "nobody"]
    banner: str = ""
    why: str = ""


async def listen_to(host: str, port: int, security: Security) -> Spoken:
    """Ask it twice at most; never raises for what a network does."""
    first, second = (_with_tls, _in_the_clear) if security == "tls" else (_in_the_clear, _with_tls)
    try:
        found = await first(host, port)
        return found or await second(host, port) or Spoken(begins="silent")
    except socket.gaierror:
        return Spoken(begins="nobody", why=f"there is no machine called {host}")
    except TimeoutError:
        return Spoken(begins="nobody", why=f"{host}:{port} does not answer")
    except OSError as fault:
        said = fault.strerror or str(fault) or type(fault).__name__
        return Spoken(begins="nobody", why=f"nothing listens at {host}:{port} ({said})")


async def _in_the_clear(host: str, port: int) -> Spoken | None:
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(host, port)
    try:
        banner = await _banner(reader)
        return Spoken(begins="plain", banner=banner) if banner else None
    finally:
        writer.transport.abort()


async def _with_tls(host: str, port: int) -> Spoken | None:
    """Whose certificate it is does not matter for what is spoken."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=anybody)
    except (ssl.SSLError, ConnectionResetError):
        return None
    try:
        return Spoken(begins="tls", banner=await _banner(reader))
    finally:
        writer.transport.abort()


async def _banner(reader: asyncio.StreamReader) -> str:
    try:
        async with asyncio.timeout(QUIET_SECONDS):
            return one_line((await reader.readline()).decode("ascii", "replace"), 80)
    except (TimeoutError, OSError, ValueError):
        return ""


def wrong_with(protocol: Protocol, host: str, port: int, security: Security, it: Spoken) -> str:
    """What to set instead; empty: what was set fits what answers."""
    where, usual = f"{host}:{port}", f"{protocol} is usually at {_USUAL[protocol]}"
    if it.begins == "nobody":
        return f"{it.why}; {usual}"
    if it.begins == "silent":
        return ""
    if it.banner and (other := _speaks(it.banner)) not in {"", protocol}:
        return f"{where} speaks {other} ({it.banner!r}); {usual}"
    if it.begins == "tls" and security != "tls":
        return (
            f'{where} speaks TLS from the start, and security is "{security}": set security ='
            f' "tls", or another port; {usual}'
        )
    if it.begins == "plain" and security == "tls":
        return (
            f'{where} begins without TLS, and security is "tls": set security = "starttls", or'
            f" another port; {usual}"
        )
    return ""


def _speaks(banner: str) -> str:
    if banner.startswith(("* OK", "* PREAUTH", "* BYE")):
        return "IMAP"
    if banner[:3].isdigit() and banner[3:4] in {" ", "-"}:
        return "SMTP"
    return next((name for begins, name in _OTHERS.items() if banner.startswith(begins)), "")


def about_certificate(fault: BaseException, host: str) -> str:
    """What to do about a certificate that was not taken; empty: it is not about one."""
    seen: BaseException | None = fault
    while seen is not None and not isinstance(seen, ssl.SSLCertVerificationError):
        seen = seen.__cause__ or seen.__context__
    if seen is None:
        return ""
    said = seen.verify_message
    if seen.verify_code in _OTHER_NAME:
        return f"the certificate is for another name ({said}): write as host the name it is for"
    if seen.verify_code == _EXPIRED:
        return f"the certificate of {host} has expired: its operator has to renew it"
    if seen.verify_code in _UNKNOWN:
        return (
            f"nobody whom this machine trusts has signed the certificate of {host} ({said}): if it"
            " is of your own authority, name that one's certificate in SSL_CERT_FILE"
        )
    return f"the certificate of {host} is not taken: {said}"


_EXPIRED, _OTHER_NAME, _UNKNOWN = 10, frozenset({62, 64}), frozenset({18, 19, 20, 21})
"""As OpenSSL numbers them (X509_V_ERR_…)."""
