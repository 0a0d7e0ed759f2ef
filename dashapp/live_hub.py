"""Ticks for every open stream of this process: one Redis subscriber, which hands each tick to whoever wants it.

A client that does not keep up is dropped: its queue is bounded, and the browser comes again with the id of what it saw
last. A subscriber that lost Redis reads what it missed from the backlog. A second thread asks twice a second, for all
clients at once, whether their sessions still stand, and notes once a minute that they are in use.
"""

import logging
import os
import queue
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

import db.engine
from core import tallies, ticks
from core.clock import utc_now
from core.shared import SharedNumbers
from core.tallies import Tallies
from core.ticks import Told
from db.queries import user_sessions

WAITING = 200  # ticks a client may be behind
PATIENCE = 1.0  # seconds the subscriber waits for a message before it looks whether it is still wanted
SUBSCRIBE_S = 2.0  # how long a new client waits for the subscriber
PAUSE = 0.5  # seconds between tries to reach a Redis that is away
LOOK = 0.5  # seconds between looks at the sessions
IDLE = 30.0  # seconds without a client after which the subscriber ends
COUNTED = 5.0  # seconds between additions to everybody's counts
LAGS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds from publishing a tick to handing it to a client's connection

log = logging.getLogger("bolt.live")


@dataclass(eq=False, slots=True)
class Client:
    """One open stream of the session `sid`; `dropped` once it was too slow, `ended` once the session is over."""

    markets: frozenset[str]
    sid: str = ""
    waiting: "queue.Queue[Told | None]" = field(default_factory=lambda: queue.Queue(WAITING))
    dropped: bool = False
    ended: bool = False

    def next(self, seconds: float) -> Told | None:
        """The next tick; None where none came in time."""
        try:
            return self.waiting.get(timeout=max(0.001, seconds))
        except queue.Empty:
            return None

    def ready(self) -> list[Told]:
        """What waits besides, at once: a busy server sends several ticks with one write."""
        found: list[Told] = []
        with suppress(queue.Empty):
            while (told := self.waiting.get_nowait()) is not None:
                found.append(told)
        return found

    def end(self) -> None:
        """The session is over, and no new try is worth it."""
        self.ended = True
        self._wake()

    def let_go(self) -> None:
        """The browser is to come again."""
        self.dropped = True
        self._wake()

    def _wake(self) -> None:
        """Whoever waits for the next tick: there is none any more."""
        with suppress(queue.Full):
            self.waiting.put_nowait(None)


