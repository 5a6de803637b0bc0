"""Digest: the RFCs' own examples, and what is believed."""

from functools import partial

import pytest

from channels.voice.sip.digest import Authenticator, Verdict, answer_to

NOW = 1_700_000_000.0


def test_the_example_of_rfc_7616_with_both_algorithms() -> None:
    common = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    answered = partial(
        answer_to,
        user="Mufasa",
        password="Circle of Life",
        method="GET",
        uri="/dir/index.html",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    best = answered([common.format("MD5"), common.format("SHA-256")])
    old = answered([common.format("MD5")])
    assert best is not None
    assert old is not None
    assert "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" in best
    assert "8ca523f5e9506fed4657c9700eebdbec" in old
    assert answered(["Basic realm=x", 'Digest realm="x", algorithm=FOO, nonce="1"']) is None


class Phone:
    """A phone that signs in as ana."""

    def __init__(self, house: Authenticator, password: str = "right") -> None:
        self.challenges = house.challenges(NOW)
        self.house, self.password = house, password

    def signs(self, count: int = 1, method: str = "REGISTER", uri: str = "sip:calls") -> str:
        made = answer_to(
            self.challenges,
            user="ana",
            password=self.password,
            method=method,
            uri=uri,
            cnonce="c",
            count=count,
        )
        assert made is not None
        return made

    def is_found(self, said: str, *, after: float = 0.0, method: str = "REGISTER") -> Verdict:
        verdict, _user = self.house.check(
            said,
            method=method,
            target="sip:calls",
            password_of={"ana": "right"}.get,
            now=NOW + after,
        )
        return verdict


@pytest.fixture
def phone() -> Phone:
    return Phone(Authenticator("calls.example.com", b"secret"))


def test_the_right_password_is_believed_once_for_each_count(phone: Phone) -> None:
    assert phone.is_found(phone.signs()) == "good"
    assert phone.is_found(phone.signs()) == "stale"
    assert phone.is_found(phone.signs(2)) == "good"
    assert phone.is_found(phone.signs(1)) == "stale"


def test_md5_is_believed_too(phone: Phone) -> None:
    phone.challenges = phone.challenges[1:]
    assert "MD5" in phone.signs()
    assert phone.is_found(phone.signs()) == "good"


def test_an_old_nonce_is_stale_and_a_strange_one_is_bad(phone: Phone) -> None:
    assert phone.is_found(phone.signs(), after=301) == "stale"
    assert phone.is_found(phone.signs().replace('nonce="6', 'nonce="7', 1)) == "bad"
    stranger = Phone(Authenticator("calls.example.com", b"another secret"))
    assert phone.is_found(stranger.signs()) == "bad"


def test_what_was_signed_for_something_else_is_bad(phone: Phone) -> None:
    assert phone.is_found(phone.signs(method="INVITE")) == "bad"
    assert phone.is_found(phone.signs(uri="sip:elsewhere")) == "bad"
    assert phone.is_found(phone.signs().replace('"ana"', '"eve"')) == "bad"
    assert phone.is_found(Phone(phone.house, "wrong").signs()) == "bad"


def test_two_phones_that_come_in_one_second_do_not_hinder_each_other(phone: Phone) -> None:
    assert phone.is_found(phone.signs()) == "good"
    other = answer_to(
        phone.challenges,
        user="ana",
        password="right",
        method="REGISTER",
        uri="sip:calls",
        cnonce="d",
    )
    assert other is not None
    assert phone.is_found(other) == "good"
