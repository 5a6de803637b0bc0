"""Where the writer's own words end, in many tongues; and that nothing of theirs is hidden."""

import time

import pytest

from channels.email.fold import fold_from, own_words

ADDRESS = "Support <support@example.com>"

INTRODUCTIONS = {
    "en": f"On Wed, Dec 20, 2023 at 13:37, {ADDRESS} wrote:",
    "en, wrapped": "On Wed, Dec 20, 2023 at 13:37 Customer Support of the Example\n"
    "<support@example.com> wrote:",
    "de": f"Am 20.12.2023 um 13:37 schrieb {ADDRESS}:",
    "fr": f"Le mer. 20 déc. 2023 à 13:37, {ADDRESS} a écrit :",
    "es": "El mié, 20 dic 2023 a las 13:37, Support (<support@example.com>) escribió:",
    "it": f"Il giorno mer 20 dic 2023 alle ore 13:37 {ADDRESS} ha scritto:",
    "nl": f"Op wo 20 dec 2023 om 13:37 schreef {ADDRESS}:",
    "pl": f"śr., 20 gru 2023 o 13:37 {ADDRESS} napisał(a):",
    "pt": f"Em qua., 20 de dez. de 2023 às 13:37, {ADDRESS} escreveu:",
    "ru": f"ср, 20 дек. 2023 г. в 13:37, {ADDRESS}:",
    "ja": f"2023年12月20日(水) 13:37 {ADDRESS}:",
    "zh": f"{ADDRESS} 于2023年12月20日周三 13:37写道：",
    "sv": f"Den ons 20 dec. 2023 kl 13:37 skrev {ADDRESS}:",
    "da": f"Den ons. 20. dec. 2023 kl. 13.37 skrev {ADDRESS}:",
    "cs": f"st 20. 12. 2023 v 13:37 odesílatel {ADDRESS} napsal:",
    "ko": f"2023년 12월 20일 (수) 오후 1:37, {ADDRESS}님이 작성:",
    "tr": f"{ADDRESS}, 20 Ara 2023 Çar, 13:37 tarihinde şunu yazdı:",
    "Outlook, en": "From: Support\nSent: Wednesday, December 20, 2023 13:37\n"
    "To: Eva\nSubject: Lamp",
    "Outlook, de": f"Von: {ADDRESS}\nGesendet: Mittwoch, 20. Dezember 2023 13:37\n"
    "An: Eva <eva@example.org>\nBetreff: Lampe",
    "Outlook, fr": "De : Support\nEnvoyé : mercredi 20 décembre 2023 13:37\nÀ : Eva\nObjet : Lampe",
    "Outlook, ja": "差出人: Support\n送信日時: 2023年12月20日 13:37\n宛先: Eva\n件名: ランプ",
    "bar": "-----Ursprüngliche Nachricht-----\nVon: Support\nBetreff: Lampe",
}


@pytest.mark.parametrize("quoted", ["> It works?\n> Yours", "It works?\nYours"])
@pytest.mark.parametrize("introduction", INTRODUCTIONS.values(), ids=INTRODUCTIONS)
def test_the_quoted_mail_is_folded_with_its_introduction(introduction: str, quoted: str) -> None:
    text = f"It does.\n\nThank you, Eva\n\n{introduction}\n\n{quoted}\n"
    assert fold_from(text) == 3
    assert own_words(text, 3) == "It does.\n\nThank you, Eva"


def test_a_quotation_at_the_end_is_folded_whoever_introduces_it() -> None:
    assert fold_from("Yes.\n\nAda, on 3 May:\n> Really?\n") == 1
    assert fold_from("Yes, as I said.\n\n> Really?\n>\n\n> Truly?") == 1


def test_a_signature_is_folded_with_what_follows() -> None:
    assert fold_from("Yes.\n\n-- \nEva\nExample Ltd") == 1
    assert fold_from(f"Yes.\n-- \nEva\n\n{INTRODUCTIONS['fr']}\n> Really?") == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "Hello",
        "> Did it work?\nYes.\n> And the other?\nNo.",
        "> all of it\n> is quoted",
        "My list:\n- one\n- two\nThanks, but the lamp is still broken.",
        "On Monday I wrote:\nplease come.",
        "The opening hours are 10:00 to 12:30, as your page says:\nwe came at 11:00.",
        "Name: Eva\nE-Mail: eva@example.org\nPhone: 0123 45:67\nTo be called: yes",
        "Hello,\n\nfrom: Eva\nphone: 0123\nbest time: 13:37",
        "-- \nonly a signature",
        f"{INTRODUCTIONS['en']}\n> nothing above",
    ],
)
def test_what_somebody_wrote_stays_open(text: str) -> None:
    assert fold_from(text) == 0


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 1_000_000,
        " " * 1_000_000,
        "On " * 300_000,
        "> " * 500_000,
        "From: \n" * 140_000,
        "-" * 1_000_000,
        "---- a" * 160_000,
        "1:11@a " * 140_000,
        "a 1:11\n" * 140_000,
        "\n\nfrom: a 1:11" * 70_000,
        "* " * 500_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    fold_from(text)
    assert time.process_time() - began < 0.5
