import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email import machine
from channels.email.addresses import Address, addresses, message_ids, unambiguous, valid
from channels.email.authenticity import judged
from channels.email.headers import Headers
from channels.email.mime import safe_name, unflow
from channels.email.text import clean, codec, decode, header_text, one_line

ADA = Address("ada@example.org", "Ada")


@pytest.mark.parametrize(
    ("data", "declared", "text", "why"),
    [
        ("Grüße".encode(), "utf-8", "Grüße", ""),
        (b"plain", "iso-8859-1", "plain", ""),
        (b"plain", "x-nonsense", "plain", ""),
        ("Grüße".encode("latin-1"), "iso-8859-1", "Grüße", ""),
        ("„Grüße“".encode("cp1252"), "iso-8859-1", "„Grüße“", ""),
        ("Grüße".encode(), "iso-8859-1", "Grüße", "utf-8, though iso-8859-1 was declared"),
        ("Grüße".encode("latin-1"), "", "Grüße", "cp1252, though nothing was declared"),
        ("Grüße".encode("utf-16"), "", "Grüße", "utf-16, though nothing was declared"),
        (
            "日本語".encode("iso2022_jp"),
            "",
            "日本語",
            "iso2022_jp_ext, though nothing was declared",
        ),
        ("日本語".encode("iso2022_jp"), "iso-2022-jp", "日本語", ""),
        ("한국어".encode("cp949"), "ks_c_5601-1987", "한국어", ""),
        (b"+AGE-", "utf-7", "a", ""),
        ("Привет".encode("cp866"), "cp866", "Привет", ""),
        (b"\x81\x8d", "", "\x81\x8d", "cp1252, though nothing was declared"),
    ],
)
def test_a_charset_is_read_and_the_reason_told(
    data: bytes, declared: str, text: str, why: str
) -> None:
    assert decode(data, declared) == (text, why)


NO_CHARSETS = ["idna", "punycode", "rot13", "zip", "base64", "unicode_escape", "undefined", "hex"]


@pytest.mark.parametrize("name", [*NO_CHARSETS, "", "\x00", "a" * 10_000])
def test_what_is_no_charset_is_not_taken_for_one(name: str) -> None:
    assert codec(name) is None


CHARSETS = "utf-8 utf-16 iso-2022-jp big5 shift_jis utf-7 hz latin-1 cp037 gb2312 euc-kr utf-32 x"


@given(st.binary(max_size=60), st.sampled_from(["", *CHARSETS.split()]))
@settings(max_examples=300)
def test_decoding_never_raises(data: bytes, declared: str) -> None:
    text, _ = decode(data, declared)
    clean(text).encode("utf-8")


@given(st.text(max_size=80))
@settings(max_examples=250)
def test_a_header_value_is_always_one_line(raw: str) -> None:
    for value in (header_text(raw), one_line(raw)):
        assert not set(value) & set("\r\n\x00\x0b\x0c\x85\u2028\u2029")
        value.encode("utf-8")


@given(st.text(alphabet='a@b.,<>()":;\\ =?utf-8q', max_size=60))
@settings(max_examples=250)
def test_address_headers_never_raise_and_give_only_addresses(raw: str) -> None:
    for found in addresses(raw):
        assert valid(found.address)
        assert found.address.count("@") == 1


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Ada <ADA@Example.org>", [ADA]),
        ('"Lovelace, Ada" <ada@example.org>', [Address("ada@example.org", "Lovelace, Ada")]),
        ("a@b.c, A <a@b.c>, d@e.f", [Address("a@b.c"), Address("d@e.f")]),
        ("undisclosed-recipients:;", []),
        ("team: x@y.z, u@v.w;", [Address("x@y.z"), Address("u@v.w")]),
        ("=?utf-8?q?=3Cevil=40x.y=3E?= <a@b.c>", [Address("a@b.c", "<evil@x.y>")]),
        ("=?utf-8?q?Ada:_<evil@x.y>?= <a@b.c>", [Address("a@b.c", "Ada: <evil@x.y>")]),
        ("nobody", []),
        ("", []),
    ],
)
def test_an_address_header_is_split(raw: str, expected: list[Address]) -> None:
    assert addresses(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<a@b> <c@d>\r\n <a@b>", ["<a@b>", "<c@d>"]),
        (" bare@id ", ["<bare@id>"]),
        ("Your message of Friday", []),
        ("<a@b\r\nBcc: v@w>", []),
        ("<>", []),
    ],
)
def test_message_ids_are_found(raw: str, expected: list[str]) -> None:
    assert message_ids(raw) == expected


