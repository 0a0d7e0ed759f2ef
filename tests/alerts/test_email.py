"""Letters over SMTP, to a small server of our own; and to the console."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from alerts.letters import Letter
from alerts.transports import email
from alerts.transports.email import Refusal, Smtp
from core.errors import Unavailable
from core.settings import read
from dashapp.embedded.children import free_port

LETTER = Letter("Bolt: Grüße", "Line one.\nA line that is not short at all, äöü.\n")


@dataclass
class Server:
    """Speaks as much SMTP as a client needs; `answers` replaces what it says to a command."""

    answers: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    data: bytes = b""

    def __post_init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        try:
            connection, _ = self.listening.accept()
        except OSError:
            return
        with connection, connection.makefile("rwb") as stream:
            self._say(stream, self.answers.get("hello", "220 ready"))
            while line := stream.readline().decode().strip():
                self.lines.append(line)
                word = line.split()[0].upper()
                self._say(stream, self.answers.get(word, {"DATA": "354 go on", "QUIT": "221 bye"}.get(word, "250 ok")))
                if word == "DATA" and word not in self.answers:
                    while (part := stream.readline()) != b".\r\n":
                        self.data += part
                    self._say(stream, self.answers.get("end", "250 taken"))

    @staticmethod
    def _say(stream, text: str) -> None:
        stream.write(text.encode() + b"\r\n")
        stream.flush()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.listening.close()


def transport(server: Server) -> Smtp:
    return Smtp("127.0.0.1", server.port, "none", "", "", "bolt@example.org")


def test_a_letter_arrives_with_its_heads(server: Server) -> None:
    transport(server).send("mara@example.org", LETTER, number=12)
    text = server.data.decode()
    assert "To: mara@example.org" in text
    assert "From: Bolt <bolt@example.org>" in text
    assert "Auto-Submitted: auto-generated" in text
    assert "X-Bolt-Letter: 12" in text
    assert "rcpt TO:<mara@example.org>" in server.lines


@pytest.mark.parametrize(
    ("word", "answer", "kind"),
    [
        ("RCPT", "550 no such user", Refusal),
        ("RCPT", "451 later", Unavailable),
        ("MAIL", "553 not you", Refusal),
        ("end", "554 spam", Refusal),
        ("end", "452 full", Unavailable),
        ("hello", "554 go away", Unavailable),
    ],
)
def test_what_the_server_refuses_for_good_is_told_from_what_may_do_later(
    server: Server, word: str, answer: str, kind: type[Exception]
) -> None:
    server.answers[word] = answer
    with pytest.raises(kind):
        transport(server).send("mara@example.org", LETTER, number=1)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    port = free_port()
    with pytest.raises(Unavailable, match="did not take a letter"):
        Smtp("127.0.0.1", port, "none", "", "", "bolt@example.org").send("mara@example.org", LETTER, number=1)


def test_an_address_that_brings_a_header_is_no_address(server: Server) -> None:
    with pytest.raises(ValueError):
        transport(server).compose("mara@example.org\r\nBcc: all@example.org", LETTER, 1)


def test_starttls_is_not_given_up_where_the_server_has_none(server: Server) -> None:
    careful = Smtp("127.0.0.1", server.port, "starttls", "user", "secret", "bolt@example.org")
    with pytest.raises(Unavailable):
        careful.send("mara@example.org", LETTER, number=1)
    assert not any("secret" in line or line.startswith("AUTH") for line in server.lines)


def test_without_a_mail_server_the_letter_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    email.of(read({})).send("mara@example.org", LETTER, number=3)
    printed = capsys.readouterr().out
    assert "Letter 3 to mara@example.org" in printed
    assert "Line one." in printed


def test_settings_choose_the_transport() -> None:
    chosen = email.of(read({"SMTP_HOST": "mail.example.org", "SMTP_FROM": "bolt@example.org", "SMTP_PASSWORD": "x"}))
    assert isinstance(chosen, Smtp)
    assert (chosen.port, chosen.security, chosen.sender) == (587, "starttls", "bolt@example.org")
