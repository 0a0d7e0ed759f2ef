"""What letters say."""

import pytest

from alerts import letters

DETAILS = {
    "name": "Mara",
    "account": "mara@example.org",
    "when": "2026-03-01 12:00 UTC",
    "ip": "192.0.2.7",
    "new": "new@example.org",
    "browser": "Firefox on Linux",
    "left": 9,
    "passkey": "Key",
    "role": "analyst",
    "exchange": "binance",
    "until": "2026-03-01 12:02:00 UTC",
}


@pytest.mark.parametrize("kind", letters.KINDS)
def test_every_letter_is_whole_and_names_the_desk(kind: str) -> None:
    letter = letters.write(kind, DETAILS, base="https://bolt.example.org/", link="https://bolt.example.org/x?token=t")
    assert letter.subject.startswith("Bolt: ")
    assert len(letter.subject) <= letters.LINE
    assert "bolt.example.org" in letter.text
    assert not {"{", "}", "None"} & set(letter.text.split())


@pytest.mark.parametrize("kind", letters.WITH_LINK)
def test_a_letter_that_needs_a_link_holds_it(kind: str) -> None:
    assert (
        "https://desk/x?token=t"
        in letters.write(kind, DETAILS, base="https://desk", link="https://desk/x?token=t").text
    )


def test_a_name_with_line_breaks_makes_no_line_of_its_own() -> None:
    letter = letters.write("passkey_added", DETAILS | {"passkey": "x\r\nBcc: all@example.org"}, base="https://desk")
    assert "\nBcc:" not in letter.text
    assert "\r" not in letter.text + letter.subject


def test_a_name_with_braces_is_only_text() -> None:
    letter = letters.write("passkey_added", DETAILS | {"passkey": "{account.__class__}"}, base="https://desk")
    assert "{account.__class__}" in letter.text


def test_a_kind_there_is_not_is_an_error() -> None:
    with pytest.raises(KeyError):
        letters.write("nonsense", DETAILS, base="https://desk")