@pytest.mark.parametrize(
    ("fields", "sender", "kind"),
    [
        ([], "ada@example.org", None),
        ([("Auto-Submitted", "auto-generated; owner=x")], "ada@example.org", "auto-reply"),
        ([("Auto-Submitted", " NO ")], "ada@example.org", None),
        ([("Return-Path", " <>")], "ada@example.org", "auto-reply"),
        ([("Return-Path", "<>")], "mailer-daemon@example.org", "bounce"),
        ([("Return-Path", "<ada@example.org>")], "ada@example.org", None),
        ([("Precedence", "Bulk")], "ada@example.org", "bulk"),
        ([("Precedence", "first-class")], "ada@example.org", None),
        ([("List-Unsubscribe", "<mailto:x>")], "ada@example.org", "list"),
        ([("X-Auto-Response-Suppress", "OOF, DR")], "ada@example.org", "silent"),
        ([("X-Auto-Response-Suppress", "DR")], "ada@example.org", None),
        ([("X-Autoreply", "yes")], "ada@example.org", "auto-reply"),
        ([], "noreply@example.org", "silent"),
        ([], "MAILER-DAEMON@example.org".lower(), "bounce"),
    ],
)
def test_a_machine_is_recognised(
    fields: list[tuple[str, str]], sender: str, kind: str | None
) -> None:
    verdict = machine.judge(Headers(fields), sender, "")
    assert (verdict and verdict.kind) == kind


def results(value: str, sender: str = "Ada <ada@example.org>", *more: tuple[str, str]) -> bool:
    fields = [("Authentication-Results", value), ("From", sender), *more]
    return judged(Headers(fields), ADA, "mx.example.com").proof == "verified"


def test_our_own_server_can_vouch_for_a_sender() -> None:
    assert results("mx.example.com; dmarc=pass header.from=example.org")
    assert results("mx.example.com 1; dkim=pass (good (really)) header.d=example.org")
    assert results("MX.example.com; spf=fail; dkim=pass header.i=@example.org")


@pytest.mark.parametrize(
    "value",
    [
        "mx.evil.example; dmarc=pass header.from=example.org",
        "mx.example.com.evil.example; dmarc=pass header.from=example.org",
        "mx.example.com; dmarc=fail header.from=example.org",
        "mx.example.com; dmarc=pass header.from=evil.example",
        "mx.example.com; dkim=pass header.d=evil.example",
        "mx.example.com; dkim=pass header.d=org",
        "mx.example.com; spf=pass smtp.mailfrom=ada@example.org",
        "mx.example.com; dmarc=none (dmarc=pass header.from=example.org)",
        'mx.example.com; x=pass reason="; dkim=fail header.d=example.org"',
        "mx.example.com; none",
        "",
    ],
)
def test_nothing_else_vouches(value: str) -> None:
    assert not results(value)


def test_an_ambiguous_from_is_never_verified() -> None:
    good = "mx.example.com; dmarc=pass header.from=example.org"
    assert not results(good, "Ada <ada@example.org>, Eve <eve@evil.example>")
    assert not results(good, "ada@example.org)eve@evil.example")
    assert not results(good, "Ada <ada@example.org>", ("From", "eve@evil.example"))
    assert unambiguous('"Eve <eve@evil.example>" <ada@example.org>')


def test_without_a_named_server_nobody_is_verified() -> None:
    fields = [("Authentication-Results", "x; dmarc=pass header.from=example.org")]
    headers = Headers([*fields, ("From", "ada@example.org")])
    assert judged(headers, ADA, "").proof == "no_server"


def test_only_the_topmost_results_count() -> None:
    forged = ("Authentication-Results", "mx.example.com; dmarc=pass header.from=example.org")
    assert not results("mx.other.example; none", "Ada <ada@example.org>", forged)


def test_a_file_name_has_no_folder_and_no_trap() -> None:
    assert safe_name("../../etc/passwd") == "etc_passwd"
    assert safe_name('a\r\nb"<>|?.txt') == "a b_.txt"
    assert safe_name("...") == ""


def test_flowed_text_is_joined_within_its_quoting() -> None:
    assert unflow("a \nb\n> c \n> d\ne", delete_space=False) == "a b\n> c d\ne"
    assert unflow("日本 \n語", delete_space=True) == "日本語"
    assert unflow("text \n-- \nsig", delete_space=False) == "text \n-- \nsig"
