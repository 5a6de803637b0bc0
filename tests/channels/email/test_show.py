"""Mails as people look at them: whatever came may have been attached as well."""

import pytest

from channels.email.show import DEEPEST, MailShow
from tests.support.corpus import Case, cases

SHOW = MailShow()
SMALL = 200_000
MAILS = [case for case in cases() if len(case.mail()) < SMALL]


@pytest.mark.parametrize("case", MAILS, ids=[case.name for case in MAILS])
def test_any_mail_can_be_looked_at(case: Case) -> None:
    raw = case.mail()
    shown = SHOW.mail(raw)
    fields = SHOW.header(raw)
    assert all("\n" not in one.name + one.value for one in fields)
    if shown is None:
        assert case.expected["class"] == "quarantine"
        return
    assert shown.signs.proof == "", "nobody here saw it arrive"
    assert "<script" not in (shown.html or "").lower()
    if case.expected["class"] != "quarantine":
        assert [one.name for one in shown.files] == [one["name"] for one in case.expected["files"]]
        for file in shown.files:
            inside = SHOW.file(raw, file.path)
            assert inside is not None
            assert len(inside.data) == file.size


def test_a_place_that_is_none_is_nothing() -> None:
    raw = next(case for case in MAILS if case.name == "mime/attached_and_inside").mail()
    assert SHOW.file(raw, "1") is not None
    for path in ("0", "2", "1.9", "-1", "1.", "x", "1" * 9, ".".join("1" * (DEEPEST + 1))):
        assert SHOW.file(raw, path) is None
        assert SHOW.mail(raw, path) is None


def test_of_html_that_we_send_remote_images_stay_and_nothing_acts() -> None:
    html = '<p onclick="x()"><img src="https://firm.example/l.png"><img src="x.png"></p><form>'
    assert SHOW.clean(html) == '<p><img src="https://firm.example/l.png"><img></p>'
