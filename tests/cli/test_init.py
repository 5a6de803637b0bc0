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
