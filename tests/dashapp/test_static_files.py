"""Style, script, icons and fonts under one fingerprint."""

import re

import pytest
from flask.testing import FlaskClient

from dashapp import static_files as s
from layouts.components.icons import NAMES


def test_files_may_be_kept_for_a_year_by_strangers_too(client: FlaskClient) -> None:
    answer = client.get(s.static_files().url("bolt.css"))
    assert answer.status_code == 200
    assert answer.content_type == "text/css; charset=utf-8"
    assert set(answer.headers["Cache-Control"].split(", ")) == {"public", "max-age=31536000", "immutable"}


def test_files_of_another_version_are_not_kept(client: FlaskClient) -> None:
    answer = client.get("/static/000000000000/bolt.js")
    assert answer.status_code == 200
    assert "no-cache" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["nope.css", "../pyproject.toml", "fonts/../bolt.css", ".env"])
def test_other_names_are_not_there(client: FlaskClient, name: str) -> None:
    assert client.get(f"/static/{s.static_files().fingerprint}/{name}").status_code == 404


def test_unknown_names_fail_where_they_are_written() -> None:
    with pytest.raises(KeyError, match=r"nope\.css"):
        s.static_files().url("nope.css")


def test_every_icon_has_its_drawing() -> None:
    css = s.icon_css()
    for name in NAMES:
        assert re.search(rf"\.i-{name} \{{ --icon: url\(\"data:image/svg\+xml,%3Csvg", css), name


def test_style_is_in_order_and_names_no_other_host() -> None:
    css = s.static_files().files["bolt.css"].decode()
    assert css.index("--surface-0") < css.index(".topbar") < css.index("max-width: 575.98px) {\n  body")
    assert not re.search(r"url\(\"?(https?:)?//", css)
    assert "@import" not in css


def test_bootstrap_comes_without_its_map() -> None:
    assert b"sourceMappingURL" not in s.static_files().files["bootstrap.css"]


def test_every_token_that_is_used_is_defined() -> None:
    css = s.static_files().files["bolt.css"].decode()
    bootstrap = s.static_files().files["bootstrap.css"].decode()
    defined = set(re.findall(r"(--[\w-]+)\s*:", css + bootstrap))
    used = set(re.findall(r"var\((--[\w-]+)\)", css))
    assert used - defined == set()
