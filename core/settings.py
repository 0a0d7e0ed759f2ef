"""Settings: one frozen object, read once from the environment.

Every field names its variable, its default and what it is for; `docs/settings.md`, `.env.example` and the table
in the README are generated from here (`python -m dashapp settings`). A value may stand in a file instead: set
NAME_FILE. All faults are reported at once.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.errors import ConfigurationError, Refused

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}
MOST_AUTO = 8  # training processes begun without being asked for: each takes about 0.8 GB
NAME = re.compile(r"[a-z0-9_]{1,32}")
HOST_NAME = re.compile(r"(?=.{1,253}$)\w(?:[\w-]{0,61}\w)?(?:\.\w(?:[\w-]{0,61}\w)?)*\.?", re.ASCII)
MIN_SECRET = 32  # bytes; shorter HMAC keys can be guessed


def _flag(text: str) -> bool:
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise ValueError("must be 1 or 0")


def _choice(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return read


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError(f"must be a whole number from {low} to {high}") from None
        if not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return value

    return read


def _a_core(text: str) -> int:
    """`auto` is as many as there are cores, but no more than memory is likely to bear."""
    return min(os.cpu_count() or 1, MOST_AUTO) if text == "auto" else _whole(0, 64)(text)


def _a_minute(text: str) -> int:
    """`100`, also written `100/min`."""
    return _whole(1, 1_000_000)(text.removesuffix("/min"))


def _names(text: str) -> tuple[str, ...]:
    found = tuple(name.strip().lower() for name in text.split(",") if name.strip())
    if strange := [name for name in found if not NAME.fullmatch(name)]:
        raise ValueError(f"must be names with commas between them, such as binance,kraken; {strange[0]!r} is none")
    return found


def _text(text: str) -> str:
    return text


def _host(text: str) -> str:
    """A server's name or IP address alone: no scheme, account, port or path goes along."""
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        if text and not HOST_NAME.fullmatch(text):
            raise ValueError("must be a host name or IP address alone, such as mail.example.org") from None
    return text.strip("[]")


def _address(*schemes: str, account: bool = False) -> Callable[[str], str]:
    """An address of one of these schemes; `account` where a name and password may stand in it."""

    def read(text: str) -> str:
        if not text:
            return text
        try:
            split = urlsplit(text)
            fits = split.scheme in schemes and (account or not (split.username or split.password))
            _ = split.port
        except ValueError:  # brackets that hold no IPv6 address, a port that is no number
            fits = False
        if not fits or any(c.isspace() or not c.isprintable() for c in text):
            more = "" if account else ", without an account in it"
            raise ValueError(f"must be an address that begins with {' or '.join(f'{s}:' for s in schemes)}{more}")
        return text

    return read


