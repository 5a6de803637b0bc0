"""A help desk from PyPI fetching its mails: ``python -m bench.helpdesk DATABASE_URL MAILBOX``.

django-helpdesk's own ``get_email`` on PostgreSQL, as its documentation has it. MAILBOX is JSON with
``host``, ``port``, ``user`` and ``password``. Prints JSON: tickets made, and the seconds it took.
"""

import json
import sys
import tempfile
import time
from typing import Any


def _settings(dsn: str, media: str) -> dict[str, Any]:
    from psycopg.conninfo import conninfo_to_dict

    at = conninfo_to_dict(dsn)
    return {
        "SECRET_KEY": "bench",
        "USE_TZ": True,
        "MEDIA_ROOT": media,
        "SITE_ID": 1,
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "NAME": "django",
            }
        ],
        "HELPDESK_TEAMS_MODE_ENABLED": False,
        "HELPDESK_VALID_EXTENSIONS": [".txt", ".png", ".html"],
        "DATABASES": {
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": at["dbname"],
                "USER": at["user"],
                "PASSWORD": at.get("password", ""),
                "HOST": at.get("host", ""),
                "PORT": at.get("port", ""),
            }
        },
        "INSTALLED_APPS": [
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.sites",
            "django.contrib.humanize",
            "django.contrib.admin",
            "django.contrib.messages",
            "rest_framework",
            "helpdesk",
        ],
    }


def main() -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command

    dsn, box = sys.argv[1], json.loads(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="helpdesk-") as media:
        settings.configure(**_settings(dsn, media))
        django.setup()
        from django.urls import include, path

        settings.ROOT_URLCONF = (path("", include("helpdesk.urls", namespace="helpdesk")),)
        call_command("migrate", verbosity=0)
        from helpdesk.models import Queue, Ticket

        Queue.objects.create(
            title="support",
            slug="support",
            email_address="support@bench.example",
            allow_email_submission=True,
            email_box_type="imap",
            email_box_host=box["host"],
            email_box_port=box["port"],
            email_box_user=box["user"],
            email_box_pass=box["password"],
            email_box_imap_folder="INBOX",
            email_box_interval=0,
        )
        began = time.monotonic()
        call_command("get_email", quiet=True)
        took = time.monotonic() - began
        print(json.dumps({"tickets": Ticket.objects.count(), "seconds": took}))


if __name__ == "__main__":
    main()
