"""Passwords: what is accepted, and how they are kept."""

import unicodedata

import pytest
from argon2 import PasswordHasher

from core.errors import WeakPassword
from dashapp.auth import passwords

GOOD = [
    "kT7mQz2x",
    "Tr0ub4dor&3",
    "correct horse battery staple",
    "pale lamp under an old bridge",
    "Zürich-Öl-9 täglich",
]
WEAK = {
    "seven characters": "kT7mQz2",
    "fourteen small letters": "kxqmwzptbvlrhd",
    "eight without a digit": "kTrmQzbx",
    "eight without upper case": "kt7mqz2x",
    "on every list": "password1234567",
    "the name of the application": "boltboltboltbolt",
    "the name with a year": "Bolt2024",
    "one letter": "aaaaaaaaaaaaaaaa",
    "the keyboard": "Qwertyuiop123456",
}


@pytest.mark.parametrize("password", GOOD)
def test_s12_a_good_password_is_accepted(password: str) -> None:
    passwords.check(password)


@pytest.mark.parametrize("name", WEAK)
def test_s12_a_weak_password_is_refused(name: str) -> None:
    with pytest.raises(WeakPassword):
        passwords.check(WEAK[name])


def test_s12_words_about_the_person_are_guessable() -> None:
    passwords.check("Lindqvist79")
    with pytest.raises(WeakPassword):
        passwords.check("Lindqvist79", words=("mara@lindqvist.example",))


def test_s12_a_refused_password_says_what_would_do() -> None:
    with pytest.raises(WeakPassword, match="15 characters"):
        passwords.check("short")


@pytest.mark.parametrize("length", [64, 128, 1_024])
def test_s12_long_passwords_are_taken_whole(length: int) -> None:
    password = ("correct horse battery staple " * 40)[: length - 1] + "!"
    passwords.check(password)
    stored = passwords.make_hash(password)
    assert passwords.matches(stored, password)
    assert not passwords.matches(stored, password[:-1] + "?")


def test_s12_bytes_after_the_72nd_count() -> None:
    head = "ü" * 40
    assert not passwords.matches(passwords.make_hash(head + "one"), head + "two")


def test_s12_a_trailing_space_counts() -> None:
    stored = passwords.make_hash("Copper-teapot-71 ")
    assert passwords.matches(stored, "Copper-teapot-71 ")
    assert not passwords.matches(stored, "Copper-teapot-71")


def test_s12_both_spellings_of_an_umlaut_are_one_password() -> None:
    stored = passwords.make_hash(unicodedata.normalize("NFD", "Zürich-Öl-9"))
    assert passwords.matches(stored, unicodedata.normalize("NFC", "Zürich-Öl-9"))


def test_s12_more_than_1024_characters_are_never_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = passwords.make_hash("x")
    monkeypatch.setattr(passwords, "turn", None)  # would fail where a hash were begun
    with pytest.raises(WeakPassword, match="longer than"):
        passwords.check("Aa1" * 400)
    assert not passwords.matches(stored, "x" * 1_025)


def test_s13_hashes_are_argon2id_with_todays_parameters() -> None:
    assert passwords.make_hash("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_s13_a_hash_with_weaker_parameters_is_outdated() -> None:
    assert passwords.outdated(PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash("x"))
    assert not passwords.outdated(passwords.make_hash("x"))


def test_nobody_matches_the_hash_of_nobody() -> None:
    assert not passwords.matches(None, "nobody has this password")


def test_what_is_no_hash_matches_nothing() -> None:
    assert not passwords.matches("plain text", "plain text")
