"""``switchroom rules test``: rules tried on examples, without a node."""

from pathlib import Path

import pytest

from gateway.cli import rules
from gateway.failures import Failed

RULES = """
[[queue]]
name = "refunds"

[[rule]]
name = "money-back"
when = { words = ["refund", "devolución"], unless = { machine = true } }
then = { queue = "refunds", priority = 5 }

[[rule]]
name = "spanish"
when = { languages = ["es"] }
then = { tags = ["es"] }
"""


def tried(tmp_path: Path, examples: str, *, verbose: bool = False) -> None:
    file = tmp_path / "door.toml"
    file.write_text(RULES + examples, encoding="utf-8")
    rules.try_out(file, verbose=verbose)


def test_an_example_shows_what_is_decided_and_by_which_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tried(
        tmp_path,
        """
[[example]]
name = "from Argentina"
contact = { body = "Quiero una devolucion", language = "es-AR" }
expect = { queue = "refunds", priority = 5, tags = ["es"] }
""",
    )
    said = capsys.readouterr().out
    assert "✓ from Argentina: queue 'refunds', priority 5, tags ('es',)" in said
    assert "money-back (says “devolución”, not written by a person): queue, priority" in said
    assert "2 rules, 0 errors, 1 example, 0 not as expected" in said


def test_what_is_not_as_expected_fails_and_says_how(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Failed):
        tried(
            tmp_path,
            """
[[example]]
name = "a robot"
contact = { body = "refund", machine = true }
expect = { queue = "refunds" }
""",
            verbose=True,
        )
    said = capsys.readouterr().out
    assert "✗ a robot: nothing decided" in said
    assert "expected queue = 'refunds', got None" in said
    assert "money-back (but written by a machine): did not hold" in said


def test_a_name_that_no_node_would_take_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Failed):
        tried(tmp_path, '[[rule]]\nname = "two words"\n\n[[rule]]\nname = "spanish"\n')
    said = capsys.readouterr().out
    assert "error: rule 'two words', name: a name has 1 to 100 characters, no space" in said
    assert "error: rule 'spanish', name: two rules have this name" in said


ASKS = """
[[rule]]
name = "what"
order = 500
[rule.then.ask]
text = "What is it about?"
answers = [{ label = "Parcels", then = { tags = ["parcel"] } }, { label = "Refunds", then = { queue = "refunds" } }]
"""  # noqa: E501


def test_an_answer_to_what_the_rules_ask_is_tried_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example = """
[[example]]
name = "second answer"
contact = { body = "Hello" }
answer = "2"
expect = { queue = "refunds" }
"""
    tried(tmp_path, ASKS + example)
    said = capsys.readouterr().out
    assert "✓ second answer: queue 'refunds'" in said
    assert "says “What is it about?”: Parcels / Refunds / Talk to a person" in said
    assert "“2” is Refunds (by its number)" in said
    with pytest.raises(Failed):
        tried(tmp_path, example)
    assert "nobody asks" in capsys.readouterr().out


def test_a_rule_that_names_no_queue_of_the_file_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Failed):
        tried(tmp_path, '[[rule]]\nname = "x"\nthen = { queue = "refnuds" }\n')
    assert "error: rule 'x', then.queue: there is no queue 'refnuds'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[rule]]\nname = "x"\nwhen = { wrods = ["a"] }\n', "unknown field `wrods`"),
        ('[[rule]]\nname = "x"\nthen = { level = 9 }\n', "<= 4"),
        ('[[example]]\nname = "x"\ncontact = { kind = "fax" }\n', "fax"),
        ("[[rule", "door.toml"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Failed, match=words):
        tried(tmp_path, text)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="there is no file"):
        rules.try_out(tmp_path / "gone.toml")


def test_an_example_shows_what_is_told_of_an_open_ticket_and_only_to_who_is_proven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = """
[[rule]]
name = "open"
when = { open_case = true }
then = { join = true, status = { text = "Hello!" } }
"""
    example = """
[[example]]
name = "proven"
contact = { verified = true, language = "de", tickets = [{ number = 10007, standing = "working" }] }
expect = { join = true, status = { text = "Hello!" } }

[[example]]
name = "claimed"
contact = { open_cases = 1 }
expect = {}
"""
    tried(tmp_path, rule + example, verbose=True)
    told = capsys.readouterr().out
    assert "says “Hello!\n\nTicket 10007\nJemand von uns arbeitet daran.”" in told
    assert "(a matter is open; no status or join: the identity is not verified): held" in told
