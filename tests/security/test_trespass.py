"""S01, S03, S04, S08, S09: an owner, a guest who may look, a stranger, through every resource and every callback."""

import re
from typing import Any

import pytest
from dash import Input, Output
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, delete
from sqlalchemy.orm import Session

import db.engine
from core.roles import Role
from dashapp import gate
from dashapp.api.openapi import ARGUMENT
from dashapp.api.route import Route
from dashapp.api.schemas import example
from db.tables import ImportRefusal, Job, Watchlist
from layouts import site_map
from tests.api import STEADY, asker, is_problem, login, routes
from tests.dashapp.test_gate import PUBLIC_RULES, samples
from tests.security.trespass import (
    CANARY,
    SHARED,
    UNKNOWN,
    Planted,
    belongings,
    doors,
    offenders,
    plant,
    strange_arguments,
    unplanted,
)
from tests.web import OWNER, PASSWORD, SignIn, add_user, dash_headers, make_app, router_body, settings_for, token_of

OWNED = [r for r in routes() if {name for _, name in ARGUMENT.findall(r.path)} - SHARED]
TELLING = {"instance", "request_id"}


@pytest.fixture
def planted(owner: int, session: Session) -> Planted:
    return plant(session, owner)


@pytest.fixture
def roomy(settings: Any, app: Flask) -> Flask:
    """The application with limits that this test does not meet."""
    return make_app(settings_for(settings.database_url, settings.redis_url, **STEADY))


def path_of(route: Route, ids: dict[str, str]) -> str:
    return ARGUMENT.sub(lambda found: ids.get(found[2], "BTC-USDT"), route.path)


def test_s08_every_argument_of_a_path_is_either_shared_or_planted() -> None:
    """Name a new kind of thing in SHARED, or plant one in `trespass.plant`."""
    named = {name for route in routes() for _, name in ARGUMENT.findall(route.path)}
    assert named - SHARED <= set(UNKNOWN)
    assert len(OWNED) >= 3


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_s08_what_is_the_owners_looks_like_what_never_was(
    roomy: Flask, planted: Planted, session: Session, database: Engine, role: Role
) -> None:
    add_user(session, f"{role}@example.org", role)
    ask = asker(roomy, login(roomy, f"{role}@example.org")["access_token"])
    before = belongings(database, planted.owner_id)
    for route in OWNED:
        body = example(route.body) if route.body else None
        theirs, nobodys = (ask(route.method, path_of(route, ids), body) for ids in (planted.ids, UNKNOWN))
        assert is_problem(theirs, 404), route.name
        told = [{k: v for k, v in a.get_json().items() if k not in TELLING} for a in (theirs, nobodys)]
        assert told[0] == told[1], route.name
        for method in {"GET", "PUT", "PATCH", "DELETE", "POST"} - {r.method for r in OWNED if r.path == route.path}:
            assert is_problem(ask(method, path_of(route, planted.ids), {}), 405)
    assert belongings(database, planted.owner_id) == before


def test_s08_the_owner_reaches_it_and_a_stranger_nothing(roomy: Flask, planted: Planted) -> None:
    owner, stranger = asker(roomy, login(roomy, OWNER)["access_token"]), asker(roomy, None)
    for route in OWNED:
        assert is_problem(stranger(route.method, path_of(route, planted.ids)), 401)
    assert CANARY in owner("GET", f"/jobs/{planted.ids['job_id']}").text
    assert CANARY in owner("GET", "/auth/tokens").text


def test_s08_every_argument_of_every_route_is_known(app: Flask) -> None:
    """A new one belongs into SHARED, FILES, or into `plant` and UNKNOWN."""
    assert strange_arguments(app) == set()
    app.add_url_rule("/reports/<report_id>.csv", "reports", lambda report_id: report_id)
    assert strange_arguments(app) == {"report_id"}


