"""Sending a letter: by SMTP, or to the console of the worker where no SMTP server is set."""

import logging
import smtplib
import ssl
import sys
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Protocol

from alerts.letters import Letter
from core.clock import utc_now
from core.errors import Unavailable
from core.settings import Settings

TIMEOUT = 10  # seconds for each answer of the server

log = logging.getLogger("bolt.mail")


class Refusal(Exception):
    """The server will not take this letter, now or later; the text says why."""


class Transport(Protocol):
    """What can carry a letter: raises Unavailable where a later try may do, Refusal where none will."""

    def send(self, address: str, letter: Letter, *, number: int) -> None: ...


def of(settings: Settings) -> Transport:
    """The transport these settings ask for."""
    if not settings.smtp_host:
        return Console()
    return Smtp(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_security,
        settings.smtp_user,
        settings.smtp_password,
        settings.smtp_from or settings.smtp_user,
    )


class Console:
    """Prints the letter where the server's messages go: whoever reads them may act on its link."""

    def send(self, address: str, letter: Letter, *, number: int) -> None:
        text = "\n".join(f"    {line}" for line in letter.text.splitlines())
        sys.stdout.write(f"Letter {number} to {address} (no SMTP_HOST is set)\n    {letter.subject}\n\n{text}\n")
        sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Smtp:
    """One connection a letter: they are few, and a connection that broke takes no other letter with it."""

    host: str
    port: int
    security: str  # starttls, tls or none
    user: str
    password: str
    sender: str

    def send(self, address: str, letter: Letter, *, number: int) -> None:
        message = self.compose(address, letter, number)
        try:
            with self._connect() as server:
                if self.security == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as fault:
            codes = [code for code, _ in fault.recipients.values()]
            self._tell(max(codes, default=550), "The mail server refused the recipient.")
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as fault:
            self._tell(fault.smtp_code, "The mail server refused the letter.")
        except (smtplib.SMTPException, OSError) as fault:
            raise Unavailable(f"The mail server {self.host} did not take a letter: {type(fault).__name__}.") from fault

    def compose(self, address: str, letter: Letter, number: int) -> EmailMessage:
        """The message; a letter has the same id at each try, so that a doubled one can be seen."""
        message = EmailMessage()
        message["From"] = Address("Bolt", addr_spec=self.sender)
        message["To"] = Address(addr_spec=address)
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(utc_now())
        message["Message-ID"] = make_msgid(f"bolt-{number}", domain=self.sender.rpartition("@")[2] or "localhost")
        message["Auto-Submitted"] = "auto-generated"
        message["X-Bolt-Letter"] = str(number)
        message.set_content(letter.text)
        return message

    def _connect(self) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=ssl.create_default_context())
        return smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)

    @staticmethod
    def _tell(code: int, sentence: str) -> None:
        """4xx of RFC 5321 is for now, 5xx for good."""
        if code >= 500:
            raise Refusal(f"{sentence} It answered {code}.")
        raise Unavailable(f"{sentence} It answered {code}; another try follows.")
