"""PostgreSQL and Redis of one data folder: the addresses that are set, or our own servers."""

from dataclasses import dataclass, replace

from core.errors import ConfigurationError
from core.settings import Settings, demand_secret_key
from dashapp.embedded import secrets
from dashapp.embedded.postgres import Postgres
from dashapp.embedded.valkey import Valkey


def complete(settings: Settings, *, database_url: str, redis_url: str) -> Settings:
    """Settings in which both addresses and the secret key stand, as every process of Bolt would have them."""
    demand_secret_key(settings)
    key = settings.secret_key or secrets.load(settings.bolt_data)["secret_key"]
    return replace(settings, database_url=database_url, redis_url=redis_url, secret_key=key)


@dataclass
class Servers:
    """The embedded servers this folder needs; None where an address is set."""

    settings: Settings
    postgres: Postgres | None
    valkey: Valkey | None

    def completed(self) -> Settings:
        return complete(
            self.settings,
            database_url=self.postgres.url if self.postgres else self.settings.database_url,
            redis_url=self.valkey.url if self.valkey else self.settings.redis_url,
        )

    def start(self) -> None:
        """Start what is ours and wait until it answers; on a failure nothing is left running."""
        try:
            if self.postgres:
                self.postgres.start()
            if self.valkey:
                self.valkey.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self.valkey:
            self.valkey.stop()
        if self.postgres:
            self.postgres.stop()


def choose(settings: Settings) -> Servers:
    """Our own servers for every address that is not set. Starts nothing."""
    home = settings.bolt_data
    try:
        made = secrets.load(home)
    except OSError as error:
        raise ConfigurationError(f"BOLT_DATA={home} cannot be written: {error.strerror}. Choose another.") from error
    return Servers(
        settings,
        None if settings.database_url else Postgres(home, made["postgres_password"]),
        None if settings.redis_url else Valkey(home, made["redis_password"]),
    )
