"""Where the big mail providers have their servers, and how one signs in there. Pure.

Hosts, ports and endpoints as the providers document them for IMAP, SMTP and OAuth 2.0.
"""

from collections.abc import Mapping

from msgspec import Struct

from channels.email.settings import OAuth2, Security

GOOGLE_SCOPE = "https://mail.google.com/"
MICROSOFT_SCOPE = (
    "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send"
    " offline_access"
)


class Grant(Struct, frozen=True, kw_only=True):
    """How a person lets us into a mailbox: by a page in the browser, or a code typed there.

    Without ``device_url`` there is no code (RFC 8628) for mail; the page comes back to us then
    (RFC 8252).
    """

    authorize_url: str
    token_url: str
    scope: str
    device_url: str = ""
    help: str = ""


class Provider(Struct, frozen=True, kw_only=True):
    """One of them. ``grant``: passwords are not taken, or only those made for one program.

    ``exchanges`` end the names of the hosts that take mail for its customers' own domains.
    """

    name: str
    label: str
    imap: str
    smtp: str
    imap_port: int = 993
    smtp_port: int = 587
    smtp_security: Security = "starttls"
    domains: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()
    grant: Grant | None = None
    hint: str = ""


GOOGLE = Provider(
    name="google",
    label="Google (Gmail, Workspace)",
    imap="imap.gmail.com",
    smtp="smtp.gmail.com",
    domains=("gmail.com", "googlemail.com"),
    exchanges=("google.com", "googlemail.com"),
    grant=Grant(
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
        scope=GOOGLE_SCOPE,
        help=(
            "in the Google Cloud console make an OAuth client of type `Desktop app` with the Gmail"
            " API switched on"
        ),
    ),
    hint="or an app password (needs two-step verification)",
)
MICROSOFT = Provider(
    name="microsoft",
    label="Microsoft (Exchange Online, Outlook.com)",
    imap="outlook.office365.com",
    smtp="smtp.office365.com",
    domains=("outlook.com", "hotmail.com", "live.com", "msn.com"),
    exchanges=("outlook.com", "mx.microsoft"),
    grant=Grant(
        authorize_url="https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        token_url="https://login.microsoftonline.com/common/oauth2/v2.0/token",  # noqa: S106 - an address
        device_url="https://login.microsoftonline.com/common/oauth2/v2.0/devicecode",
        scope=MICROSOFT_SCOPE,
        help=(
            "in the Entra admin centre register an application that allows public client flows,"
            " with IMAP.AccessAsUser.All and SMTP.Send, and let the mailbox use SMTP AUTH"
        ),
    ),
)
OTHERS = (
    Provider(
        name="yahoo",
        label="Yahoo",
        imap="imap.mail.yahoo.com",
        smtp="smtp.mail.yahoo.com",
        domains=("yahoo.com", "yahoo.co.uk", "yahoo.de", "ymail.com"),
        exchanges=("yahoodns.net",),
        hint="an app password, made in the account's security page",
    ),
    Provider(
        name="icloud",
        label="iCloud",
        imap="imap.mail.me.com",
        smtp="smtp.mail.me.com",
        domains=("icloud.com", "me.com", "mac.com"),
        exchanges=("icloud.com",),
        hint="an app-specific password",
    ),
    Provider(
        name="fastmail",
        label="Fastmail",
        imap="imap.fastmail.com",
        smtp="smtp.fastmail.com",
        smtp_port=465,
        smtp_security="tls",
        domains=("fastmail.com", "fastmail.fm"),
        exchanges=("messagingengine.com",),
        hint="an app password",
    ),
    Provider(
        name="zoho",
        label="Zoho",
        imap="imap.zoho.com",
        smtp="smtp.zoho.com",
        domains=("zoho.com", "zohomail.com"),
        exchanges=("zoho.com", "zoho.eu"),
        hint="an app password where two-factor sign-in is on",
    ),
    Provider(
        name="ionos",
        label="IONOS",
        imap="imap.ionos.com",
        smtp="smtp.ionos.com",
        exchanges=("ionos.com", "ionos.de", "kundenserver.de"),
    ),
    Provider(
        name="gmx",
        label="GMX",
        imap="imap.gmx.net",
        smtp="mail.gmx.net",
        domains=("gmx.de", "gmx.net", "gmx.at", "gmx.ch"),
        exchanges=("gmx.net",),
        hint="switch IMAP on in the account's settings first",
    ),
)
PROVIDERS: Mapping[str, Provider] = {one.name: one for one in (GOOGLE, MICROSOFT, *OTHERS)}


def of_domain(domain: str) -> Provider | None:
    """Whose addresses these are."""
    wanted = domain.lower().rstrip(".")
    return next((one for one in PROVIDERS.values() if wanted in one.domains), None)


def of_exchange(host: str) -> Provider | None:
    """Whose host it is that takes a domain's mail."""
    name = host.lower().rstrip(".")
    for one in PROVIDERS.values():
        if any(name == end or name.endswith(f".{end}") for end in one.exchanges):
            return one
    return None


_MICROSOFT = "https://login.microsoftonline.com/"


def grant_of(oauth2: OAuth2) -> Grant | None:
    """Where one signs in for these settings: as they say themselves, or as the provider is known.

    At Microsoft the endpoints of one tenant lie beside each other.
    """
    url = oauth2.token_url
    known = next((g for p in PROVIDERS.values() if (g := p.grant) and g.token_url == url), None)
    authorize, device = oauth2.authorize_url, oauth2.device_url
    if known is None and url.startswith(_MICROSOFT) and url.endswith("/token"):
        known, base = MICROSOFT.grant, url.removesuffix("token")
        authorize, device = authorize or f"{base}authorize", device or f"{base}devicecode"
    if known is not None:
        authorize, device = authorize or known.authorize_url, device or known.device_url
    if not authorize and not device:
        return None
    scope = oauth2.scope or (known.scope if known else "")
    return Grant(authorize_url=authorize, token_url=url, scope=scope, device_url=device)
