"""A scorecard counts what was said, beside rules on the same candles, and says how far luck is ruled out."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from ml import evaluation, power, regimes, scoring
from ml.scorecard import ENOUGH, Scorecard, Settled
from tests.ml.settled import HABITS, HOUR, settled


def drawn(rows: Settled, horizon: int = 1) -> Scorecard:
    card = scoring.draw_up(rows, HABITS, horizon=horizon, step_ms=HOUR)
    assert card is not None
    return card


@pytest.mark.parametrize(("rate", "calls"), [(0.53, 1_717), (0.55, 617), (0.60, 153)])
def test_calls_that_confirm_a_hit_rate(rate: float, calls: int) -> None:
    assert power.needed(rate) == calls


def test_a_rate_at_or_below_the_base_can_never_be_confirmed() -> None:
    with pytest.raises(ValueError, match="above the base"):
        power.needed(0.5)


def test_wilson_is_the_interval_of_the_text_books() -> None:
    assert power.wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert power.wilson(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert power.wilson(0.3, 0) == (0.0, 1.0)


def test_no_calls_make_no_scorecard() -> None:
    assert scoring.draw_up(settled(0), HABITS, horizon=1, step_ms=HOUR) is None


def test_the_figures_are_those_of_the_definitions() -> None:
    rows = settled(400, share=0.1, seed=3)
    card = drawn(rows)
    right = rows.p.argmax(axis=1) == rows.y
    assert (card.n, card.model.right, card.n_eff) == (400, int(right.sum()), 400.0)
    assert card.model.log_loss == pytest.approx(float(-np.log(rows.p[np.arange(400), rows.y]).mean()))
    base = np.tile(HABITS.base_rates, (400, 1))
    mine, theirs = (float(((p - np.eye(3)[rows.y]) ** 2).sum(axis=1).mean()) for p in (rows.p, base))
    assert card.skill == pytest.approx(1 - mine / theirs)
    assert card.skill_interval[0] < card.skill < card.skill_interval[1]
    assert card.model.mcc_interval is not None and card.model.mcc is not None
    assert card.model.mcc_interval[0] < card.model.mcc < card.model.mcc_interval[1]
    assert card.model.mcc == pytest.approx(evaluation.mcc(evaluation.confusion(rows.y, rows.p.argmax(axis=1))))
    assert card.model.ece == pytest.approx(evaluation.ece(evaluation.reliability(rows.p, rows.y)))
    assert card.saved.nats[-1] == pytest.approx(
        400 * (card.baseline("climatology").log_loss - card.model.log_loss), abs=1e-3
    )


def test_rules_are_scored_on_the_same_rows() -> None:
    rows = settled(300, seed=4)
    card = drawn(rows)
    assert [b.key for b in card.baselines] == ["climatology", "majority", "persistence", "momentum"]
    repeated = int((rows.persistence == rows.y).sum())
    assert (card.baseline("persistence").n, card.baseline("persistence").right) == (300, repeated)
    assert card.baseline("majority").hit_rate == pytest.approx(float((rows.y == 1).mean()))
    assert card.best == max(b.hit_rate for b in card.baselines if b.hit_rate is not None)


def test_rules_nobody_noted_are_left_out() -> None:
    unknown = np.full(300, -1, dtype=np.int8)
    card = drawn(replace(settled(300), persistence=unknown, momentum=unknown))
    assert [b.key for b in card.baselines] == ["climatology", "majority"]


def test_abstained_calls_count_in_losses_and_not_in_rates() -> None:
    rows = settled(300, share=0.2, abstain=120)
    card = drawn(rows)
    assert (card.n, card.abstained, card.model.n) == (300, 120, 180)
    assert card.model.right == int((rows.p.argmax(axis=1) == rows.y)[120:].sum())
    assert card.model.log_loss == pytest.approx(float(evaluation.log_losses(rows.p, rows.y).mean()))
    assert all(b.n == 180 for b in card.baselines)


def test_a_model_that_only_abstains_has_no_rate() -> None:
    card = drawn(settled(120, abstain=120))
    assert card.model.hit_rate is None and card.model.interval is None and card.model.ece is None
    assert card.note == "0 of 100 calls not abstained from: too few to say how often." and card.model.brier_interval
    assert card.best is None


def test_overlapping_calls_are_worth_fewer_and_widen_intervals() -> None:
    alone, lapping = drawn(settled(300, seed=5)), drawn(settled(300, seed=5, length=24), horizon=24)
    assert lapping.n_eff == pytest.approx(300 / 24, rel=0.3)
    assert alone.model.interval is not None and lapping.model.interval is not None
    assert np.ptp(lapping.model.interval) > 3 * np.ptp(alone.model.interval)


def test_a_model_that_knows_something_gets_evidence_and_noise_gets_none() -> None:
    assert drawn(settled(600, share=0.3)).level == 4
    noise = drawn(settled(600, share=0.0, seed=2))
    assert noise.level == 0 and noise.finding.endswith("lost a little less than base rates, which may be chance.")
    assert noise.detail.endswith("which includes zero.")
    worse = drawn(replace(settled(600), p=np.roll(settled(600, share=0.3).p, 1, axis=0)))
    assert worse.level == 0 and worse.finding.endswith("did no better than quoting base rates.")


def test_few_calls_show_their_count_and_no_evidence() -> None:
    card = drawn(settled(38))
    assert card.level is None
    assert card.finding == f"38 of {ENOUGH} calls have settled: too few to say how often this model is right."


def test_evidence_is_that_of_the_hardest_rule() -> None:
    card = drawn(settled(600, share=0.3))
    weakest = [replace(b, saves=replace(b.saves, p_value=0.03)) for b in card.baselines[:1] if b.saves]
    assert scoring.evidence([*weakest, *card.baselines[1:]]) == 1
    assert scoring.evidence([]) == 0


def test_directions_are_the_calls_that_luck_would_get_half_right() -> None:
    rows = settled(900, seed=6)
    said = rows.p.argmax(axis=1)
    clear = (said != 1) & (rows.y != 1)
    direction = drawn(rows).direction
    assert (direction.n, direction.right) == (int(clear.sum()), int((said == rows.y)[clear].sum()))
    assert (direction.target, direction.needed) == (0.53, 1_717)
    assert direction.n_eff == pytest.approx(direction.n)


def test_conformal_sets_are_held_to_their_promise() -> None:
    rows = settled(500, seed=7)
    coverage = drawn(rows).coverage
    assert coverage is not None
    assert (coverage.n, coverage.held) == (500, int((rows.y != 0).sum()))
    assert coverage.rate == pytest.approx(0.7, abs=0.06)
    assert drawn(replace(rows, held=np.zeros((500, 3), dtype=bool))).coverage is None


def test_kinds_of_market_add_up() -> None:
    card = drawn(settled(600))
    named = {s.key: s for s in card.regimes}
    assert set(named) == {"falling", "sideways", "rising", "calm", "turbulent"}
    assert named["calm"].n + named["turbulent"].n == 600
    assert sum(named[key].right for key in ("falling", "sideways", "rising")) == card.model.right


def test_every_kind_of_market_has_every_score_of_every_forecaster_on_its_rows() -> None:
    rows = settled(900, share=0.2, seed=9)
    falling = next(part for part in drawn(rows).regimes if part.key == "falling")
    inside = rows.where(regimes.direction(rows.regime) == regimes.FALLING)
    alone = drawn(inside)  # the very same rows as a card of their own
    assert falling.model is not None and (falling.n, falling.n_eff) == (len(inside), alone.n_eff)
    assert falling.model == alone.model
    assert [replace(side, saves=None) for side in alone.baselines] == falling.baselines
    for side in (falling.model, *falling.baselines):
        for value, interval in (
            (side.hit_rate, side.interval),
            (side.brier, side.brier_interval),
            (side.ece, side.ece_interval),
            (side.mcc, side.mcc_interval),
        ):
            assert value is not None and interval is not None and interval[0] <= interval[1]
    assert falling.model.interval is not None and falling.model.hit_rate is not None
    assert falling.model.interval[0] <= falling.model.hit_rate <= falling.model.interval[1]


def test_a_kind_of_market_with_too_few_calls_says_so_instead_of_scores() -> None:
    part = drawn(settled(240)).regimes[0]
    assert (part.n, part.note) == (80, "80 of 100 settled calls: too few to score.")
    assert (part.model, part.baselines, part.hit_rate, part.interval, part.best) == (None, [], None, None, None)


def test_an_interval_of_few_blocks_is_not_surer_than_its_independent_calls() -> None:
    rows = settled(120, seed=3, length=24)
    found = drawn(rows, horizon=24).model
    least, most = power.wilson(found.right / found.n, drawn(rows, horizon=24).n_eff)
    assert found.interval is not None and found.interval[0] <= least and most <= found.interval[1]


def test_both_barriers_in_one_bar_count_against_every_forecaster() -> None:
    rows = settled(200, seed=8)
    doubtful = replace(rows, ambiguous=np.ones(200, dtype=bool), y=np.zeros(200, dtype=np.int8))
    card = drawn(doubtful)
    assert card.baseline("persistence").log_loss >= -math.log(0.5)  # its less likely side, whatever it said
    assert card.baseline("momentum").right <= int((doubtful.momentum != 1).sum())


def test_a_scorecard_survives_json() -> None:
    card = drawn(settled(300, share=0.1))
    assert Scorecard.from_dict(json.loads(json.dumps(card.to_dict()))) == card


def test_calls_made_once_a_horizon_do_not_overlap_and_are_compared_so() -> None:
    rows, day = settled(300, share=0.1, seed=4, length=24), 24
    sparse = replace(rows, open_ms=rows.open_ms * day, until_ms=rows.open_ms * day + day * HOUR)
    found = drawn(sparse, horizon=day).baseline("climatology").saves
    assert found == drawn(settled(300, share=0.1, seed=4)).baseline("climatology").saves
    crowded = drawn(rows, horizon=day).baseline("climatology").saves
    assert found is not None and crowded is not None and found.p_value != crowded.p_value
