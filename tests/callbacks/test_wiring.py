"""Callbacks that belong to no process, and the guard they carry."""

import pytest
from dash import Dash, Input, Output, State, html
from flask import Flask
from flask_login import LoginManager, UserMixin, login_user

from callbacks import guards
from callbacks.guards import needs
from callbacks.wiring import Wiring
from core.errors import Forbidden
from core.roles import Role


class Person(UserMixin):
    def __init__(self, role: Role) -> None:
        self.id, self.role = 7, role


@pytest.fixture
def flask_app() -> Flask:
    app = Flask("guards")
    app.secret_key = "k" * 40
    LoginManager(app).user_loader(lambda _: None)
    return app


@pytest.fixture
def no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the audit log: these tests have no database."""
    monkeypatch.setattr(guards, "denied", lambda *_words, **_more: None)


def wired_app(wire: Wiring) -> Dash:
    app = Dash("wiring", suppress_callback_exceptions=True)
    app.layout = html.Div()
    wire.attach(app)
    return app


def test_decorated_function_stays_plain() -> None:
    wire = Wiring()

    @wire(Output("a", "children"), Input("b", "n_clicks"))
    def double(clicks: int) -> int:
        return clicks * 2

    assert double(21) == 42


def test_two_apps_get_the_same_callbacks() -> None:
    wire = Wiring()
    wire(Output("a", "children"), Input("b", "n_clicks"))(lambda clicks: clicks)
    wire.clientside("shell.route", Output("c", "className"), Input("b", "n_clicks"))
    first, second = wired_app(wire), wired_app(wire)
    assert set(first.callback_map) == set(second.callback_map) == {"a.children", "c.className"}


def test_browser_functions_are_named_by_their_file() -> None:
    wire = Wiring()
    wire.clientside("shell.route", Output("c", "className"), Input("b", "n_clicks"))
    told = wired_app(wire)._callback_list[0]["clientside_function"]
    assert (told["namespace"], told["function_name"]) == ("shell", "route")


def test_callback_without_output_rests_where_its_page_is_not() -> None:
    wire = Wiring()
    lonely = Input("page-only", "data")
    wire(lonely, Input("everywhere", "data"))(lambda *_: None)
    wired_app(wire)
    assert lonely.allow_optional


def test_callback_with_output_keeps_its_inputs_required() -> None:
    wire = Wiring()
    wanted = Input("page-only", "data")
    wire({"x": Output("a", "children")}, {"y": wanted}, State("s", "data"))(lambda *_: None)
    assert [part.component_id for part in wire.wires[0].parts()] == ["a", "page-only", "s"]
    assert not wanted.allow_optional


def test_change_without_a_guard_is_refused_at_once() -> None:
    wire = Wiring()
    with pytest.raises(TypeError, match="put @needs"):

        @wire(Output("a", "children"), Input("b", "n_clicks"), changes=True)
        def delete_everything(_: int) -> str:
            return "gone"


@pytest.mark.parametrize(
    ("held", "needed", "allowed"),
    [
        (Role.VIEWER, Role.VIEWER, True),
        (Role.VIEWER, Role.ANALYST, False),
        (Role.ANALYST, Role.ANALYST, True),
        (Role.ANALYST, Role.ADMIN, False),
        (Role.ADMIN, Role.ANALYST, True),
    ],
)
def test_guard_lets_pass_whose_role_covers_it(
    flask_app: Flask, no_log: None, held: Role, needed: Role, allowed: bool
) -> None:
    guarded = needs(needed)(lambda: "done")
    with flask_app.test_request_context():
        login_user(Person(held))
        assert guards.may(needed) is allowed
        if allowed:
            assert guarded() == "done"
        else:
            with pytest.raises(Forbidden, match=f"needs the role {needed}"):
                guarded()


def test_guard_logs_whom_it_refused(flask_app: Flask, no_log: None, caplog: pytest.LogCaptureFixture) -> None:
    @needs(Role.ADMIN)
    def remove_user() -> None:
        raise AssertionError("must not run")

    with flask_app.test_request_context():
        login_user(Person(Role.VIEWER))
        with pytest.raises(Forbidden):
            remove_user()
    assert caplog.messages == ["authz_denied"]
    assert caplog.records[0].action.endswith("remove_user")


def test_guard_refuses_strangers(flask_app: Flask) -> None:
    with flask_app.test_request_context():
        assert guards.may(Role.VIEWER) is False
        with pytest.raises(Forbidden, match="Sign in again"):
            needs(Role.VIEWER)(lambda: None)()


def test_the_person_at_the_page_is_known_by_id_and_role(flask_app: Flask) -> None:
    with flask_app.test_request_context():
        login_user(Person(Role.ANALYST))
        assert guards.current_user_id() == 7
        assert guards.current_role() is Role.ANALYST
