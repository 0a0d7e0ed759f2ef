"""What browsers say of themselves, in words."""

import pytest

from core.browsers import browser

MOZILLA = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (MOZILLA, "Chrome on Linux"),
        (MOZILLA + " Edg/131.0", "Edge on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; rv:133.0) Firefox/133.0", "Firefox on Windows"),
        ("Firefox/133.0", "Firefox"),
        ("bolt-load " * 9, ("bolt-load " * 9)[:40]),
        ("", "Unknown program"),
    ],
)
def test_browsers_are_told_by_name_and_system(said: str, words: str) -> None:
    assert browser(said) == words
