"""An Exim of our own: loopback, free ports, everything in one folder, root or not.

It takes our mail after STARTTLS and a password, puts what is for ``mail.example`` into mailboxes,
hands what is for ``lmtp.example`` and ``smtp.example`` to doors of ours, and sends back what it
cannot deliver. Its queue is tried each second, as that of any mail server is each half an hour.
"""

import contextlib
import grp
import os
import pwd
import shutil
import smtplib
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.tls import certificate

_CONF = """
primary_hostname = mx.example
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
disable_ipv6 = true
spool_directory = {dir}/spool
log_file_path = {dir}/log/%s
pid_file_path = {dir}/exim.pid
exim_user = {owner}
exim_group = {group}
deliver_drop_privilege = true
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
message_size_limit = {most}
accept_8bitmime = true
smtputf8_advertise_hosts = *
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
acl_smtp_rcpt = recipient
acl_smtp_data = content
delay_warning =

begin acl

recipient:
  deny   condition = ${{lookup{{$local_part@$domain}}lsearch{{{dir}/never}}{{yes}}{{no}}}}
         message = ${{lookup{{$local_part@$domain}}lsearch{{{dir}/never}}}}
  defer  condition = ${{lookup{{$local_part@$domain}}lsearch{{{dir}/later}}{{yes}}{{no}}}}
         message = ${{lookup{{$local_part@$domain}}lsearch{{{dir}/later}}}}
  accept domains = mail.example : lmtp.example : smtp.example
  accept authenticated = *
  deny   message = 550 5.7.1 relay not permitted

content:
  deny   condition = ${{if match{{$h_subject:}}{{unwanted}}}}
         message = 550 5.7.1 this looks like spam
  accept

begin routers

boxes:
  driver = accept
  domains = mail.example
  local_parts = lsearch;{dir}/boxes
  transport = maildir

lmtp:
  driver = manualroute
  domains = lmtp.example
  route_list = * 127.0.0.1
  self = send
  transport = lmtp_door

smtp:
  driver = manualroute
  domains = smtp.example
  route_list = * 127.0.0.1
  self = send
  transport = smtp_door

begin transports

maildir:
  driver = appendfile
  maildir_format
  directory = $local_part_data
  create_directory

lmtp_door:
  driver = smtp
  protocol = lmtp
  port = {lmtp}
  allow_localhost

smtp_door:
  driver = smtp
  port = {smtp}
  allow_localhost
  hosts_require_tls = *
  tls_verify_certificates = {certificate}
  tls_verify_cert_hostnames =
  tls_verify_hosts = *

begin retry
* * F,1h,1s

begin authenticators

plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"""


def binary() -> str:
    """Exim's path; skips the test where there is none, fails it where CI is set."""
    found = shutil.which("exim4") or shutil.which("/usr/sbin/exim4")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("Exim is not installed: apt-get install exim4-daemon-light")
        pytest.skip("needs Exim: apt-get install exim4-daemon-light")
    return found


class Exim:
    """One server; ``lmtp`` and ``smtp`` are the ports at which it looks for doors of ours."""

    user, password = "support", "exim-password"
    most = 200_000
    """Bytes of the largest mail that it takes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.lmtp, self.smtp = free_port(), free_port(), free_port()
        self.certificate, self.key = certificate(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._who: dict[str, Any] = {}

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator["Exim"]:
        """A server in a folder of its own, which is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="exim-", ignore_cleanup_errors=True) as name:
            server = cls(Path(name))
            server.start()
            try:
                yield server
            finally:
                server.stop()

    def start(self) -> None:
        self._configure()
        self._process = subprocess.Popen(
            [binary(), "-C", str(self.folder / "exim.conf"), "-bdf", "-q1s"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._who,
        )
        deadline = time.monotonic() + 15
        while True:
            try:
                with smtplib.SMTP("127.0.0.1", self.port, timeout=5):
                    return
            except (OSError, smtplib.SMTPException):
                pass
            if time.monotonic() > deadline or self._process.poll() is not None:
                pytest.fail(f"Exim does not start: {self.log()}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5)
            self._process = None

    def log(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("log/*")))

    def _configure(self) -> None:
        # As a user without rights, root or not: Exim lets go of them for a configuration that is
        # not the system's, and then cannot read what it wrote before.
        owner = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        group = grp.getgrgid(owner.pw_gid).gr_name
        self.folder.chmod(0o755)
        for name in ("spool", "log", "mail"):
            (self.folder / name).mkdir()
        for name in ("never", "later", "boxes"):
            (self.folder / name).touch()
        (self.folder / "exim.conf").write_text(
            _CONF.format(
                dir=self.folder,
                port=self.port,
                lmtp=self.lmtp,
                smtp=self.smtp,
                most=self.most,
                certificate=self.certificate,
                key=self.key,
                owner=owner.pw_name,
                group=group,
                user=self.user,
                password=self.password,
            )
        )
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        self._who = {"user": owner.pw_uid, "group": owner.pw_gid} if os.getuid() == 0 else {}

    # -- what its postmaster does, and what others do to it -------------------------------------

    def box(self, name: str, at: Path | None = None) -> Path:
        """A mailbox ``name@mail.example``; its mails are files in ``new`` there (Maildir)."""
        where = at or self.folder / "mail" / name
        with (self.folder / "boxes").open("a") as boxes:
            boxes.write(f"{name}: {where}\n")
        return where

    def answers(
        self, *, never: dict[str, str] | None = None, later: dict[str, str] | None = None
    ) -> None:
        """What is said to these recipients, from now on; to all others 250."""
        for name, said in (("never", never), ("later", later)):
            lines = "".join(f"{who}: {answer}\n" for who, answer in (said or {}).items())
            (self.folder / name).write_text(lines)

    def queued(self) -> int:
        """How many mails wait."""
        asked = [binary(), "-C", str(self.folder / "exim.conf"), "-bpc"]
        return int(
            subprocess.run(asked, check=True, capture_output=True, timeout=30, **self._who).stdout
        )

    def bring(self, raw: bytes, *to: str, sender: str) -> None:
        """Somebody outside sends a mail by this server."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
            assert client.sendmail(sender, to, raw) == {}

    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))
