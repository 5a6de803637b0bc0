"""A mail from quarantine, read once more."""

from datetime import UTC, datetime

from channels.email.channel import EmailChannel
from channels.email.parse import MailParser
from channels.email.understand import Understanding
from channels.language import LanguageGuess
from gateway.api.needs import Rereads
from tests.support.mailworld import Journal, services, settings, vector

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def a_channel() -> EmailChannel:
    reads = {"host": "localhost", "user": "u"}
    return EmailChannel(
        settings(reads), services(Journal()), Understanding(MailParser(LanguageGuess()))
    )


def test_a_mail_that_is_understood_now_comes_under_the_key_it_is_given() -> None:
    channel = a_channel()
    assert isinstance(channel, Rereads)
    found = channel.read_again(vector("plain"), "again:1", AT)
    assert (found.key, found.at, found.problem, found.channel) == ("again:1", AT, "", channel.name)
    assert found.body


def test_one_that_is_still_no_mail_says_so_again() -> None:
    assert a_channel().read_again(vector("empty"), "again:1", AT).problem
