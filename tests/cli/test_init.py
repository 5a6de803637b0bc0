"""A configuration from a few questions."""

import stat
from pathlib import Path

import pytest

import channels
from gateway.cli import main
from gateway.cli.init import Answers, ask_all, text_of
from gateway.config import load

KINDS = {name: kind.settings for name, kind in channels.table().items()}


def test_the_defaults_are_a_configuration_that_loads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "switchroom.toml"
    assert main(["init", "--yes", "--out", str(file)]) == 0
    assert "switchroom run --config" in capsys.readouterr().out
    settings = load(file, {}, KINDS)
    assert [c.name for c in settings.channels] == ["site", "backoffice"]
    token = tmp_path / "bootstrap.token"
    assert settings.auth.bootstrap_token == token.read_text().strip()
    assert len(settings.auth.bootstrap_token) > 32
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


def test_what_is_there_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "switchroom.toml"
    file.write_text("# mine")
    assert main(["init", "--yes", "--out", str(file)]) == 1
    assert "--force" in capsys.readouterr().err
    assert file.read_text() == "# mine"
    assert main(["init", "--yes", "--force", "--out", str(file)]) == 0


def test_a_mailbox_that_was_named_is_read(tmp_path: Path) -> None:
    answers = Answers(
        address='"Support" <help@shop.example>',
        imap="imap.shop.example",
        smtp="smtp.shop.example",
        user="help@shop.example",
        origins="https://shop.example",
        dsn="postgresql://db/x",
    )
    file = tmp_path / "switchroom.toml"
    file.write_text(text_of(answers))
    for name in ("bootstrap.token", "mailbox.password"):
        (tmp_path / name).write_text("secret\n")
    settings = load(file, {}, KINDS)
    mail, chat, _ = settings.channels
    assert (mail.address, mail.imap.password) == ('"Support" <help@shop.example>', "secret")
    assert chat.origins == ("https://shop.example",)
    assert settings.store.dsn == "postgresql://db/x"


def test_the_commented_mailbox_is_right_once_uncommented(tmp_path: Path) -> None:
    text = text_of(Answers())
    start, end = text.index("# [[channel]]"), text.index("# The chat window")
    mailbox = "\n".join(line.removeprefix("# ") for line in text[start:end].splitlines())
    file = tmp_path / "switchroom.toml"
    file.write_text((text[:start] + mailbox + "\n\n" + text[end:]).replace("\n#\n", "\n\n"))
    for name in ("bootstrap.token", "mailbox.password"):
        (tmp_path / name).write_text("secret\n")
    assert load(file, {}, KINDS).channels[0].imap.host == "imap.example.com"


def test_an_answer_is_offered_as_the_next_questions_default() -> None:
    offered = {}

    def ask(question: str, default: str) -> str:
        offered[question] = default
        return "Help <help@shop.example>" if "mailbox" in question else default

    answers = ask_all(ask)
    assert offered["its IMAP server"] == "imap.shop.example"
    assert answers.user == "help@shop.example"
    assert answers.listen == Answers().listen


def test_with_nobody_to_ask_it_says_what_to_add(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--out", str(tmp_path / "x.toml")]) == 1
    assert "--yes" in capsys.readouterr().err


@pytest.mark.parametrize(("typed", "secret"), [("google", True), ("microsoft", False)])
def test_a_provider_that_wants_a_sign_in_in_the_browser_is_set_up_whole(
    tmp_path: Path, typed: str, secret: bool
) -> None:
    said = {"a mailbox": "help@shop.example", "its provider": typed}
    asked: list[str] = []

    def ask(question: str, default: str) -> str:
        asked.append(question)
        if "Its client id" in question:
            return "app-1"
        return next((text for start, text in said.items() if question.startswith(start)), default)

    answers = ask_all(ask)._replace(with_secret=secret)
    file = tmp_path / "switchroom.toml"
    file.write_text(text_of(answers))
    for name in ("bootstrap.token", "mailbox.token", "mailbox.secret"):
        (tmp_path / name).write_text(f"the {name}\n")
    mail = load(file, {}, KINDS).channels[0]
    oauth2 = mail.imap.oauth2
    assert (mail.imap.host, mail.smtp.host) == {
        "google": ("imap.gmail.com", "smtp.gmail.com"),
        "microsoft": ("outlook.office365.com", "smtp.office365.com"),
    }[typed]
    assert oauth2 == mail.smtp.oauth2
    assert (oauth2.client_id, oauth2.refresh_token) == ("app-1", "the mailbox.token")
    assert oauth2.client_secret == ("the mailbox.secret" if secret else "")
    assert "https://" in oauth2.scope
    assert not any("password" in question for question in asked if "client id" not in question)


def test_the_servers_of_a_known_address_are_offered() -> None:
    found: dict[str, str] = {}

    def ask(question: str, default: str) -> str:
        found[question] = default
        return "help@fastmail.com" if question.startswith("a mailbox") else default

    answers = ask_all(ask)
    assert (answers.imap, answers.provider) == ("imap.fastmail.com", "fastmail")
    assert 'port = 465\nsecurity = "tls"' in text_of(answers)
