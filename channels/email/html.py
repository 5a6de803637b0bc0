"""HTML of strangers into HTML that may stand in an agent's browser, and into plain text.

Nothing in the result acts or calls home: no scripts, forms, frames, styles with addresses,
event handlers or relative links. Images of the mail itself (``cid:``) and embedded ones
(``data:``) stay; a remote image keeps its address in ``data-src``, so that the desktop can show
it when the agent asks.
"""

import html as entities
import re
from collections import Counter

import nh3
from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig

from channels.email.text import clean

MAX_HTML = 1_000_000
"""Characters of HTML that are looked at; the rest is cut."""
MAX_READ = 200_000
"""Characters of HTML that are turned into text."""
MAX_NESTING = 1_000
"""Elements within elements. Parsers of HTML take a time that grows with its square."""
MAX_ENTITIES = 50_000
"""Ampersands. The same holds for them."""

_REMOTE = "switchroom-remote:"
_TAGS = (nh3.ALLOWED_TAGS | {"big", "font", "main", "section", "tfoot"}) - {"area", "map"}
_ATTRIBUTES = {
    "*": {"align", "dir", "lang", "style", "title", "valign"},
    "a": {"href", "name"},
    "blockquote": {"cite", "type"},
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "font": {"color", "face", "size"},
    "hr": {"size", "width"},
    "img": {"alt", "height", "src", "width"},
    "ol": {"start", "type"},
    "table": {"bgcolor", "border", "cellpadding", "cellspacing", "summary", "width"},
    "td": {"bgcolor", "colspan", "height", "rowspan", "width"},
    "th": {"bgcolor", "colspan", "height", "rowspan", "scope", "width"},
    "tr": {"bgcolor"},
    "ul": {"type"},
}
_STYLES = {
    *("background-color", "color", "direction", "font-family", "font-size", "font-style"),
    *("font-weight", "line-height", "list-style-type", "text-align", "text-decoration"),
    *("text-indent", "vertical-align", "white-space", "width", "max-width", "border-collapse"),
    *("border", "border-top", "border-bottom", "border-left", "border-right", "border-color"),
    *("border-style", "border-width", "padding", "padding-left", "padding-right"),
    *("padding-top", "padding-bottom", "margin-left", "margin-right"),
}
_EMBEDDED = re.compile(r"data:image/(?:png|gif|jpeg|webp|bmp);base64,[A-Za-z0-9+/=\s]*\Z")
_DANGEROUS_STYLE = re.compile(r"url|expression|import|[\\<@]|/\*", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]{0,2000}>")
# They hold nothing, or end where the next of their kind begins: they do not nest.
_FLAT = frozenset(
    {
        *(
            "area",
            "base",
            "br",
            "col",
            "embed",
            "hr",
            "img",
            "input",
            "link",
            "meta",
            "source",
            "wbr",
        ),
        *("p", "li", "td", "th", "tr", "dt", "dd", "option", "tbody", "thead", "tfoot", "param"),
    }
)
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")
_BLOCK_END = re.compile(r"</(?:p|div|tr|h[1-6]|li|table|blockquote)>|<br[^>]*>", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]{2,40})", re.IGNORECASE)


def meta_charset(data: bytes) -> str:
    """The charset that an HTML document declares for itself, or nothing."""
    found = _META_CHARSET.search(data[:4096])
    return found[1].decode("ascii") if found else ""


def too_complex(html: str) -> bool:
    """Whether parsing it would take minutes: nested beyond ``MAX_NESTING``, or mostly ``&``.

    Nobody writes so. An element that is never closed counts as open to the end.
    """
    if html.count("&") > MAX_ENTITIES:
        return True
    open_now: Counter[str] = Counter()
    depth = 0
    for closing, written in _TAG.findall(html):
        name = written.lower()
        if name in _FLAT:
            continue
        if not closing:
            open_now[name] += 1
            depth += 1
            if depth > MAX_NESTING:
                return True
        elif open_now[name]:
            open_now[name] -= 1
            depth -= 1
    return False


class Sanitizer:
    """Makes HTML harmless. Build one and keep it: it holds compiled tables.

    ``remote_images`` are left to load where the HTML is one of ours, on its way out.
    """

    def __init__(self, *, remote_images: bool = False) -> None:
        self._remote_images = remote_images
        self._cleaner = nh3.Cleaner(
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            attribute_filter=_attribute,
            url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
            url_relative="deny",
            link_rel="noopener noreferrer nofollow",
            set_tag_attribute_values={"a": {"target": "_blank"}},
            filter_style_properties=_STYLES,
        )

    def clean(self, html: str) -> str:
        """The harmless form of ``html``; remote images have ``data-src`` instead of ``src``.

        Of what is ``too_complex`` nothing is left.
        """
        html = html[:MAX_HTML]
        if too_complex(html):
            return ""
        safe = self._cleaner.clean(clean(html))
        # An attribute's quotes are escaped by the serialiser, so this can only be an attribute
        # of its own or plain text; where it should fail to match, the unknown scheme is inert.
        return safe.replace(f'src="{_REMOTE}', 'src="' if self._remote_images else 'data-src="')


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "style":
        return None if _DANGEROUS_STYLE.search(value) else value
    lower = value.strip().lower()
    if tag == "img" and name == "src":
        if lower.startswith(("http:", "https:")):
            return _REMOTE + value.strip()
        return value if lower.startswith("cid:") or _EMBEDDED.match(lower) else None
    if name in {"href", "cite"}:
        return value if lower.startswith(("http:", "https:", "mailto:", "tel:")) else None
    return value


def to_text(html: str) -> str:
    """What a person would read, with lists and tables laid out; never raises."""
    html = clean(html[:MAX_READ])
    plain = ""
    if not too_complex(html):
        try:
            plain = get_text(html, ParserConfig(css=CSS_PROFILES["strict"]))
        except Exception:  # noqa: BLE001 - a foreign parser on hostile input: the plain way follows
            plain = ""
    if not plain.strip():
        plain = entities.unescape(_ANY_TAG.sub("", _BLOCK_END.sub("\n", html)))
    return _BLANK_LINES.sub("\n\n", clean(plain)).strip()
