"""A Dovecot of our own: loopback, free ports, everything in one folder, root or not."""

import asyncio
import contextlib
import grp
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.tls import certificate

_CONF = """
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/dovecot.log
instance_name = test-{port}
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
default_login_user = {login_user}
default_internal_user = {internal_user}
default_internal_group = {internal_group}
first_valid_uid = 1
mail_location = maildir:~/mail
mail_max_userip_connections = 100
mailbox_list_index = no
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {dir}/users
}}
userdb {{
  driver = static
  args = uid={mail_user} gid={mail_group} home={dir}/home/%u
}}
service imap-login {{
  chroot =
  service_count = 0
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  mailbox Archiv-Köln {{
    auto = create
  }}
}}
"""


def binary() -> str:
    """Dovecot's path; skips the test where there is none, fails it where CI is set."""
    found = shutil.which("dovecot") or shutil.which("/usr/sbin/dovecot")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("Dovecot is not installed: apt-get install dovecot-imapd")
        pytest.skip("needs Dovecot: apt-get install dovecot-imapd")
    return found


class Dovecot:
    """One server, a user with an empty mailbox for each test, and what tests do to it."""

    password = 'pass "word'
    users = 100

    def __init__(self, folder: Path, certificate: tuple[Path, Path] | None = None) -> None:
        self.folder = folder
        self.port, self.tls_port = free_port(), free_port()
        self.user = "support0"
        self._used = 0
        self.certificate = certificate
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def home(self) -> Path:
        return self.folder / "home" / self.user

    def next_user(self) -> None:
        """Go on with an empty mailbox."""
        self._used += 1
        self.user = f"support{self._used}"

    @classmethod
    @contextlib.contextmanager
    def running(cls, *, tls: bool = False) -> Iterator["Dovecot"]:
        """A server in a folder of its own, which is gone afterwards.

        Not pytest's: another test run at the same time lets those go, and closes them to others.
        """
        with tempfile.TemporaryDirectory(prefix="dovecot-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            server = cls(folder, certificate(folder) if tls else None)
            server.start()
            try:
                yield server
            finally:
                server.stop()

    def start(self) -> None:
        self._configure()
        self._process = subprocess.Popen(
            [binary(), "-F", "-c", str(self.folder / "dovecot.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 15
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                    probe.settimeout(5)
                    if probe.recv(100).startswith(b"* OK"):
                        return
            except OSError:
                pass
            if time.monotonic() > deadline or self._process.poll() is not None:
                log = self.folder / "dovecot.log"
                pytest.fail(f"Dovecot does not start: {log.read_text() if log.exists() else ''}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5)
            self._process = None

    def _configure(self) -> None:
        me = pwd.getpwuid(os.getuid()).pw_name
        group = grp.getgrgid(os.getgid()).gr_name
        root = os.getuid() == 0
        self.home.parent.mkdir(parents=True, exist_ok=True)
        if root:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.home.parent, nobody.pw_uid, nobody.pw_gid)
            for path in [self.folder, *self.folder.parents]:
                if path.owner() == "root" and path != Path("/") and path.stat().st_mode & 0o11 == 0:
                    path.chmod(path.stat().st_mode | 0o711)
        users = self.folder / "users"
        users.write_text("".join(f"support{n}:{self.password}\n" for n in range(self.users)))
        users.chmod(0o644)
        certificate = ""
        if self.certificate:
            certificate = f"ssl_cert = <{self.certificate[0]}\nssl_key = <{self.certificate[1]}"
        (self.folder / "dovecot.conf").write_text(
            _CONF.format(
                dir=self.folder,
                port=self.port,
                tls_port=self.tls_port,
                ssl="yes" if self.certificate else "no",
                certificate=certificate,
                login_user="dovenull" if root else me,
                internal_user="dovecot" if root else me,
                internal_group="dovecot" if root else group,
                mail_user="nobody" if root else me,
                mail_group=grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name if root else group,
            )
        )

    # -- what customers, colleagues and accidents do --------------------------------------------

    @contextlib.contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=30)
        try:
            client.login(self.user, self.password)
            yield client
        finally:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                client.logout()

    def deliver(self, *mails: bytes, folder: str = "INBOX", flags: str = "") -> None:
        with self.client() as client:
            for mail in mails:
                status, answer = client.append(folder, flags, "", mail)
                assert status == "OK", answer

    def fill(self, mails: Iterable[bytes]) -> None:
        """Put mails into the mailbox as its delivery agent would: a file each (Maildir)."""
        owner, new = self.home.parent.stat(), self.home / "mail" / "new"
        folders = [self.home, new.parent, new, new.parent / "cur", new.parent / "tmp"]
        for folder in folders:
            folder.mkdir(exist_ok=True)
        paths = []
        for number, mail in enumerate(mails):
            paths.append(new / f"{1_700_000_000 + number}.M{number}.test")
            paths[-1].write_bytes(mail)
        for path in (*folders, *paths):
            os.chown(path, owner.st_uid, owner.st_gid)

    async def delivered(self, *mails: bytes, flags: str = "") -> None:
        await asyncio.to_thread(self.deliver, *mails, flags=flags)

    def flags(self) -> dict[int, str]:
        """UID → flags of the mails in the folder."""
        with self.client() as client:
            client.select("INBOX", readonly=True)
            _, rows = client.uid("FETCH", "1:*", "(UID FLAGS)")
        out: dict[int, str] = {}
        for row in rows:
            if row:
                text = row.decode()
                uid = int(text.partition("UID ")[2].partition(" ")[0])
                out[uid] = text.partition("FLAGS (")[2].partition(")")[0]
        return out

    def unseen(self) -> list[int]:
        return [uid for uid, flags in self.flags().items() if "\\Seen" not in flags]

    def expunge(self, uid: int) -> None:
        with self.client() as client:
            client.select("INBOX")
            client.uid("STORE", str(uid), "+FLAGS", "(\\Deleted)")
            client.expunge()

    def renumber(self) -> None:
        """Lose the numbering, as a restore from a backup does: a new UIDVALIDITY, new UIDs."""
        before = self.validity()
        for path in self.home.glob("mail/dovecot*"):
            path.unlink()
        while self.validity() == before:
            # UIDVALIDITY is made of the time in seconds: wait for the next one.
            for path in self.home.glob("mail/dovecot*"):
                path.unlink()
            time.sleep(0.2)

    def validity(self) -> int:
        with self.client() as client:
            client.select("INBOX", readonly=True)
            _, answer = client.response("UIDVALIDITY")
        return int(answer[0] or b"0")

    def spoil(self, text: str) -> Callable[[], None]:
        """Make the mail that holds ``text`` unreadable for the server; returns what mends it."""
        for path in [*self.home.glob("mail/cur/*"), *self.home.glob("mail/new/*")]:
            if text.encode() in path.read_bytes():
                mode = path.stat().st_mode
                path.chmod(0)
                name = path.name.partition(":")[0]
                return lambda: next(self.home.glob(f"mail/*/{name}*")).chmod(mode)
        raise AssertionError(f"no mail holds {text!r}")
