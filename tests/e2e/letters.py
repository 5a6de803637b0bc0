"""Mails as customers write them."""

from email.message import EmailMessage

from tests.e2e.house import ADDRESS


def letter(subject: str, text: str, message_id: str, *, answers: str = "", html: str = "") -> bytes:
    """From Rosa; ``answers`` is the Message-ID of the mail that she replies to."""
    mail = EmailMessage()
    mail["From"] = "Rosa Vidal <rosa@customer.example>"
    mail["To"] = ADDRESS
    mail["Subject"] = subject
    mail["Date"] = "Sat, 21 Nov 2026 09:14:00 +0100"
    mail["Message-ID"] = message_id
    if answers:
        mail["In-Reply-To"] = answers
        mail["References"] = answers
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    return mail.as_bytes()
