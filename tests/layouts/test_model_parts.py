"""Cards, runs, versions and calls are drawn with what a person must not miss."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import plotly.graph_objects as go
import pytest
from dash.development.base_component import Component

from core.jobs import JobState
from layouts.components import (
    call_detail,
    call_table,
    drift_report,
    model_card,
    model_care,
    model_scores,
    score_slices,
    scorecard,
    training_run,
    version_comparison,
    version_table,
)
from layouts.components.call_table import Call, Settled
from layouts.components.model_care import Care
from layouts.components.training_run import Run
from layouts.components.version_table import Ended, Version
from layouts.figures import past_calls, reliability, saved, training
from layouts.figures.past_calls import Mark, Zone
from layouts.pages import models, predictions
from ml import drift, power, rebuilding, scoring
from ml.card import SKILLED
from ml.card_parts import McNemar
from ml.drift import Cusum, Shift
from ml.promotion import Gate, Line
from ml.scorecard import Scorecard
from tests.candles import walk
from tests.ml import versions
from tests.ml.settled import HABITS, HOUR, settled

NOW = datetime(2026, 11, 23, 18, 50, tzinfo=UTC)
ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED)).numbered(3)
PROGRESS = {
    "fraction": 0.4,
    "message": "Epoch 2 of 5",
    "stage": "training",
    "epoch": 2,
    "epochs": 5,
    "seed": 1,
    "seeds": 1,
    "losses": [1.2, 1.1],
    "val_losses": [1.08, 1.07],
    "baseline_loss": 1.0986,
    "best_epoch": 2,
    "best_val_loss": 1.07,
    "eta_s": 75,
}


def words(part: object) -> str:
    """All text of a drawing, in order."""
    if isinstance(part, Component):
        own = [str(getattr(part, name, "") or "") for name in ("title", "aria-label")]
        return " ".join([*own, words(getattr(part, "children", None))])
    if isinstance(part, list | tuple):
        return " ".join(words(one) for one in part)
    return "" if part is None else str(part)


def drawn(of: Run) -> str:
    return " ".join(words(training_run.draw(of, now=NOW, dark=True, updown="teal-vermillion")).split())


def run(state: JobState = JobState.RUNNING, **more: object) -> Run:
    values = {"progress": PROGRESS, "attempt": 1, "cancelling": False, "may_cancel": True} | more
    return Run(job_id="j", state=state, about="BTC/USDT, 1h, 3 bars ahead", started_at=NOW, **values)  # type: ignore[arg-type]


def call(**more: object) -> Call:
    values = {
        "market_path": "demo/BTC-USDT",
        "exchange": "demo",
        "symbol": "BTC/USDT",
        "timeframe": "5m",
        "horizon": 12,
        "simulated": True,
        "model_id": 7,
        "model": "h12 v1",
        "said": "bullish",
        "probabilities": (0.2, 0.3, 0.5),
        "base_rates": (0.33, 0.34, 0.33),
        "made_at": NOW - timedelta(minutes=2),
        "due_at": NOW + timedelta(minutes=58),
        "stale": False,
    }
    return Call(**(values | more))  # type: ignore[arg-type]


def test_pages_can_be_drawn_without_arguments() -> None:
    assert words(models.layout())
    assert words(predictions.layout(market="demo/BTC-USDT"))


def test_a_running_training_tells_epoch_time_left_and_gain() -> None:
    text = drawn(run())
    assert "2 of 5 epochs" in text
    assert "1 min" in text
    assert "+0.0286" in text
    assert "better" in text
    assert "Cancel training" in text


def test_a_training_that_waits_says_so() -> None:
    assert "Waiting for a training worker" in drawn(run(JobState.QUEUED, progress={}))


def test_a_second_attempt_is_named() -> None:
    assert "attempt 2" in drawn(run(JobState.RETRYING, attempt=2, progress={"message": "interrupted, retrying"}))


def test_who_may_not_cancel_sees_no_button() -> None:
    assert "Cancel training" not in drawn(run(may_cancel=False))


def test_scorecard_puts_every_baseline_under_the_model() -> None:
    text = words(model_card.scorecard(CARD))
    places = [text.index(title) for title in ("LSTM", *(b.title for b in CARD.baselines))]
    assert places == sorted(places)


def test_scorecard_says_whether_the_model_was_right_as_often_as_a_rule() -> None:
    first, *others = CARD.baselines
    older = replace(first, mcnemar=None)
    newer = [replace(b, mcnemar=McNemar(412, 380, 2.5, 0.0004)) for b in others]
    text = words(model_card.scorecard(replace(CARD, baselines=[older, *newer])))
    assert text.count("not recorded") == 1 and text.count("< 0.001") == len(newer)
    assert "The LSTM alone was right in 412 calls, this rule alone in 380; 2.5 calls are worth one." in text


def test_a_champion_without_skill_is_called_unproven() -> None:
    assert words(model_card.state_badge("champion", proven=False)).strip() == "Champion, unproven"
    assert words(model_card.state_badge("champion", proven=True)).strip() == "Champion"


def test_card_without_skill_says_so_and_lists_its_limits() -> None:
    text = words(model_card.rail(CARD, "champion", code="abc1234"))
    assert "No demonstrated skill" in text
    assert "SIMULATED" in text
    assert CARD.limits[0] in text


@pytest.mark.parametrize(("p", "cells"), [(0.2, 0), (0.04, 1), (0.009, 2), (0.0009, 3), (0.00001, 4)])
def test_evidence_grows_as_luck_is_ruled_out(p: float, cells: int) -> None:
    assert model_card.strength(p) == cells


def test_finding_says_what_a_verdict_of_skill_still_needs() -> None:
    text = words(model_scores.finding(CARD))
    assert CARD.finding in text
    assert "No demonstrated skill." in text
    assert "needs a green report" in text
    assert "needs a green report" in text
    assert "No demonstrated skill" not in words(model_scores.finding(replace(CARD, verdict=SKILLED)))


def test_a_break_even_that_cannot_be_reached_is_called_none() -> None:
    dear = replace(CARD, labels=replace(CARD.labels, break_even=1.068, cost=0.002))
    assert "none: costs of 0.20% exceed the barriers" in words(model_card.rail(dear, "champion", code="a"))


def test_confusion_counts_every_test_call_once() -> None:
    assert sum(map(sum, CARD.metrics.confusion)) == CARD.metrics.n
    assert "Called bearish" in words(model_card.confusion(CARD))


def test_failed_trainings_stand_beside_versions_with_their_reason() -> None:
    failed = Ended("BTC/USDT, 1h, 3 bars ahead", "failed", "out_of_memory", NOW)
    text = words(version_table.draw([Version(9, "retired", CARD, NOW)], [failed], chosen=9, now=NOW))
    assert "v3" in text
    assert "out_of_memory" in text
    assert "Retired" in text


def scored(n: int, **more: float) -> Scorecard:
    card = scoring.draw_up(settled(n, **more), HABITS, horizon=1, step_ms=HOUR)  # type: ignore[arg-type]
    assert card is not None
    return card


def test_no_hit_rate_is_shown_before_enough_calls_have_settled() -> None:
    card = scored(400)
    few, many = (words(call_table.board([call(card=c)], now=NOW)) for c in (scored(38), card))
    assert "shown from 100 settled calls" in few
    assert "38 of 100 calls" in few
    assert f"{100 * (card.model.hit_rate or 0):.1f} against {100 * (card.best or 0):.1f}" in " ".join(many.split())
    assert "No demonstrated skill" in many


def test_an_abstaining_call_is_shown_and_says_why() -> None:
    text = words(call_table.board([call(abstained=True, why="novel")], now=NOW))
    assert "Abstains" in text and "looks like none the model has learned from" in text
    rail = words(call_detail.live_rail(call(abstained=True, why="undecided"), barriers=(2, 1), close=1.5, now=NOW))
    assert "Abstains; likeliest bullish" in rail and "no outcome can be ruled out" in rail


def test_a_scorecard_puts_rules_beside_the_model() -> None:
    card = scored(400, share=0.3)
    text = " ".join(words(scorecard.forecasters(card)).split())
    assert all(title in text for title in ("This model", "Base rates", "Majority", "Persistence", "Momentum"))
    assert "Logistic regression not recorded" in text and "Gradient boosting not recorded" in text
    evidence = words(scorecard.evidence_block(card, unsettled=7))
    assert "Never settled 7" in " ".join(evidence.split())
    assert f"Needs 1,717 independent predictions to confirm 53%, has {card.direction.n_eff:,.0f}." in evidence
    assert "promised 90%" in evidence
    assert "it is right" in words(scorecard.reliability_block(card, dark=True, updown="teal-vermillion"))
    few = scored(20)
    assert f"{few.model.right} of 20" in words(scorecard.forecasters(few))
    assert "Shown in words from 100" in words(scorecard.reliability_block(few, dark=True, updown="blue-orange"))


def test_scores_stand_with_their_intervals_for_the_model_and_every_rule() -> None:
    card = scored(700, share=0.3)
    text = " ".join(words(score_slices.whole(card)).split())
    for side in (card.model, *card.baselines):
        assert side.title in text and side.brier_interval is not None
        assert f"{side.brier:.3f} [{side.brier_interval[0]:.3f}, {side.brier_interval[1]:.3f}]" in text
    assert "Logistic regression and gradient boosting are not recorded" in text
    kinds = " ".join(words(score_slices.kinds(card.regimes)).split())
    assert all(word in kinds for word in ("Rising", "Turbulent", "Momentum", "ECE, pp", "best rule"))
    few = scored(150)
    assert "too few to score" in words(score_slices.kinds(few.regimes))
    assert "MCC" not in words(score_slices.kinds(few.regimes))
    assert words(score_slices.whole(scored(20))).strip() == "20 of 100 settled calls: too few to score."


def test_log_loss_saved_is_drawn_in_the_accent_only_with_evidence() -> None:
    lines = [saved.draw([1, 2], [0.1, 0.2], skill=skill).data[0].line.color for skill in (True, False)]
    assert lines[0] != lines[1]
    assert "summed" in words(scorecard.log_loss_saved(scored(120), dark=True, updown="teal-vermillion"))


def test_drift_names_what_moved_and_who_was_not_seen() -> None:
    moved = Shift("atr_over_price", 0.9, 0.5, 0.25, 0.2, True)
    report = drift.judge({"demo:BTC/USDT": [moved]}, ["demo:ETH/USDT"], Cusum(30, [6.1], 5.0, True))
    text = words(drift_report.block(report, NOW, now=NOW))
    assert "ATR over price, BTC/USDT" in text and "PSI 0.90 of 0.25" in text
    assert "CUSUM 6.1 of 5" in text and "Drifted" in text and "No live candles of demo:ETH/USDT" in text
    assert "Not looked at yet" in words(drift_report.block(None, None, now=NOW))


GATE = Gate(
    [Line("skilled", "Skill demonstrated", True, "skilled"), Line("leaks", "Leak lab green", False, "red", "x")]
)


def care(**more: object) -> Care:
    values = {
        "model_id": 7,
        "state": "candidate",
        "proven": False,
        "demoted": "",
        "gate": GATE,
        "rebuild": None,
        "rebuilt_at": None,
        "running": None,
        "failed": "",
        "may_act": True,
    }
    return Care(**(values | more))  # type: ignore[arg-type]


def test_promote_rests_until_every_line_passes() -> None:
    text, shut = words(model_care.gate_block(care())), model_care.gate_block(care())
    assert "1 of 2 pass" in text and "Leak lab green" in text and "red" in text
    assert "'disabled': True" in str(shut.to_plotly_json()) or "disabled=True" in repr(shut)
    assert "disabled=False" in repr(model_care.gate_block(care(gate=Gate(GATE.lines[:1]))))
    assert "An analyst of this desk" in words(model_care.gate_block(care(may_act=False)))
    assert "serves unproven" in words(model_care.gate_block(care(state="champion")))
    assert "proven champion" in words(model_care.gate_block(care(proven=True, state="champion")))
    assert "Demoted. It drifted." in words(model_care.gate_block(care(demoted="It drifted.")))


def test_a_rebuild_tells_how_far_it_is_and_what_came_out() -> None:
    def text(**more: object) -> str:
        return words(model_care.rebuild_block(care(**more), now=NOW))

    assert "Rebuild this version" in text() and "Not done" in text()
    assert "Epoch 2" in text(running=(0.4, "Epoch 2"))
    same = rebuilding.compare(CARD, CARD, old={}, new={}, created_ms=1)
    assert "the difference is 0" in text(rebuild=same, rebuilt_at=NOW) and "Rebuild again" in text(rebuild=same)
    changed = replace(same, same=False, changed=["demo:BTC/USDT"])
    assert "Candles changed" in text(rebuild=changed)
    assert "did not end: no memory" in text(failed="no memory")


def test_versions_beside_each_other_are_ranked_only_on_the_same_rows() -> None:
    better = replace(CARD, version=4, metrics=replace(CARD.metrics, log_loss=0.5))
    one, other = Version(1, "champion", CARD, NOW), Version(2, "candidate", better, NOW)
    assert "className='best'" in repr(version_comparison.draw(one, other))
    later = replace(better, metrics=replace(better.metrics, n=9))
    apart = version_comparison.draw(one, replace(other, card=later))
    assert "className='best'" not in repr(apart) and "cannot be ranked" in words(apart)


def test_a_call_on_simulated_candles_carries_the_mark_everywhere() -> None:
    assert "SIM" in words(call_table.board([call()], now=NOW))
    assert "SIMULATED" in words(call_detail.live_rail(call(), barriers=(101.0, 99.0), close=100.0, now=NOW))
    assert "SIM" not in words(call_table.board([call(simulated=False)], now=NOW))


def test_a_call_of_an_unproven_champion_says_so() -> None:
    for proven in (True, False):
        board = words(call_table.board([call(proven=proven)], now=NOW))
        rail = words(call_detail.live_rail(call(proven=proven), barriers=(2, 1), close=1.5, now=NOW))
        assert ("unproven" in board) == ("unproven" in rail) == (not proven)


def test_rail_compares_confidence_with_the_base_rate() -> None:
    assert "50%, 17 pp above base rate" in words(call_detail.live_rail(call(), barriers=(2, 1), close=1.5, now=NOW))


def test_a_confidence_no_higher_than_usual_is_said_to_be_the_usual_one() -> None:
    usual = call(probabilities=(0.302, 0.4, 0.298), base_rates=(0.3, 0.402, 0.298))
    assert "40%, at its base rate" in words(call_detail.live_rail(usual, barriers=(2, 1), close=1.5, now=NOW))


def test_settled_calls_are_right_or_wrong() -> None:
    right = Settled("BTC/USDT", "demo", "5m", True, "bullish", 0.5, "bullish", 0.01, False, 0.69, NOW)
    wrong = replace(right, outcome="bearish", log_return=-0.0164, ambiguous=True)
    text = words(call_table.settled([right, wrong], now=NOW))
    assert "Right" in text
    assert "Wrong" in text
    assert "−1.64%, bearish (both barriers in one bar)" in text
    silent = replace(right, abstained=True)
    assert "Abstained" in words(call_table.settled([silent], now=NOW))


def test_loss_figure_shades_the_epochs_to_come() -> None:
    figure = training.draw([1.2, 1.1], [1.1, 1.0], baseline=1.09, best_epoch=2, epochs=10, others=[[1.3]])
    assert [t.name for t in figure.data] == [None, "training", "validation"]
    assert {s.type for s in figure.layout.shapes} == {"line", "rect"}
    assert any("base rates 1.0900" in a.text for a in figure.layout.annotations)


def test_a_loss_figure_of_nothing_can_be_drawn() -> None:
    assert isinstance(training.draw([], []), go.Figure)


def test_wilson_interval_has_its_published_values() -> None:
    # 95 % Wilson interval of 81 in 263: [0.2553, 0.3662] (Newcombe 1998, table I)
    assert power.wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert power.wilson(0.0, 0) == (0.0, 1.0)


def test_reliability_leaves_empty_bins_out() -> None:
    figure = reliability.draw([(0.4, 0.5, 10), (0.7, 0.0, 0)])
    assert list(figure.data[1].x) == [40.0]
    assert reliability.draw([]).data


def test_past_calls_are_sorted_into_right_wrong_and_open() -> None:
    candles = walk(30, "5m")
    marks = [Mark(int(candles.time[k]), k % 3, 0.5, (0, 2, None)[k % 3]) for k in range(9)]
    zone = Zone(int(candles.time[-1]), int(candles.time[-1]) + 3_600_000, 101.0, 99.0)
    figure = past_calls.draw(candles, marks, zone=zone)
    assert {t.name: len(t.x) for t in figure.data[1:]} == {"right": 3, "wrong": 3, "open": 3}
    assert np.isclose([s.y0 for s in figure.layout.shapes if s.type == "line"], [101.0, 99.0]).all()


def test_a_walk_forward_shows_every_network_with_its_progress() -> None:
    parts = [
        {
            "fold": 1,
            "seed": 1,
            "title": "fold 1, seed 1",
            "state": "done",
            "fraction": 1.0,
            "epoch": 8,
            "val_losses": [1.1],
        },
        {
            "fold": 1,
            "seed": 2,
            "title": "fold 1, seed 2",
            "state": "running",
            "fraction": 0.5,
            "epoch": 0,
            "val_losses": [],
        },
        {
            "fold": 2,
            "seed": 1,
            "title": "fold 2, seed 1",
            "state": "waiting",
            "fraction": 0.0,
            "epoch": 0,
            "val_losses": [],
        },
    ]
    progress = {"fraction": 0.48, "message": "1 of 3 networks trained", "eta_s": 1_200, "parts": parts}
    run = Run("j", "running", "BTC/USDT, 1h, 24 bars ahead", 1, NOW, progress, False, True)
    text = words(training_run.draw(run, now=NOW, dark=True, updown="teal-vermillion"))
    for told in ("1 of 3 trained", "1 at work now", "20 min", "Fold 1, seed 2", "At work, 50%", "Waiting", "48%"):
        assert told in " ".join(text.split()), told
