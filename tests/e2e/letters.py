"""Mails as customers write them."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

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


def parcel(subject: str, text: str, message_id: str, *, answers: str = "") -> bytes:
    """The same with a mail that she forwards, an invitation, a link, and a remote image."""
    html = (
        f"<p>{text}</p><p><a href='https://photos.example/torn'>How it is torn</a></p>"
        '<p><img src="https://lamps.example/shade.png" alt="a shade"></p>'
    )
    mail = message_from_bytes(
        letter(subject, text, message_id, answers=answers, html=html), policy=SMTP
    )
    bob = EmailMessage(policy=SMTP)
    bob["From"] = "Bob Kim <bob@customer.example>"
    bob["To"] = "rosa@customer.example"
    bob["Subject"] = "The shade"
    bob.set_content("Linen would be best.\n")
    bob.add_attachment(b"31 cm", maintype="text", subtype="x-size", filename="size.txt")
    mail.add_attachment(bob, filename="from Bob.eml")
    mail.add_attachment(
        FITTING.encode(), maintype="text", subtype="calendar", filename="fitting.ics"
    )
    return mail.as_bytes()


FITTING = "\r\n".join(
    (
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "METHOD:REQUEST", "BEGIN:VEVENT"),
        *("UID:fitting@customer.example", "SUMMARY:Fitting of the shade", "LOCATION:At Rosa's"),
        *("DTSTART:20261127T150000Z", "DTEND:20261127T153000Z", "RRULE:FREQ=WEEKLY;COUNT=2"),
        *("ORGANIZER;CN=Rosa Vidal:mailto:rosa@customer.example", "STATUS:CONFIRMED"),
        *("ATTENDEE;CN=Support:mailto:support@firm.example", "END:VEVENT", "END:VCALENDAR", ""),
    )
)
