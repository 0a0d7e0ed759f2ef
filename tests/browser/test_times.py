"""Times in the zone a person chose."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from core.roles import Role
from dashapp.auth import accounts
from db.queries import users
from tests.browser.conftest import Browse
from tests.web import OWNER

pytestmark = pytest.mark.browser


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
