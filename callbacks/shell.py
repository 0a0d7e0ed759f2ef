"""The callbacks of what stands around every page."""

from collections.abc import Mapping
from typing import Any

from dash import Input, Output, set_props
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

import db.engine
import db.queries.coin_names
import db.queries.jobs
import db.queries.markets
import db.queries.status
import db.queries.users
from callbacks.guards import current_role, current_user_id, needs
from callbacks.toasts import toast
from callbacks.wiring import Wiring
from core.clock import utc_now
from core.jobs import TRAIN_MODEL, JobState
from core.roles import Role
from db.queries.status import Status
from db.tables import Job
from layouts import ids
from layouts.components.numbers import moment
from layouts.components.venues import venue
from layouts.shell import found_nothing, market_hits, page_hits, status
from layouts.theme import THEMES, UPDOWNS
from ml.card import SKILLED

FOUND = 8  # markets the palette lists
KEYS = ("on", "off")  # whether keys of a single character act

wire = Wiring()

wire.clientside("shell.route", Output(ids.Shell.APP, "className"), Input(ids.Shell.LOCATION, "pathname"))
wire.clientside("shell.toast", Input(ids.Shell.TOAST, "data"))


@wire(
    Output(ids.Shell.STATUS_DATA, "children"),
    Output(ids.Shell.STATUS_MODELS, "children"),
    Output(ids.Shell.STATUS_JOBS, "children"),
    Input(ids.Shell.TICK, "n_intervals"),
)
def show_status(_ticks: int | None) -> tuple[list[Component], list[Component], list[Component]]:
    with db.engine.session() as session:
        read = db.queries.status.read(session)
    return status(*data_words(read)), status(*model_words(read)), status(*job_words(read))


@wire(Input(ids.Shell.TICK, "n_intervals"), changes=True)
@needs(Role.VIEWER)
def show_notices(_ticks: int | None) -> None:
    """Jobs of this person that ended since the last look: one toast each, once."""
    with db.engine.session() as session:
        ended = db.queries.jobs.notices(session, current_user_id())
        db.queries.jobs.mark_seen(session, current_user_id(), [job.id for job in ended])
    if ended:
        set_props(ids.Shell.TOAST, {"data": [notice(job) for job in ended]})


@wire(Output(ids.Shell.PALETTE_RESULTS, "children"), Input(ids.Shell.PALETTE_QUERY, "value"))
def find(text: str | None) -> list[Component]:
    """Pages, markets and coins whose names hold what was typed."""
    words = (text or "").strip()[:60]
    with db.engine.session() as session:
        markets = db.queries.markets.search(session, words, FOUND)
        coins = db.queries.coin_names.of(session, {m.name.base for m in markets})
    hits = [(m.symbol, coins.get(m.name.base, ""), m.exchange, f"/charts/{m.name.path}", m.simulated) for m in markets]
    return [*page_hits(words, current_role()), *market_hits(hits)] or [found_nothing(words)]


@wire(Input(ids.Shell.LOOK, "data"), changes=True, prevent_initial_call=True)
@needs(Role.VIEWER)
def keep_look(look: dict[str, Any] | None) -> None:
    """The browser has changed its look already; remember it for the next one."""
    look = look or {}
    if look.get("theme") not in THEMES or look.get("updown") not in UPDOWNS:
        raise PreventUpdate
    with db.engine.session() as session:
        user = db.queries.users.get(session, current_user_id())
        kept = {"theme": look["theme"], "updown": look["updown"]}
        kept |= {"keys": look["keys"]} if look.get("keys") in KEYS else {}
        db.queries.users.set_profile(session, user.id, display_name=user.display_name, preferences=kept)


def data_words(read: Status) -> tuple[str, str]:
    """(kind of dot, words) for the sources of candles."""
    answering = [name for name, state in read.sources if state == "ok"]
    if read.demo and not answering:
        return "sim", "Data: demo exchange, simulated"
    if not read.sources:
        return "off", "Data: no source asked yet"
    silent = [f"{venue(name)} {STATES[state]}" for name, state in read.sources if state != "ok"]
    if not answering:
        return "bad", f"Data: {', '.join(silent)}"
    words = f"Data: {len(answering)} of {len(read.sources)} sources answer"
    return ("warn", f"{words}, {silent[0]}") if silent else ("ok", words)


STATES = {"down": "silent", "blocked": "refuses this address", "waiting": "asked to wait"}


def model_words(read: Status) -> tuple[str, str]:
    if not read.models:
        return "off", "Models: none trained"
    called = f", last call {moment(read.last_call, now=utc_now())}" if read.last_call else ", no call yet"
    return "ok", f"Models: {read.models}{called}"


def job_words(read: Status) -> tuple[str, str]:
    if not read.running and not read.queued:
        return "off", "Jobs: none running"
    return "ok", f"Jobs: {read.running} running, {read.queued} queued"


TITLES = {
    "train_model": "Training",
    "import_file": "Import",
    "backfill": "Fetching candles",
    "fill_demo": "Demo candles",
}
PLACES = {"train_model": "/models", "import_file": "/markets", "backfill": "/markets"}


def notice(job: Job) -> dict[str, Any]:
    """The toast of a job that has ended."""
    name = TITLES.get(job.name, job.name.replace("_", " ").capitalize())
    place = PLACES.get(job.name)
    if job.state == JobState.SUCCEEDED and job.name == TRAIN_MODEL.name and job.result:
        return toast(f"{name} finished", _trained(job.result), href=place)
    if job.state == JobState.SUCCEEDED:
        return toast(f"{name} finished", (job.progress or {}).get("message", ""), href=place)
    if job.state == JobState.CANCELLED:
        return toast(f"{name} cancelled", "Nothing of it was kept.", kind="plain", href=place)
    return toast(f"{name} failed", (job.reason or "").partition("\n")[0], kind="bad", href=place)


def _trained(card: Mapping[str, Any]) -> str:
    """What was trained, and what came of it: the card that a training leaves behind."""
    symbols = ", ".join(str(name).partition(":")[2] for name in card["markets"])
    verdict = "Skill demonstrated." if card["verdict"] == SKILLED else "No demonstrated skill."
    return f"{symbols}, {card['timeframe']}, {card['horizon']} bars ahead. {verdict}"
