"""What each process of Bolt is told: the settings it reads and the secrets it needs, and no more.

Whoever breaks into one process, or reads its environment, learns what that one process knew.
"""

import re
from collections.abc import Mapping
from dataclasses import fields

from core.jobs import Queue
from core.settings import Settings, variable
from dashapp.embedded.children import INHERITED

SERVERS = frozenset({"DATABASE_URL", "REDIS_URL"})
SECRETS = frozenset(variable(knob.name) for knob in fields(Settings) if knob.metadata["secret"])
SETTINGS = frozenset(variable(knob.name) for knob in fields(Settings))
# What Bolt does not know is the machine's: proxies, certificates, libraries' threads. Names like these are kept back.
SECRET_WORDS = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|_URL$|_DSN$|SESSION", re.IGNORECASE)


def secrets_of(role: str) -> frozenset[str]:
    """The names of the secrets a role gets: the demo exchange none, the web all, letters what opens and sends them."""
    if role == "demo":
        return frozenset()
    if role == "web":
        return SECRETS
    if role.startswith(f"worker-{Queue.ALERTS}"):
        return SECRETS - {"METRICS_TOKEN"}
    if role.startswith(f"worker-{Queue.MARKET}"):
        return SERVERS | {"COINGECKO_API_KEY"}
    return SERVERS


def environment(role: str, settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a role's process, of the supervisor's own and of the completed settings."""
    secrets = secrets_of(role)
    child = {name: value for name, value in environ.items() if _may_know(name, secrets)}
    completed = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
    completed["SECRET_KEY"] = settings.secret_key
    child |= {name: value for name, value in completed.items() if name in secrets}
    return child | {"BOLT_DATA": str(settings.bolt_data), "PYTHONUNBUFFERED": "1"}


def _may_know(name: str, secrets: frozenset[str]) -> bool:
    """Files that held a completed setting are left out too: its value stands beside them."""
    setting = name.removesuffix("_FILE")
    if setting in SECRETS:
        return setting in secrets and setting not in {*SERVERS, "SECRET_KEY"}
    return setting in SETTINGS or name in INHERITED or not SECRET_WORDS.search(name)
