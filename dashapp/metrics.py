"""Numbers for Prometheus: requests by endpoint and status, never by person. Closed to strangers."""

import os
from hmac import compare_digest

from flask import Blueprint, Flask, Response, abort, current_app, request
from flask_login import current_user
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_flask_exporter import PrometheusMetrics

from core import cache
from core.roles import Role, covers
from dashapp import security
from dashapp.desk_metrics import DeskCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # set where several web processes share their numbers; wiped at boot
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

blueprint = Blueprint("metrics", __name__)


def install(app: Flask) -> None:
    """Count and time every request; a registry per application, so that two of them do not collide."""
    registry = CollectorRegistry(auto_describe=True)
    PrometheusMetrics(app, path=None, group_by="endpoint", defaults_prefix="bolt", buckets=BUCKETS, registry=registry)
    registry.register(DeskCollector())
    for counter in (cache.HITS, cache.MISSES):  # of the process, where there are several: gathered from their files
        registry.register(counter)
    app.extensions["bolt_registry"] = registry
    app.register_blueprint(blueprint)


@blueprint.get("/metrics")
def show() -> Response:
    if not _allowed():
        abort(404)
    registry = current_app.extensions["bolt_registry"]
    if os.environ.get(FOLDER):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        registry.register(DeskCollector())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _allowed() -> bool:
    token = security.settings().metrics_token
    sent = request.headers.get("Authorization", "")
    if token and compare_digest(sent.encode(), f"Bearer {token}".encode()):
        return True
    return bool(current_user.is_authenticated) and covers(current_user.role, Role.ADMIN)
