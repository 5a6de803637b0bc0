"""What a desktop is told to wait for: every code has words on the page and in the documents."""

import re
from pathlib import Path

from push.protocol import WAITING_CODES

ROOT = Path(__file__).parents[2]


def test_the_page_has_words_for_every_code_and_for_no_other() -> None:
    english = (ROOT / "push/web/src/i18n/en.ts").read_text("utf-8")
    assert set(re.findall(r'"waits_for\.(\w+)":', english)) == set(WAITING_CODES)


def test_every_code_that_a_home_gives_is_in_the_list() -> None:
    source = (ROOT / "gateway/cluster/homes.py").read_text("utf-8")
    given = re.findall(r"Later\(.+, \"(\w+)\"\)", source)
    assert len(given) == source.count("Later(")
    assert set(given) <= set(WAITING_CODES)