def _knob(
    default: str, about: str, read: Callable[[str], Any] = _text, *, secret: bool = False, desk: bool = False
) -> Any:
    """`desk`: an admin may change it while Bolt runs; what is chosen there wins over the environment."""
    return field(metadata={"default": default, "about": about, "read": read, "secret": secret, "desk": desk})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set from outside. Field `bolt_env` is the variable BOLT_ENV, and so on."""

    bolt_env: str = _knob(
        "development",
        "`production` demands SECRET_KEY and never makes one up.",
        _choice("development", "production"),
    )
    bolt_data: Path = _knob(
        "./var", "Folder for the embedded databases, models, secrets and logs.", lambda t: Path(t).absolute()
    )
    host: str = _knob("127.0.0.1", "Address to listen on. Anything but loopback needs TLS in front.")
    port: int = _knob("8050", "Port of the web page.", _whole(1, 65_535))
    public_url: str = _knob(
        "",
        "Address people type, such as https://bolt.example.org; other names are refused.",
        _address("https", "http"),
    )
    behind_tls: bool = _knob("0", "1 where a proxy ends TLS in front of Bolt: cookies become Secure.", _flag)
    trusted_proxies: int = _knob("0", "How many proxies in front may set X-Forwarded-For.", _whole(0, 5))
    allow_insecure_http: bool = _knob("0", "1 serves plain HTTP on an address that is not loopback.", _flag)
    database_url: str = _knob(
        "",
        "PostgreSQL to use instead of the embedded one.",
        _address("postgresql", "postgres", "postgresql+psycopg2", account=True),
        secret=True,
    )
    redis_url: str = _knob(
        "", "Redis to use instead of the embedded one.", _address("redis", "rediss", "unix", account=True), secret=True
    )
    secret_key: str = _knob(
        "", "Signs sessions and tokens; 32 characters or more. Made once in BOLT_DATA.", secret=True
    )
    require_totp_for_admins: bool = _knob(
        "0", "Close the desk to admins until they have set up two-factor sign-in.", _flag, desk=True
    )
    smtp_host: str = _knob("", "Mail server. Without one, letters are printed where the server's messages go.", _host)
    smtp_port: int = _knob("587", "Its port.", _whole(1, 65_535))
    smtp_security: str = _knob(
        "starttls", "`starttls`, `tls` (from the first byte) or `none`.", _choice("starttls", "tls", "none")
    )
    smtp_user: str = _knob("", "Account at the mail server, where it wants one.")
    smtp_password: str = _knob("", "Its password.", secret=True)
    smtp_from: str = _knob("", "Address the letters come from; SMTP_USER when empty.")
    registration: str = _knob(
        "closed",
        "Who may make an account: `closed`, `invite` or `open`.",
        _choice("closed", "invite", "open"),
        desk=True,
    )
    session_idle_minutes: int = _knob(
        "30", "A session ends after this long without a request or an open live stream.", _whole(1, 1_440)
    )
    session_hours: int = _knob("12", "A session ends after this long in any case, hours.", _whole(1, 720), desk=True)
    models_dir: str = _knob("", "Folder of trained models; `models` in BOLT_DATA when empty.")
    exchanges: tuple[str, ...] = _knob("binance,coinbase,kraken", "ccxt ids of exchanges, in order of choice.", _names)
    backfill_days_1m: int = _knob(
        "14", "How far back 1m candles of a followed market are fetched, days.", _whole(1, 3_650)
    )
    backfill_days_5m: int = _knob("90", "The same for 5m candles, of which 15m are built.", _whole(1, 3_650))
    coingecko: str = _knob(
        "on",
        "CoinGecko tells market caps and another price to check ours by; `off` never asks it.",
        _choice("on", "off"),
    )
    coingecko_api_key: str = _knob("", "Key of its free plan; without one its public limits count.", secret=True)
    price_check_percent: int = _knob("3", "A price further off CoinGecko's than this is flagged, %.", _whole(1, 100))
    demo: str = _knob(
        "auto",
        "Demo exchange: `auto` starts it when no exchange answers at the first start.",
        _choice("auto", "on", "off"),
    )
    demo_port: int = _knob("0", "Port of the demo exchange; 0 takes a free one.", _whole(0, 65_535))
    web_threads: int = _knob("320", "Threads of the web server; live streams hold up to 3 in 4.", _whole(8, 1_024))
    workers_market: int = _knob("1", "Worker processes for market data.", _whole(0, 64))
    workers_train: int = _knob(
        "auto", "Worker processes for training, each with one thread; `auto` is one a core.", _a_core
    )
    workers_alerts: int = _knob("1", "Worker processes for letters and alerts.", _whole(0, 64))
    workers_predict: int = _knob("1", "Worker processes for predictions.", _whole(0, 64))
    model_max_age_days: int = _knob(
        "180", "Days after its training on which a proven champion is demoted to unproven.", _whole(1, 3_650)
    )
    max_upload_mb: int = _knob("64", "Largest file that may be imported on the page, MB.", _whole(1, 1_024))
    metrics_token: str = _knob("", "Bearer token that may read /metrics; without it nobody may.", secret=True)
    rate_limit_api: int = _knob(
        "100", "Requests to the JSON API a minute, per account or address.", _a_minute, desk=True
    )
    rate_limit_auth: int = _knob(
        "10", "Of these, sign-ins, refreshes, registrations and new passwords together.", _a_minute, desk=True
    )
    log_level: str = _knob("INFO", "DEBUG, INFO, WARNING or ERROR.", _choice("DEBUG", "INFO", "WARNING", "ERROR"))

    @property
    def production(self) -> bool:
        return self.bolt_env == "production"

    @property
    def loopback(self) -> bool:
        return self.host in LOOPBACK

    @property
    def models(self) -> Path:
        return Path(self.models_dir).absolute() if self.models_dir else self.bolt_data / "models"


def variable(name: str) -> str:
    """The environment variable of a field."""
    return name.upper()


def raw(name: str, environ: Mapping[str, str], default: str = "") -> str:
    """What a variable holds, itself or in the file that NAME_FILE names; raises ValueError for one it can't read."""
    if path := environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"is to be read from {path}: {error.strerror}") from error
    return environ.get(name, "") or default


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment; raises ConfigurationError listing every fault."""
    environ = os.environ if environ is None else environ
    values, faults = {}, []
    for knob in fields(Settings):
        name = variable(knob.name)
        try:
            values[knob.name] = knob.metadata["read"](raw(name, environ, knob.metadata["default"]))
        except ValueError as fault:
            faults.append(f"{name} {fault}.")
    if not faults:
        settings = Settings(**values)
        faults = _contradictions(settings)
        if not faults:
            return settings
    raise ConfigurationError("The environment needs a change:\n  " + "\n  ".join(faults))


def _contradictions(settings: Settings) -> list[str]:
    faults = []
    if settings.secret_key and len(settings.secret_key) < MIN_SECRET:
        faults.append(f"SECRET_KEY must have at least {MIN_SECRET} characters.")
    if settings.behind_tls and not settings.public_url:
        faults.append("PUBLIC_URL must name the address people type when BEHIND_TLS=1: https://bolt.example.org.")
    if not settings.loopback and not settings.behind_tls and not settings.allow_insecure_http:
        faults.append(
            f"HOST={settings.host} would serve passwords over plain HTTP. Put a TLS proxy in front and "
            "set BEHIND_TLS=1, keep HOST=127.0.0.1, or set ALLOW_INSECURE_HTTP=1 if this network is yours alone."
        )
    if settings.smtp_host and not (settings.smtp_from or settings.smtp_user):
        faults.append("SMTP_FROM must name the address letters come from, since SMTP_HOST is set.")
    return faults


def demand_secret_key(settings: Settings) -> None:
    """For those that sign: raises ConfigurationError in production without a key. Other processes get none."""
    if settings.production and not settings.secret_key:
        raise ConfigurationError(
            "SECRET_KEY must be set when BOLT_ENV=production: python -c 'import secrets; print(secrets.token_hex(32))'."
        )


def at_the_desk() -> dict[str, str]:
    """What an admin may change while Bolt runs: field -> what it is for."""
    return {knob.name: knob.metadata["about"] for knob in fields(Settings) if knob.metadata["desk"]}


def changed(settings: Settings, chosen: Mapping[str, str]) -> Settings:
    """The settings with what was chosen at the desk; raises Refused for what can't be chosen."""
    knobs, values = {knob.name: knob for knob in fields(Settings) if knob.metadata["desk"]}, {}
    for name, text in chosen.items():
        if name not in knobs:
            raise Refused(f"{variable(name)} can't be changed while Bolt runs.")
        try:
            values[name] = knobs[name].metadata["read"](text)
        except ValueError as fault:
            raise Refused(f"{variable(name)} {fault}.") from None
    return replace(settings, **values)


def describe() -> list[tuple[str, str, str]]:
    """(variable, default, what it is for) of every setting, in order."""
    return [(variable(k.name), k.metadata["default"], k.metadata["about"]) for k in fields(Settings)]
