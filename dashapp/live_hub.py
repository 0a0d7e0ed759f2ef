"""Ticks for every open stream of this process: one Redis subscriber, which hands each tick to whoever wants it.

A client that does not keep up is dropped: its queue is bounded, and the browser comes again with the id of what it saw
last. A subscriber that lost Redis reads what it missed from the backlog.
"""

import logging
import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from redis import Redis
from redis.exceptions import RedisError

from core import ticks
from core.ticks import Told

WAITING = 200  # ticks a client may be behind
PATIENCE = 1.0  # seconds the subscriber waits for a message before it looks whether it is still wanted
PAUSE = 0.5  # seconds between tries to reach a Redis that is away
IDLE = 30.0  # seconds without a client after which the subscriber ends

log = logging.getLogger("bolt.live")


@dataclass(eq=False, slots=True)
class Client:
    """One open stream; `dropped` once it was too slow."""

    markets: frozenset[str]
    waiting: "queue.Queue[Told]" = field(default_factory=lambda: queue.Queue(WAITING))
    dropped: bool = False

    def next(self, seconds: float) -> Told | None:
        """The next tick; None where none came in time."""
        try:
            return self.waiting.get(timeout=max(0.001, seconds))
        except queue.Empty:
            return None


class Hub:
    """`most` streams may be open at a time. `join` starts the subscriber; it ends when nobody has listened for long."""

    def __init__(self, redis_url: str, most: int) -> None:
        self.most = most
        self.clients: set[Client] = set()
        self._redis_url = redis_url
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._seen = ""

    def join(self, markets: Iterable[str]) -> Client | None:
        """A client of these markets (`exchange:BASE/QUOTE`); None while there is no room."""
        with self._lock:
            if len(self.clients) >= self.most:
                return None
            client = Client(frozenset(markets))
            self.clients.add(client)
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, name="live-hub", daemon=True)
                self._thread.start()
            return client

    def leave(self, client: Client) -> None:
        with self._lock:
            self.clients.discard(client)

    def missed(self, client: Client, after: str) -> list[Told]:
        """What a client has not seen: everything kept since the id, or, without one, the last tick of each market."""
        try:
            redis = self._connect()
            if after:
                return [told for told in ticks.since(redis, after) if told.market in client.markets]
            return ticks.last(redis, sorted(client.markets))
        except RedisError as fault:
            log.warning("redis_does_not_answer", extra={"fault": type(fault).__name__})
            return []

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
                log.warning("redis_does_not_answer", extra={"fault": type(fault).__name__})
                time.sleep(PAUSE)

    def _subscribe(self, used: float) -> None:
        """Hand on what comes, until nobody has listened for long; raises RedisError."""
        redis = self._connect()
        listener = redis.pubsub(ignore_subscribe_messages=True)
        try:
            listener.psubscribe(ticks.CHANNEL + "*")
            listener.get_message(timeout=PATIENCE)
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
                log.info("slow_client_dropped", extra={"waiting": WAITING})
