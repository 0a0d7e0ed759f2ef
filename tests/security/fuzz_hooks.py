"""What Schemathesis loads, in its own virtual environment: a sign-in that is renewed before its token runs out."""

import json
import os
import urllib.parse
import urllib.request

import schemathesis

EVERY_S = 900  # half of an access token's life
LONGEST = 7_000  # bytes of a query
DESK = os.environ.get("BOLT_DESK", "")


@schemathesis.auth(refresh_interval=EVERY_S)
class SignIn:
    """The desk's owner, by the password of the environment."""

    def get(self, _case, _context):
        body = json.dumps({"email": os.environ["BOLT_EMAIL"], "password": os.environ["BOLT_PASSWORD"]}).encode()
        sent = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{DESK}/api/auth/login", body, sent)  # noqa: S310  the desk of this scan
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read())["access_token"]

    def set(self, case, data, _context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def filter_case(_context, case):
    """An address of more than 8 kB is refused by gunicorn (414) before Bolt sees it; that it is, is known."""
    return len(urllib.parse.urlencode(dict(case.query or {}), doseq=True, errors="replace")) < LONGEST
