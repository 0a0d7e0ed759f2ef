"""Schemathesis over the whole JSON API: requests made from its own description, checked against that description."""

import json
import os
import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from tests.security.desk import UNTOLD, Desk, forgetting, running
from tests.web import OWNER

AT_LEAST = 20_000  # generated requests with the limits raised
EXAMPLES = "400"  # of each operation in a round at most
ROUNDS = 12
ROOMY = {"RATE_LIMIT_API": "1000000", "RATE_LIMIT_AUTH": "1000000", "REGISTRATION": "open", "LOG_LEVEL": "ERROR"}
LIMITED = 500  # requests with the limits as they are
# A sign-out would end the token of all the requests after it.
LEFT_OUT = ("--exclude-operation-id", "logout")
# positive_data_acceptance: no schema can say that a password is guessable, a market unknown or a cursor made up.
# use_after_free: DELETE /api/jobs/{id} cancels a job, which stays to be read.
SET_ASIDE = "positive_data_acceptance,use_after_free"
GENERATED = re.compile(r"(\d[\d,]*) generated")


def fuzz(tools: Path) -> int:
    """At least AT_LEAST requests: no 5xx, no answer that is not described, nothing without its schema.

    In rounds, each with a seed of its own: some operations have few requests that differ.
    """
    made = code = rounds = 0
    with running(**ROOMY) as desk, forgetting():
        while made < AT_LEAST and not code and rounds < ROUNDS:
            code, said = _run(tools, desk, "-n", EXAMPLES, "--workers", "2")
            made += int(found[1].replace(",", "")) if (found := GENERATED.search(said)) else 0
            rounds += 1
        errors = broken(desk.folder / "web.log")
    print(f"{made} requests were generated; {errors} lines of the log report an error")
    return code or int(made < AT_LEAST) or int(errors > 0)


def meet_the_limits(tools: Path) -> int:
    """LIMITED requests with the limits on: 429 comes, with Retry-After, and no 5xx."""
    with running(REGISTRATION="open", LOG_LEVEL="ERROR") as desk, tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "requests.ndjson"
        wanted = ("--report", "ndjson", "--report-ndjson-path", str(record))
        code, _ = _run(tools, desk, "-n", "40", "--phases", "examples,fuzzing", *wanted)
        answers = _statuses(record)
    print(f"{sum(answers.values())} answers: {dict(sorted(answers.items()))}")
    server = sum(count for status, count in answers.items() if status >= 500)
    return code or int(sum(answers.values()) < LIMITED or not answers[429] or server > 0)


def _run(tools: Path, desk: Desk, *more: str) -> tuple[int, str]:
    """(exit code, what was said) of a run as the desk's owner."""
    command = [str(tools / "schemathesis"), "--no-color", "run", f"{desk.url}/api/openapi.json", *LEFT_OUT]
    command += ["--exclude-checks", SET_ASIDE, "--warnings", "off", "--continue-on-failure", *more]
    names = {"BOLT_DESK": desk.url, "BOLT_EMAIL": OWNER, "BOLT_PASSWORD": UNTOLD, "SCHEMATHESIS_HOOKS": "fuzz_hooks"}
    env = dict(os.environ) | names | {"PYTHONPATH": str(Path(__file__).parent)}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    print(done.stdout[-4_000:] if done.returncode else done.stdout[-400:], done.stderr[-2_000:])
    return done.returncode, done.stdout


def broken(log: Path) -> int:
    """Lines of a web process's log that report an error."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    errors = [line for line in lines if line["level"] in {"ERROR", "CRITICAL"}]
    for line in errors[:5]:
        print(str(line)[:300], "…", str(line)[-300:])
    return len(errors)


def _statuses(record: Path) -> Counter[int]:
    """How often each status was answered, of Schemathesis's own record of the run."""
    return Counter(int(found) for found in re.findall(r'"status_code": ?(\d{3})', record.read_text(encoding="utf-8")))
