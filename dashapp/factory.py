"""The web application, put together: one of the two composition roots."""

from flask import Flask
from sqlalchemy.orm import sessionmaker
from werkzeug.middleware.proxy_fix import ProxyFix

import core.cache
import core.job_queue
import db.engine
from core.settings import Settings
from dashapp import (
    audit_export,
    callback_bodies,
    desk_settings,
    error_pages,
    gate,
    health,
    metrics,
    refusals_export,
    score_export,
    security,
    static_files,
    stream,
    uploads,
)
from dashapp.api import blueprint as api
from dashapp.auth import routes, sessions
from dashapp.config import complete, flask_config
from dashapp.extensions import compress, csrf, database, login_manager
from dashapp.version import version


def create_app(settings: Settings) -> Flask:
    """Everything mounted, in the order in which it must look at a request; raises ConfigurationError."""
    settings = complete(settings)
    app = Flask(__name__, static_folder=None)
    app.config.update(flask_config(settings))
    app.extensions["bolt_settings"] = settings
    app.extensions["bolt_version"] = version()
    security.install(app)
    desk_settings.install(app, settings)
    gate.install(app)
    error_pages.install(app)
    _connect(app, settings)
    login_manager.init_app(app)
    login_manager.session_protection = "strong"
    login_manager.user_loader(sessions.load)
    csrf.init_app(app)
    compress.init_app(app)
    metrics.install(app)
    health.install(app, settings)
    static_files.register(app)
    routes.install(app)
    uploads.install(app)
    api.install(app, settings)
    stream.install(app, settings)
    audit_export.install(app)
    score_export.install(app)
    refusals_export.install(app)
    _mount_dash(app, settings)
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    return app


def _connect(app: Flask, settings: Settings) -> None:
    """PostgreSQL and Redis. Nothing is asked of them yet: the pages start while they are away."""
    database.init_app(app)
    with app.app_context():
        db.engine.bind(sessionmaker(database.engine, expire_on_commit=False))
    if settings.redis_url:
        core.job_queue.connect(settings.redis_url)
    core.cache.connect(settings.redis_url)


def _mount_dash(app: Flask, settings: Settings) -> None:
    from dashapp import dash_ui  # late: pages and callbacks import much, and must find a finished application

    dash = dash_ui.mount(app, settings)
    app.extensions["bolt_dash"] = dash
    callback_bodies.install(app, dash)