class Hub:
    """`most` streams may be open at a time. `join` starts the subscriber; it ends when nobody has listened for long."""

    def __init__(self, redis_url: str, most: int, idle: timedelta) -> None:
        self.most = most
        self._idle = idle
        self._keep_every = min(60.0, idle.total_seconds() / 4)
        self._kept = 0.0
        self.clients: set[Client] = set()
        self._redis_url = redis_url
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._watcher: threading.Thread | None = None
        self._seen = ""
        self._subscribed = threading.Event()
        self._answered = True
        redis = Redis.from_url(redis_url, socket_timeout=5, socket_connect_timeout=2) if redis_url else None
        self._shared = SharedNumbers(redis)
        self._unit = f"{socket.gethostname()}-{os.getpid()}"
        self.counts = Tallies(self._shared, tallies.HUB)

    def join(self, markets: Iterable[str], sid: str) -> Client | None:
        """A client of these markets (`exchange:BASE/QUOTE`); None while there is no room."""
        with self._lock:
            if len(self.clients) >= self.most:
                return None
            client = Client(frozenset(markets), sid)
            self.clients.add(client)
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, name="live-hub", daemon=True)
                self._thread.start()
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="live-sessions", daemon=True)
                self._watcher.start()
            return client

    def leave(self, client: Client) -> None:
        with self._lock:
            self.clients.discard(client)

    def missed(self, client: Client, after: str) -> list[Told]:
        """What a client has not seen: everything kept since the id, or, without one, the last tick of each market."""
        self._subscribed.wait(SUBSCRIBE_S)  # what is published from then on waits in the client's queue
        try:
            redis = self._connect()
            if after:
                return [told for told in ticks.since(redis, after) if told.market in client.markets]
            return sorted(ticks.last(redis, sorted(client.markets)), key=lambda told: ticks.position(told.id))
        except RedisError as fault:
            log.warning("redis_does_not_answer", extra={"fault": type(fault).__name__})
            return []

    def end_all(self) -> None:
        """The process ends: every browser is let go, and comes again by itself."""
        with self._lock:
            for client in self.clients:
                client.let_go()

    def told(self, news: list[Told]) -> None:
        """Count ticks on their way to a client, and how late they are; one without an id has no age."""
        counted: Counter[str] = Counter(ticks=len(news))
        now = time.time()
        for told in news:
            if not told.id:
                continue
            late = max(0.0, now - ticks.position(told.id)[0] / 1_000)
            counted["lag_count"] += 1
            counted["lag_ms"] += round(late * 1_000)
            if (bucket := next((edge for edge in LAGS if late <= edge), None)) is not None:
                counted[f"lag_{bucket}"] += 1
        self.counts.add_all(counted)

    def _count(self) -> None:
        self.counts.flush()
        tallies.note_open(self._shared, self._unit, len(self.clients))

    def _watch(self) -> None:
        """End the clients of sessions that are over; where that is not known, all: browsers come again."""
        counted = time.monotonic()
        while True:
            time.sleep(LOOK)
            with self._lock:
                clients = list(self.clients)
                if not clients:
                    self._watcher = None
            if not clients or time.monotonic() - counted > COUNTED:
                counted = time.monotonic()
                self._count()
            if not clients:
                return
            standing = self._standing({client.sid for client in clients})
            for client in clients:
                if client.sid not in standing:
                    client.end()

    def _standing(self, sids: set[str]) -> set[str]:
        try:
            with db.engine.session() as session:
                standing = user_sessions.open_among(session, sids, now=utc_now(), idle=self._idle)
                if time.monotonic() - self._kept > self._keep_every:
                    user_sessions.keep(session, standing, now=utc_now())
                    self._kept = time.monotonic()
                return standing
        except SQLAlchemyError as fault:
            log.warning("database_does_not_answer", extra={"fault": type(fault).__name__})
            return set()

    def _connect(self) -> Redis:
        return Redis.from_url(self._redis_url, socket_timeout=5, socket_connect_timeout=2)

    def _listen(self) -> None:
        """The subscriber's thread."""
        used = time.monotonic()
        while True:
            with self._lock:
                if self.clients:
                    used = time.monotonic()
                elif time.monotonic() - used > IDLE:
                    self._thread = None
                    self._seen = ""
                    return
            try:
                self._subscribe(used)
            except RedisError as fault:
                if self._answered:  # once per outage
                    log.warning("redis_does_not_answer", extra={"fault": type(fault).__name__})
                self._answered = False
                time.sleep(PAUSE)

    def _subscribe(self, used: float) -> None:
        """Hand on what comes, until nobody has listened for long; raises RedisError."""
        redis = self._connect()
        listener = redis.pubsub(ignore_subscribe_messages=True)
        try:
            listener.psubscribe(ticks.CHANNEL + "*")
            listener.get_message(timeout=PATIENCE)
            self._subscribed.set()
            self._answered = True
            if self._seen:
                for told in ticks.since(redis, self._seen):
                    self.hand_out(told)
            while self.clients or time.monotonic() - used < IDLE:
                message = listener.get_message(timeout=PATIENCE)
                heard = ticks.heard(message["channel"], message["data"]) if message else None
                if heard:
                    self.hand_out(heard)
                used = time.monotonic() if self.clients else used
        finally:
            self._subscribed.clear()
            listener.close()
            redis.close()

    def hand_out(self, told: Told) -> None:
        """Give a tick to the clients that want it, each at most once; one whose queue is full is dropped."""
        if told.id:
            if ticks.position(told.id) <= ticks.position(self._seen):
                return
            self._seen = told.id
        with self._lock:
            wanting = [client for client in self.clients if told.market in client.markets and not client.dropped]
        for client in wanting:
            try:
                client.waiting.put_nowait(told)
            except queue.Full:
                client.dropped = True
                self.counts.add("dropped")
                log.info("slow_client_dropped", extra={"waiting": WAITING})