def test_s08_whatever_can_be_somebodys_is_planted(planted: Planted, session: Session, database: Engine) -> None:
    assert unplanted(database, planted.owner_id) == set()
    session.execute(delete(Watchlist))
    session.execute(delete(ImportRefusal))
    session.commit()
    assert unplanted(database, planted.owner_id) == {"watchlists", "import_refusals"}


def knock(client: FlaskClient, address: str, method: str, **fields: str) -> tuple[int, str]:
    """Status and words of an answer, without what names the request."""
    data = {"csrf_token": token_of(client, "/profile"), "current": PASSWORD, **fields}
    answer = client.open(address, method=method, data=None if method == "GET" else data)
    told = answer.get_json(silent=True)
    words = (
        {k: v for k, v in told.items() if k not in TELLING} if isinstance(told, dict) else without_names(answer.text)
    )
    return answer.status_code, str(words)


def without_names(text: str) -> str:
    """A page without its CSRF token and the request's id."""
    return re.sub(r'value="[^"]{40,}"|[0-9a-f]{16,}', "", text)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_s08_no_page_or_download_tells_the_owners_things_from_none(
    app: Flask, planted: Planted, signed_in: SignIn, database: Engine, role: Role
) -> None:
    client, before = signed_in(role), belongings(database, planted.owner_id)
    assert {rule for rule, *_ in doors(app, planted.ids)} == {
        "/markets/refused/<job_id>.csv",
        "/passkeys/<int:passkey_id>/remove",
    }
    for (rule, theirs, method), (_, nobodys, _) in zip(doors(app, planted.ids), doors(app, UNKNOWN), strict=True):
        found = knock(client, theirs, method)
        assert found[0] == 404, f"{method} {rule}"
        assert found == knock(client, nobodys, method), f"{method} {rule}"
        assert CANARY not in found[1]
    ends = [knock(client, "/sessions", "POST", session=str(number)) for number in (planted.session_id, 999_999)]
    assert ends[0] == ends[1]
    assert ends[0][0] == 404
    assert belongings(database, planted.owner_id) == before


def test_s08_the_owner_reaches_pages_and_downloads_and_a_stranger_none(
    app: Flask, planted: Planted, signed_in: SignIn
) -> None:
    owner = signed_in()
    for rule, address, method in doors(app, planted.ids):
        assert app.test_client().open(address, method=method).status_code in {302, 401}, rule
        if method == "GET":
            assert CANARY in owner.get(address).text, rule


def test_s08_a_download_that_asks_nobody_is_found_out(app: Flask, planted: Planted, signed_in: SignIn) -> None:
    """The proof that the walk would see one."""

    def give(job_id: str) -> str:
        with db.engine.session() as opened:
            return str(opened.get_one(Job, job_id).args)

    app.add_url_rule("/given/<job_id>.txt", "given", give)
    found = [address for rule, address, _ in doors(app, planted.ids) if rule.startswith("/given")]
    assert CANARY in knock(signed_in(Role.VIEWER), found[0], "GET")[1]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_s08_no_list_shows_what_is_the_owners(roomy: Flask, planted: Planted, session: Session, role: Role) -> None:
    add_user(session, f"{role}@example.org", role)
    ask = asker(roomy, login(roomy, f"{role}@example.org")["access_token"])
    for route in routes():
        if route.method == "GET" and not route.public:
            for words in ("", f"?user_id={planted.owner_id}&owner_id={planted.owner_id}&role=admin&all=1"):
                assert CANARY not in ask("GET", path_of(route, UNKNOWN) + words).text, route.name


