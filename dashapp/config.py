"""What Flask and its extensions are told, derived from the settings."""

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.errors import ConfigurationError
from core.settings import Settings, demand_secret_key
from dashapp.embedded import secrets
from db.engine import engine_options, psycopg2_url

ROOT = Path(__file__).resolve().parent.parent
CSRF_COOKIE = "_csrf_token"  # readable by Dash's renderer, which sends it back as the header below
CSRF_HEADER = "X-CSRFToken"
THEME_COOKIE = "bolt_theme"  # theme and colours before anybody is known: `theme.updown`
FORM_BYTES = 64 * 1024  # largest body of an ordinary form
CALLBACK_BYTES = 1024 * 1024  # largest body of a callback; files are handed in by a form
PATIENCE = 2  # seconds a page may wait for PostgreSQL before it says that it can't


def complete(settings: Settings) -> Settings:
    """The settings with a secret key: the one made once in BOLT_DATA where none is set."""
    if settings.secret_key:
        return settings
    demand_secret_key(settings)
    return dataclasses.replace(settings, secret_key=secrets.load(settings.bolt_data)["secret_key"])


def session_cookie(settings: Settings) -> str:
    """`__Host-` binds the cookie to this host and to TLS; browsers refuse it on plain HTTP."""
    return "__Host-session" if settings.behind_tls else "session"


def upload_bytes(settings: Settings) -> int:
    """Largest request: a file as base64 inside JSON takes 4/3 of its size."""
    return settings.max_upload_mb * 1024 * 1024 * 4 // 3 + 1024 * 1024


def flask_config(settings: Settings) -> dict[str, Any]:
    """Configuration of Flask, Flask-SQLAlchemy, Flask-WTF and Flask-Compress."""
    if not settings.database_url:
        raise ConfigurationError("DATABASE_URL is not set. Start Bolt with `make run`, which brings PostgreSQL along.")
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": psycopg2_url(settings.database_url),
        "SQLALCHEMY_ENGINE_OPTIONS": web_engine_options(),
        "SESSION_COOKIE_NAME": session_cookie(settings),
        "SESSION_COOKIE_SECURE": settings.behind_tls,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=settings.session_hours),
        "PREFERRED_URL_SCHEME": "https" if settings.behind_tls else "http",
        "MAX_CONTENT_LENGTH": upload_bytes(settings),
        "WTF_CSRF_TIME_LIMIT": None,  # a token lives as long as the session it is bound to
        "WTF_CSRF_HEADERS": [CSRF_HEADER],
        "WTF_CSRF_SSL_STRICT": False,  # the gate compares Origin and Sec-Fetch-Site on every unsafe request
        "COMPRESS_ALGORITHM": ["br", "gzip"],
        "COMPRESS_BR_LEVEL": 1,  # ten times as fast as gzip 6, and no larger
        "COMPRESS_LEVEL": 4,
        "COMPRESS_MIN_SIZE": 600,
        "PROPAGATE_EXCEPTIONS": False,  # every failure becomes our page, in tests as well
    }


def web_engine_options() -> dict[str, Any]:
    """Those of every process, but a person does not wait for long."""
    options: dict[str, Any] = engine_options()
    return options | {
        "pool_timeout": PATIENCE,
        "connect_args": {**options["connect_args"], "connect_timeout": PATIENCE, "tcp_user_timeout": PATIENCE * 1_000},
    }
