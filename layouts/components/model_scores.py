"""One version at length: scorecard, loss curves, reliability, calls against outcomes."""

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from layouts.components import card_details, model_card, numbers, walk_results
from layouts.components.feedback import headline, pane
from layouts.figures import reliability, training
from layouts.theme import CONFIG
from ml.card import SKILLED, Card


def finding(card: Card) -> Component:
    """The sentence, and under it what a verdict of skill would still need."""
    if card.verdict == SKILLED:
        return headline(card.finding, "Skill was demonstrated. Whether it pays after costs is another question.")
    missing = [reason for reason in card.reasons if "a verdict of skill needs" in reason]
    return headline(card.finding, " ".join(["No demonstrated skill.", *missing]))


def draw(card: Card, *, dark: bool, updown: str) -> list[Component]:
    """Scorecard, loss curves, confusion and reliability of one version."""
    served = next(run for run in card.runs if run.served)
    losses = training.draw(
        served.losses,
        served.val_losses,
        baseline=card.climatology_val_loss,
        best_epoch=served.best_epoch,
        others=[run.val_losses for run in card.runs if run is not served],
        dark=dark,
        updown=updown,
    )
    bins = [(b.confidence, b.right, b.n) for b in card.reliability]
    seeds = "one seed" if len(card.runs) == 1 else f"seed {served.seed} in colour, {len(card.runs) - 1} others dotted"
    calls, worth = numbers.count(card.metrics.n), numbers.count(card.metrics.n_eff)
    tested = f"{model_card.title(card)}, {calls} calls worth {worth} independent ones"
    return [
        pane("Test period", model_card.scorecard(card), sub=tested, flush=True),
        html.Div(
            [
                pane("Loss by epoch", _plot(losses), sub=seeds, flush=True),
                pane("Reliability", _plot(reliability.draw(bins, dark=dark, updown=updown)), flush=True),
            ],
            className="panes halves",
        ),
        *walk_results.panes(card),
        pane("Calls against outcomes", model_card.confusion(card), flush=True, sub="counts over the test period"),
        card_details.block(card),
    ]


def _plot(figure: Any) -> html.Div:
    graph = dcc.Graph(figure=figure, config=CONFIG, responsive=True, className="plot")
    return html.Div(graph, className="chart short")