def test_s08_nobody_makes_themselves_more_than_they_are(roomy: Flask, planted: Planted, session: Session) -> None:
    """Mass assignment: whatever is not in a schema is refused, and nothing of the request happens."""
    me = add_user(session, "viewer@example.org", Role.VIEWER)
    ask = asker(roomy, login(roomy, "viewer@example.org")["access_token"])
    more = {"role": "admin", "is_owner": True, "owner_id": planted.owner_id, "user_id": planted.owner_id, "balance": 1}
    for route in routes():
        if route.body is not None and (route.role is None or route.role is Role.VIEWER):
            for name, value in more.items():
                answer = ask(route.method, path_of(route, UNKNOWN), example(route.body) | {name: value})
                assert is_problem(answer, 422) or answer.status_code == 403, (route.name, name)
    found = ask("GET", "/auth/me").get_json()
    assert (found["id"], found["role"], found["is_owner"]) == (me, "viewer", False)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_s03_s04_no_callback_gives_others_what_is_the_owners(
    app: Flask, planted: Planted, signed_in: SignIn, database: Engine, role: Role
) -> None:
    assert offenders(app, signed_in(role), database, planted) == []


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_s03_no_page_gives_others_what_is_the_owners(planted: Planted, signed_in: SignIn, role: Role) -> None:
    client = signed_in(role)
    headers = dash_headers(client)
    for page in site_map.PAGES:
        path = page.path_template.replace("<", "").replace(">", "") if page.path_template else page.path
        drawn = client.post("/_dash-update-component", json=router_body(path), headers=headers)
        assert drawn.status_code == 200, path
        assert CANARY not in drawn.text, path
        assert CANARY not in client.get(path).text, path
    for rule, address, method in [*samples(client.application), *doors(client.application, planted.ids)]:
        if method == "GET" and not rule.startswith(("/api", "/stream", "/_dash")):
            assert CANARY.encode() not in client.get(address).data, rule


def test_s04_an_unguarded_callback_is_found_out(
    app: Flask, planted: Planted, signed_in: SignIn, database: Engine
) -> None:
    """The proof that the matrix would see one: it is given two."""
    dash = app.extensions["bolt_dash"]

    @dash.callback(Output("leak-told", "children"), Input("leak-ask", "n_clicks"))
    def tell(_n: int | None) -> str:
        with db.engine.session() as opened:
            return str([job.args for job in opened.query(Job).all()])

    @dash.callback(Output("leak-done", "children"), Input("leak-end", "n_clicks"))
    def end(n: int | None) -> str:
        if n:
            with db.engine.session() as opened:
                opened.execute(delete(Job))
        return "done"

    found = offenders(app, signed_in(Role.VIEWER), database, planted, among="leak-")
    assert {line.split(" ")[0] for line in found} == {"leak-told.children", "leak-done.children"}
    assert any("changes" in line for line in found)
    assert any("tells" in line for line in found)


def test_s01_a_new_route_is_closed_until_somebody_opens_it(app: Flask, owner: int) -> None:
    app.add_url_rule("/leak/everything", "leak", lambda: CANARY)
    answer = app.test_client().get("/leak/everything")
    assert answer.status_code in {302, 401}
    assert CANARY not in answer.text


def test_s01_a_route_that_is_opened_and_not_listed_is_found_out(
    app: Flask, owner: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof that the walk over all routes would see one."""
    app.add_url_rule("/leak/everything", "leak", lambda: CANARY)
    monkeypatch.setattr(gate, "PUBLIC", gate.PUBLIC | {"leak"})
    open_ones = [
        rule
        for rule, address, method in samples(app)
        if rule not in PUBLIC_RULES and method == "GET" and app.test_client().get(address).status_code == 200
    ]
    assert open_ones == ["/leak/everything"]
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule in PUBLIC_RULES}
    assert endpoints != gate.PUBLIC


def test_s09_ids_that_could_be_guessed_open_nothing(planted: Planted, signed_in: SignIn) -> None:
    """No download takes the name of a file; a job's id is 122 random bits and needs its owner all the same."""
    client: FlaskClient = signed_in(Role.ANALYST)
    for path in ("/downloads/model.onnx", "/exports/1", "/uploads/1", "/models/1/weights.npz", "/admin/audit.csv"):
        assert client.get(path).status_code == 404, path
    assert CANARY not in client.get("/api/jobs/" + planted.ids["job_id"]).text
