"""All versions, the newest first, with trainings that failed beside them: a failure is a result too."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dash import dcc, html

from layouts.components import numbers
from layouts.components.feedback import badge, simulated_badge
from layouts.components.model_card import against_text, evidence_of, state_badge, title
from layouts.components.tables import Column, Row, table
from ml.card import Card


@dataclass(frozen=True, slots=True)
class Version:
    """One row of the registry."""

    id: int
    state: str
    card: Card
    created_at: datetime
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """A training that published nothing."""

    about: str
    state: str
    reason: str
    finished_at: datetime | None


COLUMNS = [
    Column("Version"),
    Column("State"),
    Column("Trained", words="m-drop"),
    Column("Test calls", number=True, words="m-drop"),
    Column("Log loss", number=True, words="m-drop"),
    Column("Against base rates, 95% interval", number=True, words="full", hint="Nats per call the model saves."),
    Column("Evidence", words="m-drop"),
]


def draw(versions: list[Version], ended: list[Ended], *, chosen: int | None, now: datetime) -> html.Table:
    """`chosen` is the id of the version whose card is shown."""
    family = next((v.card.name for v in versions if v.id == chosen), "")
    rows = [_row(v, chosen, family, now) for v in versions] + [_ended(e, now) for e in ended]
    return table(COLUMNS, rows, label="Versions", words="tkv last-plain")


def _row(version: Version, chosen: int | None, family: str, now: datetime) -> Row:
    card = version.card
    name: list[Any] = [
        dcc.Link(html.B(f"v{card.version}", className="mono"), href=f"/models?version={version.id}"),
        html.Span(title(card)),
    ]
    if card.simulated:
        name.append(simulated_badge(short=True))
    state: list[Any] = [state_badge(version.state, proven=version.proven)]
    if version.id != chosen and card.name == family:
        state.append(_beside(version.id, chosen))
    cells = [
        html.Div(name, className="mk"),
        html.Div(state, className="state"),
        numbers.moment(version.created_at, now=now),
        numbers.count(card.metrics.n),
        numbers.fixed(card.metrics.log_loss, 4),
        against_text(card.baseline("climatology")),
        evidence_of(card),
    ]
    return Row(cells, "sel" if version.id == chosen else "")


def _beside(other: int, chosen: int | None) -> dcc.Link:
    """Puts this version beside the one that is shown."""
    return dcc.Link("Compare", href=f"/models?version={chosen}&with={other}", className="fs12 beside")


def _ended(ended: Ended, now: datetime) -> Row:
    word, kind = ("Failed", "bad") if ended.state == "failed" else ("Cancelled", "line")
    nothing = html.Span(numbers.MISSING, className="t4")
    cells = [
        html.Div([html.Span(ended.about)], className="mk"),
        badge(word, kind),  # type: ignore[arg-type]
        numbers.moment(ended.finished_at, now=now),
        nothing,
        nothing,
        html.Span("" if ended.reason == ended.state else ended.reason, className="reason", title=ended.reason),
        "",
    ]
    return Row(cells)
