"""P14: a request of somebody signed in, beside the same route of a bare Flask; and how soon a disabled user is out.

Both are gunicorn workers with threads, asked over one kept connection each, turn by turn.
"""

import time
from http.client import HTTPConnection
from http.cookiejar import CookieJar
from statistics import median
from urllib.request import HTTPCookieProcessor, build_opener

import db.engine
from core.clock import utc_now
from core.roles import Role
from dashapp.auth import accounts, passwords
from db.queries import members, users
from tests.bench.p12_web_memory import OWNER, PASSWORD, Worker, sign_in
from tests.bench.table import Row
from tests.bench.timing import database, redis_server

BARE, BOLT = "tests.bench.bare_flask:server", "tests.bench.bolt_with_route:app"
VIEWER = "viewer@example.org"
REQUESTS = 1_500
AGENT = "bolt-bench"
OUT_AFTER_S = 1.0


class Client:
    """One kept connection that asks for the route."""

    def __init__(self, worker: Worker, cookie: str = "") -> None:
        self.connection = HTTPConnection("127.0.0.1", worker.port, timeout=10)
        self.headers = {"User-Agent": AGENT} | ({"Cookie": cookie} if cookie else {})

    def ask(self) -> int:
        self.connection.request("GET", "/bench", headers=self.headers)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status

    def timed(self) -> float:
        began = time.perf_counter()
        if self.ask() != 200:
            raise AssertionError("the route did not answer")
        return time.perf_counter() - began


def cookies(worker: Worker) -> str:
    """Those of a session that was begun here, as a header."""
    jar = CookieJar()
    browser = build_opener(HTTPCookieProcessor(jar))
    browser.addheaders = [("User-Agent", AGENT)]
    sign_in(browser, worker, VIEWER)
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


def people() -> tuple[str, int, int]:
    """(address of the database, the owner's id, the viewer's) after making both."""
    with db.engine.session() as session:
        owner = accounts.create_owner(session, OWNER, PASSWORD)
        viewer = users.add(
            session,
            VIEWER,
            display_name="Vera",
            password_hash=passwords.make_hash(PASSWORD),
            role=Role.VIEWER,
            is_owner=False,
        )
        url = session.connection().engine.url.render_as_string(hide_password=False)
        return url, owner.id, viewer.id


def out_after(client: Client, viewer: int, by: int) -> float:
    """Seconds from the commit that disables the user to the first refusal."""
    with db.engine.session() as session:
        members.disable(session, viewer, by=by, now=utc_now())
    began = time.perf_counter()
    while client.ask() == 200:
        time.sleep(0.01)
    return time.perf_counter() - began


def run() -> list[Row]:
    with database(), redis_server() as redis:
        url, owner, viewer = people()
        environment = {"DATABASE_URL": url, "REDIS_URL": redis, "SECRET_KEY": "bench" * 8, "LOG_LEVEL": "ERROR"}
        with Worker(BARE, {}) as bare, Worker(BOLT, environment) as bolt:
            peer, mine = Client(bare), Client(bolt, cookies(bolt))
            for _ in range(50):
                peer.timed(), mine.timed()
            times = [(peer.timed(), mine.timed()) for _ in range(REQUESTS)]
            out = out_after(mine, viewer, owner)
    peer_p50, mine_p50 = (median(column) * 1_000 for column in zip(*times, strict=True))
    return [
        Row("P14", "request of a signed-in user, p50", "bare Flask", peer_p50, mine_p50, "ms", 1.8, "at most"),
        Row("P14", "a disabled user is out after", "allowed", OUT_AFTER_S, out, "s", 1, "at most"),
    ]
