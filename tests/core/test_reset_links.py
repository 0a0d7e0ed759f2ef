"""Links by which somebody chooses a new password."""

from datetime import UTC, datetime, timedelta

import pytest

from core import reset_links
from core.errors import NotFound

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
KEY = "k" * 40
DAY = timedelta(seconds=reset_links.LASTS)


def test_a_link_names_account_and_version() -> None:
    token = reset_links.make(KEY, 7, 3, now=NOW)
    assert reset_links.read(KEY, token, now=NOW + DAY - timedelta(seconds=1)) == (7, 3)


def test_a_link_ends_after_a_day() -> None:
    with pytest.raises(NotFound, match="new one"):
        reset_links.read(KEY, reset_links.make(KEY, 7, 3, now=NOW), now=NOW + DAY)


@pytest.mark.parametrize(
    "token",
    ["", ".", "7.3.99999999999", "7.3.99999999999.", "a.b.c.d", "é" * 9, "7.3.99999999999." + "0" * 64],
)
def test_what_was_not_signed_is_refused(token: str) -> None:
    with pytest.raises(NotFound):
        reset_links.read(KEY, token, now=NOW)


def test_a_link_of_another_desk_is_refused() -> None:
    with pytest.raises(NotFound):
        reset_links.read("other" * 8, reset_links.make(KEY, 7, 3, now=NOW), now=NOW)


def test_a_link_that_was_changed_is_refused() -> None:
    token = reset_links.make(KEY, 7, 3, now=NOW)
    with pytest.raises(NotFound):
        reset_links.read(KEY, "8" + token[1:], now=NOW)
