"""L7: few sign in at once, few wait, and the rest are told to come again before anything is done for them."""

import threading

import pytest
from flask import Flask

from core.errors import Unavailable
from dashapp.auth import passwords, turns
from dashapp.auth.turns import in_turn, turn
from tests.api import asker, is_problem
from tests.web import OWNER, PASSWORD


def test_who_waits_too_long_for_a_place_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAIT", 0.01)
    taken = threading.BoundedSemaphore(1)
    monkeypatch.setattr(turns, "_places", taken)
    with taken, pytest.raises(Unavailable):
        passwords.make_hash("x")


def test_a_turn_within_a_turn_is_the_same_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_places", threading.BoundedSemaphore(1))
    monkeypatch.setattr(turns, "_admitted", threading.BoundedSemaphore(1))
    for _ in range(2):  # and the second finds the place free again
        with turn(), turn():
            assert in_turn(lambda number: number + 1)(1) == 2


def test_l7_few_hash_at_once_few_wait_and_the_rest_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, lock, gate = [0], [0], threading.Lock(), threading.Event()

    class Slow:
        def hash(self, _password: str) -> str:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            gate.wait(20)
            with lock:
                running[0] -= 1
            return "hash"

    monkeypatch.setattr(passwords, "_hasher", Slow())
    answers: list[str] = []
    refused = threading.Semaphore(0)

    def try_it() -> None:
        try:
            answers.append(passwords.make_hash("x"))
        except Unavailable:
            answers.append("later")
            refused.release()

    threads = [threading.Thread(target=try_it) for _ in range(turns.PLACES + turns.WAITING + 3)]
    for thread in threads:
        thread.start()
    for _ in range(3):  # turned away at once, while all the others hash or wait
        assert refused.acquire(timeout=20)
    gate.set()
    for thread in threads:
        thread.join(20)
    assert 1 <= most[0] <= turns.PLACES <= 4
    assert answers.count("hash") == turns.PLACES + turns.WAITING
    assert answers.count("later") == 3


def test_l7_a_refused_sign_in_costs_neither_a_count_nor_a_connection(
    app: Flask, owner: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = threading.BoundedSemaphore(1)
    monkeypatch.setattr(turns, "_admitted", full)
    monkeypatch.setattr("dashapp.api.guard.claim_guess", None)  # would fail where anything were counted
    with full:
        answer = asker(app, None)("POST", "/auth/login", {"email": OWNER, "password": PASSWORD})
        assert is_problem(answer, 503)
        assert int(answer.headers["Retry-After"]) >= 1
        monkeypatch.undo()
        assert is_problem(asker(app, None)("POST", "/auth/refresh", {"refresh_token": "x"}), 401)  # needs no hash
    assert asker(app, None)("POST", "/auth/login", {"email": OWNER, "password": PASSWORD}).status_code == 200
