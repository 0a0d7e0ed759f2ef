"""`python -m dashapp up`: start everything, keep it running, end it in order."""

import http.client
import os
import signal
import time
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

from core.errors import ConfigurationError
from core.settings import Settings, demand_secret_key
from dashapp.embedded.children import free_port
from dashapp.supervisor import database, preflight, roles, servers, state
from dashapp.supervisor.child import Child, Launch, log_path
from dashapp.supervisor.environments import environment
from dashapp.supervisor.output import Log, say
from dashapp.version import version

PULSE = 0.1  # seconds between two looks at the children
WEB_FIRST = 10.0  # seconds for which the page has the processor to itself at the start
POLL_DEMO = 2.0  # seconds between two looks at whether the demo exchange is wanted
POLL_FOLLOWED = 3.0  # seconds between two looks at which exchanges have followed markets
# To end in, 19 s in all: web and workers at once, for a worker's job may take its time to write a checkpoint.
WEB_SECONDS, WORKER_SECONDS, REDIS_SECONDS, POSTGRES_SECONDS = 4.0, 13.0, 2.0, 4.0
POSTGRES, REDIS = "postgres", "redis"


class Stop(BaseException):
    """Ctrl-C or SIGTERM."""


@dataclass
class Supervisor:
    """Owns every process of one data folder."""

    settings: Settings  # completed by `start`: both addresses and the secret key stand in it
    owned: servers.Servers
    children: dict[str, Child] = field(default_factory=dict)
    ready: bool = False
    waiting: list[roles.Role] = field(default_factory=list)  # started once the page answers
    waits_until: float = 0.0
    demo_port: int = 0
    demo_announced: bool = False
    looked_for_demo: float = float("-inf")
    looked_for_followed: float = float("-inf")

    def start(self) -> None:
        """Servers first, then the schema, then everything that needs them."""
        self._start_servers()
        self.settings = self.owned.completed()
        database.migrate(self.settings)
        if self.owned.postgres:
            database.give_back_orphans()
        database.announce_demo(None)  # the port of an earlier run is nobody's now
        if self.settings.demo == "on":
            database.want_demo()
        self._add_role(roles.web())
        self.waiting = roles.workers(self.settings)
        self.waits_until = time.monotonic() + WEB_FIRST
        self._write_state()

    def _start_servers(self) -> None:
        """Each keeps its port for the life of the supervisor, so that after a restart it is where it was."""
        postgres, valkey = self.owned.postgres, self.owned.valkey
        if postgres:
            self._add(POSTGRES, postgres.launch, signal.SIGINT)
            if postgres.data.parent != self.settings.bolt_data:
                say(f"PostgreSQL keeps its data in {postgres.place}.")
        if valkey:
            self._add(REDIS, valkey.launch)
            valkey.wait()
        if postgres:
            postgres.wait()

    def _add_role(self, role: roles.Role) -> None:
        self._add(role.name, partial(role.launch, environment(role.name, self.settings, os.environ)))

    def _add(self, name: str, launch: Launch, end_signal: int = signal.SIGTERM) -> None:
        child = Child(name, launch, Log(log_path(self.settings.bolt_data, name)), end_signal)
        child.start()
        self.children[name] = child

    def watch(self) -> None:
        """Keep everything running until a signal raises Stop."""
        while True:
            now = time.monotonic()
            changed = [child.name for child in list(self.children.values()) if child.tick(now)]
            if not self.ready and self._web_answers():
                self.ready = True
                changed += self._add_workers()
                self._greet()
            if self.waiting and now > self.waits_until:
                changed += self._add_workers()
            if now - self.looked_for_demo >= POLL_DEMO:
                self.looked_for_demo = now
                changed += self._look_for_demo()
            if not self.waiting and now - self.looked_for_followed >= POLL_FOLLOWED:
                self.looked_for_followed = now
                changed += self._look_for_followed()
            if changed:
                self._write_state()
            time.sleep(PULSE)

    def _add_workers(self) -> list[str]:
        started, self.waiting = self.waiting, []
        for role in started:
            self._add_role(role)
        return [role.name for role in started]

    @property
    def address(self) -> str:
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        return f"http://{host}:{self.settings.port}"

    def _web_answers(self) -> bool:
        local = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104  (addresses to translate, not to bind)
        url = f"http://{local.get(self.settings.host, self.settings.host)}:{self.settings.port}/health/live"
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                return int(answer.status) == 200
        except (OSError, http.client.HTTPException):
            return False

    def _greet(self) -> None:
        """The address, the setup code while there is no owner, and who runs."""
        say(f"\nBolt {version()} is ready: {self.settings.public_url or self.address}")
        if code := database.setup_code(self.settings):
            say(f"First visit: make the owner account with the setup code  {code}")
        for child in self.children.values():
            say(f"  {child.name:<16} {'runs' if child.runs else 'does not run yet'}")
        say(f"Logs are in {self.settings.bolt_data / 'log'}. Ctrl-C ends everything.\n")

    def _look_for_demo(self) -> list[str]:
        """Start the demo exchange once it is wanted; returns what changed."""
        if self.settings.demo == "off" or self.demo_announced or not database.demo_is_wanted():
            return []
        if roles.DEMO not in self.children:
            self.demo_port = self.settings.demo_port or free_port()
            self._add_role(roles.demo(self.demo_port))
            say(f"The demo exchange runs on port {self.demo_port}: its candles are marked simulated.")
        self.demo_announced = database.announce_demo(f"http://127.0.0.1:{self.demo_port}")
        return [roles.DEMO]

    def _look_for_followed(self) -> list[str]:
        """Start a live process for each exchange that has followed markets; returns the new ones' names.

        One whose markets nobody follows any more stays, and waits without a connection.
        """
        named = [name for name in database.followed_exchanges() if name != roles.DEMO or self.demo_announced]
        new = [role for role in map(roles.live, named) if role.name not in self.children]
        for role in new:
            self._add_role(role)
        return [role.name for role in new]

    def _write_state(self) -> None:
        running = {name: child.pid for name, child in self.children.items() if child.pid}
        said = state.State(
            os.getpid(), state.UP, self.address, self.settings.database_url, self.settings.redis_url, running
        )
        state.write(self.settings.bolt_data, said)

    def stop(self) -> None:
        """Web and those that work, then the servers they need; each stage has its time."""
        self.waiting = []
        helpers = [name for name in self.children if name not in {roles.WEB, POSTGRES, REDIS}]
        self._ask([roles.WEB, *helpers])
        began = time.monotonic()
        self._end([roles.WEB], began + WEB_SECONDS)
        self._end(helpers, began + WORKER_SECONDS)
        for server, seconds in ((REDIS, REDIS_SECONDS), (POSTGRES, POSTGRES_SECONDS)):
            self._ask([server])
            self._end([server], time.monotonic() + seconds)

    def _ask(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self.children:
                self.children[name].ask_to_end()

    def _end(self, names: Iterable[str], deadline: float) -> None:
        for name in names:
            if name in self.children:
                self.children[name].end(deadline)


def _raise_stop(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the stop itself is not to be interrupted
    raise Stop


def up(settings: Settings) -> int:
    """Run until Ctrl-C or SIGTERM; returns the exit code, 0 after an ordered stop."""
    demand_secret_key(settings)
    preflight.require(settings)
    for note in preflight.notes(settings):
        say(note)
    with state.hold(settings.bolt_data) as ours:
        if not ours:
            raise ConfigurationError(
                f"Another command of Bolt works on {settings.bolt_data} right now. Start again when it has ended."
            )
        supervisor = Supervisor(settings, servers.choose(settings))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _raise_stop)
        try:
            say("Starting Bolt ...")
            supervisor.start()
            supervisor.watch()
        except Stop:
            say("\nEnding ...")
        finally:
            supervisor.stop()
    say("Ended. All data are kept.")
    return 0
