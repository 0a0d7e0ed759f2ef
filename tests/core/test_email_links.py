"""Links that confirm a new address."""

from datetime import UTC, datetime, timedelta

import pytest

from core import email_links
from core.errors import NotFound

KEY, NOW = "k" * 40, datetime(2026, 3, 1, tzinfo=UTC)


def test_a_link_says_account_version_and_address_for_a_day() -> None:
    token = email_links.make(KEY, 7, 3, "mára@example.org", now=NOW)
    assert email_links.read(KEY, token, now=NOW + timedelta(hours=23)) == (7, 3, "mára@example.org")
    with pytest.raises(NotFound, match="not valid any more"):
        email_links.read(KEY, token, now=NOW + timedelta(hours=25))


@pytest.mark.parametrize("token", ["", ".", "1.1.1.1", "7.3.9999999999.YQ.00", "ü", "a.b.c.d.e"])
def test_a_forged_link_is_not_found(token: str) -> None:
    with pytest.raises(NotFound):
        email_links.read(KEY, token, now=NOW)


def test_another_address_needs_another_signature() -> None:
    token = email_links.make(KEY, 7, 3, "mara@example.org", now=NOW)
    other = email_links.make("x" * 40, 7, 3, "eve@example.org", now=NOW)
    mixed = token.rsplit(".", 2)[0] + "." + other.split(".")[3] + "." + token.rsplit(".", 1)[1]
    with pytest.raises(NotFound):
        email_links.read(KEY, mixed, now=NOW)
