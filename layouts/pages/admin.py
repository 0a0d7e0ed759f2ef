"""The admin desk in three parts: the machine, jobs and sources; accounts and invitations; the audit log."""

from dash import dcc, html
from dash.development.base_component import Component

from core.errors import NotFound
from layouts import ids
from layouts.components.feedback import page_head, skeleton
from layouts.components.forms import button, confirm, field, segments
from layouts.components.grid import Cell, grid, search_field

REFRESH_MS = 10_000
PARTS = (
    ("desk", "Desk", "/admin"),
    ("users", "Users", "/admin/users"),
    ("audit", "Audit log", "/admin/audit"),
    ("settings", "Settings", "/admin/settings"),
)
RESULTS = (("all", "All"), ("ok", "Done"), ("failed", "Failed"), ("denied", "Denied"))

JOBS = (
    Cell("kind", "Job", flex=2, least=150),
    Cell("state", "State", least=96, rules={"bad": "params.value === 'Failed'", "warn": "params.value === 'Retrying'"}),
    Cell("progress", "Progress", least=92, number=True, sort=False, wide=True),
    Cell("owner", "Asked by", least=150, wide=True),
    Cell("created_at", "Asked", least=104, number=True),
    Cell("took", "Took", least=84, number=True, sort=False, wide=True),
    Cell("reason", "Last line", flex=3, least=200, sort=False, words="t3", wide=True),
)
USERS = (
    Cell("email", "User", flex=2, least=150),
    Cell("display_name", "Name", flex=1, least=110, wide=True),
    Cell("role", "Role", least=100),
    Cell("state", "State", least=96, sort=False, rules={"warn": "params.value === 'Disabled'"}),
    Cell("open_sessions", "Sessions", least=92, number=True, wide=True),
    Cell("last_login_at", "Last sign-in", least=116, number=True, wide=True),
    Cell("created_at", "Made", least=104, number=True, wide=True),
)
SESSIONS = (
    Cell("email", "User", flex=2, least=130),
    Cell("device", "Device", flex=1, least=122, words="t3"),
    Cell("ip", "Address", flex=1, least=120, wide=True),
    Cell("created_at", "Signed in", least=112, number=True, wide=True),
    Cell("seen_at", "Last seen", least=104, number=True),
)
INVITATIONS = (
    Cell("email", "For", flex=2, least=150),
    Cell("role", "Role", least=92),
    Cell("state", "State", least=100, rules={"t3": "params.value !== 'Open'"}),
    Cell("by", "Made by", flex=1, least=150, wide=True),
    Cell("created_at", "Made", least=104, number=True, wide=True),
    Cell("expires_at", "Ends", least=104, number=True, wide=True),
)
MODELS = (
    Cell("title", "Version", flex=2, least=150),
    Cell("state", "State", least=100, rules={"acc": "params.value === 'Champion'"}),
    Cell("timeframe", "Timeframe", least=96, wide=True),
    Cell("created_at", "Made", least=104, number=True, wide=True),
    Cell("size", "Files", least=84, number=True, sort=False),
)
EVENTS = (
    Cell("at", "When, UTC", least=172),
    Cell("actor", "Who", flex=1, least=150),
    Cell("action", "What", flex=1, least=140),
    Cell("object", "To which", flex=2, least=180),
    Cell("ip", "From", least=110),
    Cell("result", "Result", least=86, rules={"bad": "params.value !== 'Done'"}),
    Cell("detail", "Detail", flex=2, least=200, sort=False, words="t3"),
)


def layout(part: str = "desk", **_query: str) -> Component:
    """One part of the desk; callbacks fill it."""
    bodies = {"desk": _desk, "users": _users, "audit": _audit, "settings": _settings}
    if part not in bodies:
        raise NotFound("The admin desk has no such part.")
    links = [
        dcc.Link(words, href=href, className="on" if name == part else "", **_current(name == part))
        for name, words, href in PARTS
    ]
    head = page_head("Admin", html.Nav(links, className="seg-links", **{"aria-label": "Parts of the admin desk"}))
    return html.Div([head, *bodies[part]()], className="page admin-page")


def _current(chosen: bool) -> dict[str, str]:
    return {"title": "This part"} if chosen else {}


def _desk() -> list[Component]:
    return [
        dcc.Interval(id=ids.Admin.TICK, interval=REFRESH_MS),
        dcc.Store(id=ids.Admin.CHANGED),
        html.Div(skeleton(2), id=ids.Admin.WRONG),
        html.Div(id=ids.Admin.STRIP),
        _table_pane("Jobs", ids.Admin.JOBS, JOBS, ids.Admin.JOB_SEARCH, "Search jobs", ids.Admin.JOB_COUNT, "346px"),
        html.Div(id=ids.Admin.JOB),
        html.Div(
            [
                html.Div([html.Div(id=ids.Admin.SOURCES), _models()], className="column"),
                html.Div(
                    [html.Div(id=ids.Admin.HEALTH), html.Div(id=ids.Admin.WORKERS), html.Div(id=ids.Admin.LATEST)],
                    className="column",
                ),
            ],
            className="panes halves",
        ),
        confirm(
            ids.Admin.JOB_ASK,
            "Cancel this job",
            "A running job stops at its next step and its work is lost; a waiting one never begins.",
            yes=button("Cancel job", id=ids.Admin.JOB_ASK_YES, kind="danger"),
            no=button("Keep it", id=ids.Admin.JOB_ASK_NO),
        ),
    ]


