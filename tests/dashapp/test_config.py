"""Flask's configuration, derived from the settings."""

import pytest

from core.errors import ConfigurationError
from core.settings import read
from dashapp.config import complete, flask_config, session_cookie, upload_bytes
from dashapp.extensions import csrf
from tests.web import make_app, settings_for

URL = "postgres://bolt:x@127.0.0.1/bolt"


def test_a_secret_key_is_made_once_where_none_is_set(tmp_path) -> None:
    bare = read({"BOLT_DATA": str(tmp_path)})
    first = complete(bare)
    assert len(first.secret_key) >= 32
    assert complete(bare).secret_key == first.secret_key
    assert complete(first) is first


def test_without_a_database_there_is_no_application() -> None:
    with pytest.raises(ConfigurationError, match="make run"):
        flask_config(read({"SECRET_KEY": "s" * 40}))


def test_a_short_database_address_is_understood() -> None:
    assert flask_config(settings_for(URL))["SQLALCHEMY_DATABASE_URI"].startswith("postgresql+psycopg2://")


def test_the_cookie_is_named_for_its_binding() -> None:
    assert session_cookie(settings_for(URL)) == "session"
    assert session_cookie(settings_for(URL, BEHIND_TLS="1", PUBLIC_URL="https://bolt.example.org")) == "__Host-session"


def test_the_largest_upload_fits_as_base64() -> None:
    assert upload_bytes(settings_for(URL, MAX_UPLOAD_MB="3")) > 3 * 1024 * 1024 * 4 / 3


def test_nothing_but_the_api_is_exempt_from_csrf(database, postgres) -> None:
    """The API looks at no cookie, so there is nothing to forge."""
    make_app(settings_for(postgres.url))
    assert csrf._exempt_views == set()
    assert {blueprint.name for blueprint in csrf._exempt_blueprints} == {"api"}


def test_idle_and_absolute_limits_come_from_the_settings() -> None:
    config = flask_config(settings_for(URL, SESSION_HOURS="3"))
    assert config["PERMANENT_SESSION_LIFETIME"].total_seconds() == 3 * 3_600
