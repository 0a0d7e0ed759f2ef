"""Times in the zone a person chose."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from core import locales
from core.roles import Role
from dashapp.auth import accounts
from dashapp.static_files import ASSETS
from db.queries import users
from layouts.components import numbers
from tests.browser.conftest import Browse
from tests.web import OWNER

pytestmark = pytest.mark.browser


SCRIPT = Path(ASSETS) / "09-locale.js"
ZONES = (
    ("Asia/Kolkata", "Mon 30 Dec 2024, 23:00 UTC", "Tue 31 Dec 2024, 04:30 in Asia/Kolkata"),
    ("America/New_York", "Sun 9 Mar 2025, 06:59 UTC", "Sun 9 Mar 2025, 01:59 in America/New York"),
    ("America/New_York", "Sun 9 Mar 2025, 07:00 UTC", "Sun 9 Mar 2025, 03:00 in America/New York"),
    ("UTC", "Mon 30 Dec 2024, 23:00 UTC", ""),
    ("Asia/Kolkata", "Nothing was said of a time", ""),
)


def test_a_tooltip_says_the_time_in_the_zone_chosen(browse: Browse, session: Session, owner: int) -> None:
    user = users.by_email(session, OWNER)
    accounts.change_profile(session, user.id, display_name="", preferences={"time_zone": "Asia/Kolkata"})
    session.commit()
    page = browse(Role.ADMIN)
    page.goto("/markets")
    expect(page.locator("#clock")).to_have_attribute("title", re.compile("in Asia/Kolkata$"))
    for zone, said, local in ZONES:
        page.evaluate("zone => { document.documentElement.dataset.tz = zone; }", zone)
        assert page.evaluate("text => window.boltTimes.local(text)", said) == local


AT = datetime(2024, 9, 5, 23, 7, tzinfo=UTC)


def test_scripts_write_as_the_server_does(browse: Browse, session: Session, owner: int) -> None:
    """Every locale: numbers, dates; and times in tooltips are still found."""
    accounts.change_profile(session, owner, display_name="", preferences={"locale": "de-CH"})
    session.commit()
    page = browse(Role.ADMIN)
    page.goto("/markets")
    assert page.evaluate("boltLocale.number(1234.5, 2)") == "1’234.50"
    for tag, locale in locales.LOCALES.items():
        page.evaluate("told => { document.documentElement.dataset.writing = told; }", locales.as_attribute(locale))
        page.evaluate(f"() => {{ {SCRIPT.read_text()} }}")
        locales.use(tag)
        server = [numbers.fixed(v, 2) for v in (1234567.891, -0.5, -0.001)] + [numbers.date(AT), locale.short_date(AT)]
        said = numbers.exact_moment(AT)
        locales.use(None)
        seen = page.evaluate(
            """at => [...[1234567.891, -0.5, -0.001].map((v) => boltLocale.number(v, 2)),
            boltLocale.date(new Date(at)), boltLocale.day(new Date(at))]""",
            AT.timestamp() * 1_000,
        )
        assert seen == server, tag
        assert page.evaluate("text => boltLocale.moment(text)", said) == AT.timestamp() * 1_000
        browser = page.evaluate("tag => new Intl.NumberFormat(tag, {useGrouping: 'always'}).format(1234567.5)", tag)
        assert browser.replace("'", "’") == locale.number("1,234,567.5"), tag  # older tables have the typewriter's