def _models() -> Component:
    search, count = ids.Admin.MODEL_SEARCH, ids.Admin.MODEL_COUNT
    return _table_pane("Models", ids.Admin.MODELS, MODELS, search, "Search models", count, "270px", chosen=False)


def _users() -> list[Component]:
    parts = _table_pane(
        "Users", ids.Admin.USERS, USERS, ids.Admin.USER_SEARCH, "Search users", ids.Admin.USER_COUNT, "270px"
    )
    return [
        dcc.Store(id=ids.Admin.USERS_CHANGED),
        dcc.Store(id=ids.Admin.ASKED),
        parts,
        html.Div(id=ids.Admin.USER),
        _table_pane(
            "Sessions",
            ids.Admin.SESSIONS,
            SESSIONS,
            ids.Admin.SESSION_SEARCH,
            "Search sessions",
            ids.Admin.SESSION_COUNT,
            "232px",
        ),
        html.Div(id=ids.Admin.SESSION),
        html.Div(id=ids.Admin.INVITE_FORM),
        _table_pane(
            "Invitations",
            ids.Admin.INVITATIONS,
            INVITATIONS,
            ids.Admin.INVITATION_SEARCH,
            "Search invitations",
            ids.Admin.INVITATION_COUNT,
            "194px",
        ),
        html.Div(id=ids.Admin.INVITATION),
        confirm(
            ids.Admin.ASK,
            "Change this account",
            html.Div(id=ids.Admin.ASK_TEXT),
            yes=button("Disable account", id=ids.Admin.ASK_YES, kind="danger"),
            no=button("Keep it", id=ids.Admin.ASK_NO),
        ),
    ]


def _audit() -> list[Component]:
    results = segments(
        ids.Admin.RESULT, [(words, value) for value, words in RESULTS], RESULTS[0][0], label="Result of the events"
    )
    choices = [
        _choice(ids.Admin.ACTION, "What", "Anything"),
        _choice(ids.Admin.PERSON, "Who", "Anybody"),
        _day(ids.Admin.SINCE, "From, UTC"),
        _day(ids.Admin.UNTIL, "To, UTC"),
    ]
    export = html.A("Export as CSV", id=ids.Admin.EXPORT, href="/admin/audit.csv", className="btn btn-secondary btn-sm")
    tools = [search_field(ids.Admin.EVENT_SEARCH, "Search the log"), results, export]
    head = [html.H2("Audit log"), html.Span(id=ids.Admin.EVENT_COUNT, className="t3 fs12 m-hide")]
    return [
        html.Section(
            [
                html.Div([*head, html.Div(tools, className="end")], className="pane-head wrapping"),
                html.Div(choices, className="filters"),
                grid(ids.Admin.EVENTS, EVENTS, height="calc(100dvh - 330px)"),
                html.P(
                    "Each event carries the SHA-256 of the one before it. python -m dashapp check proves the chain.",
                    className="pane-body t3 fs12 below-table",
                ),
            ],
            className="pane",
            **{"aria-label": "Audit log"},
        ),
    ]


def _choice(id: str, label: str, hint: str) -> Component:  # noqa: A002  Dash's own word
    """A list that a callback fills; nothing chosen filters nothing."""
    return field(label, dcc.Dropdown(id=id, options=[], placeholder=hint, clearable=True))


def _day(id: str, label: str) -> Component:  # noqa: A002  Dash's own word
    """A day as the browser lets people choose one; `2026-11-24`."""
    box = dcc.Input(id=id, type="text", placeholder="2026-01-31", debounce=0.3, maxLength=10, autoComplete="off")
    return field(label, box)


def _settings() -> list[Component]:
    return [dcc.Store(id=ids.Admin.SETTINGS_CHANGED), html.Div(skeleton(5), id=ids.Admin.SETTINGS)]


def _table_pane(
    title: str,
    id: str,  # noqa: A002  Dash's own word
    cells: tuple[Cell, ...],
    search: str,
    hint: str,
    count: str,
    height: str,
    *,
    chosen: bool = True,
) -> Component:
    head = [html.H2(title), html.Span(id=count, className="t3 fs12 m-hide")]
    tools = html.Div(search_field(search, hint), className="end")
    return html.Section(
        [html.Div([*head, tools], className="pane-head wrapping"), grid(id, cells, height=height, chosen=chosen)],
        className="pane",
        **{"aria-label": title},
    )
