"""The gate: six lines with their values, and no way around any of them."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session

from core.errors import ModelUnavailable, Refused
from db.queries import audit, trained_models
from db.tables import TrainedModel
from ml import artefacts, leak_verdict, promotion, registry, report, sharpe, verdict
from ml.card import SKILLED, Card
from ml.leak_report import Check, Report
from ml.promotion import Rival, Sample
from tests.ml import versions

HOUR = 3_600_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = versions.config()
BARE = versions.card(ASKED, versions.prepared(ASKED))
RUNS = [replace(BARE.runs[0], seed=k, served=k == 1) for k in range(1, 6)]
GOOD = replace(versions.with_gain(BARE, 0.1, verdict=SKILLED), runs=RUNS, skill_shown=True)


def sample(n: int = 1_500, *, share: float = 0.5, seed: int = 0, sure: float = 1.0) -> Sample:
    """Rows an hour apart that end a bar later; `share` of the time the call names what happens."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, n).astype(np.int8)
    knows = rng.random(n) < share
    said = np.where(knows, label, rng.integers(0, 3, n))
    right = share + (1 - share) / 3
    top = right * sure
    p = np.where(np.eye(3, dtype=bool)[said], top, (1 - top) / 2)
    ret = (label.astype(float) - 1) * 0.01
    time = np.arange(n, dtype=np.int64) * HOUR
    none = np.zeros(n, dtype=bool)
    return Sample(np.zeros(n, dtype=np.int64), time, time + HOUR, p, label, ret, none)


def stored(rows: Sample) -> bytes:
    out = io.BytesIO()
    np.savez(
        out,
        market_id=rows.market,
        open_ms=rows.open_ms,
        until_ms=rows.until_ms,
        probabilities=rows.p,
        label=rows.label,
        ret=rows.ret,
        regime=np.zeros(len(rows.label), dtype=np.int8),
        seed_probabilities=np.stack([rows.p] * len(RUNS), axis=1).astype(np.float32),
    )
    return out.getvalue()


def publish(session: Session, models: Path, card: Card, rows: Sample | None, number: int) -> TrainedModel:
    files = {artefacts.CARD: b"{}"} | ({artefacts.OOS: stored(rows)} if rows else {})
    folder = f"{ASKED.family}/job-{number}"
    manifest = artefacts.save(models, folder, files)
    return registry.record(session, card, ASKED, manifest=manifest, folder=folder, models=models)


def examined(session: Session, model: TrainedModel, *, green: bool = True) -> TrainedModel:
    report = Report([Check("split", "Rows apart", green, "1 bar")], "logistic regression", 1_500, 1_389)
    return leak_verdict.conclude(session, model.id, report, now=NOW, max_age_days=180)


def passed(gate: promotion.Gate) -> dict[str, bool]:
    return {line.key: line.passed for line in gate.lines}


def test_a_version_that_shows_everything_passes() -> None:
    gate = promotion.gate(GOOD, sample(), None, leaks="green")
    assert gate.passed and [line.key for line in gate.lines] == [
        *("skilled", "better", "calibration", "pays", "seeds", "leaks")
    ]


@pytest.mark.parametrize(
    ("key", "card", "rows", "leaks"),
    [
        ("skilled", replace(GOOD, verdict=BARE.verdict), sample(), "green"),
        ("calibration", GOOD, sample(sure=0.7), "green"),
        ("pays", replace(GOOD, labels=replace(GOOD.labels, cost=0.01)), sample(), "green"),
        ("seeds", replace(GOOD, runs=RUNS[:4]), sample(), "green"),
        ("leaks", GOOD, sample(), "red"),
        ("leaks", GOOD, sample(), "not run"),
    ],
)
def test_each_line_alone_keeps_a_version_back(key: str, card: Card, rows: Sample, leaks: str) -> None:
    gate = promotion.gate(card, rows, None, leaks=leaks)
    assert [line.key for line in gate.open] == [key]
    assert gate.open[0].value and not gate.passed


def seeded(served: Sample, *alone: Sample) -> Sample:
    return replace(served, seeds=np.stack([one.p for one in alone], axis=1))


def test_the_median_seed_has_to_hold_as_well_and_is_shown() -> None:
    weak, flat = sample(share=0.0, seed=1), sample(sure=0.7)
    for key, worse in (("pays", weak), ("calibration", flat)):
        few = promotion.gate(GOOD, seeded(sample(), sample(), sample(), worse), None, leaks="green")
        most = promotion.gate(GOOD, seeded(sample(), sample(), worse, worse), None, leaks="green")
        assert passed(few)[key] and not passed(most)[key]
        assert "median of seeds" in next(line.value for line in most.lines if line.key == key)


def test_seeds_are_read_from_the_rows_of_a_walk() -> None:
    read = Sample.of_walk(stored(sample()))
    assert len(read.each_seed()) == 5 and len(sample().each_seed()) == 1


def test_the_median_seed_has_to_lead_the_champion() -> None:
    strong, weak, names = sample(share=0.5), sample(share=0.2), tuple(GOOD.markets)
    rival = Rival("v1", names, weak)
    few = promotion.gate(GOOD, seeded(strong, strong, strong, weak), rival, leaks="green").lines[1]
    most = promotion.gate(GOOD, seeded(strong, strong, weak, weak), rival, leaks="green").lines[1]
    assert few.passed and not most.passed and most.value.endswith("median of seeds +0.0000")


def test_a_quick_look_has_no_walk_forward_to_show() -> None:
    gate = promotion.gate(GOOD, None, Rival("v1", tuple(GOOD.markets), sample()), leaks="green")
    unknown = dict.fromkeys(("better", "calibration", "pays"), promotion.NO_WALK)
    assert {line.key: line.value for line in gate.open} == unknown


def test_the_challenger_meets_the_champion_on_the_same_calls() -> None:
    strong, weak = sample(share=0.5), sample(share=0.2)
    names = tuple(GOOD.markets)
    up = promotion.gate(GOOD, strong, Rival("v1", names, weak), leaks="green").lines[1]
    down = promotion.gate(GOOD, weak, Rival("v1", names, strong), leaks="green").lines[1]
    assert up.passed and "1,500 calls" in up.value and up.title == "Better than live v1 on the same calls"
    assert not down.passed and down.value.startswith("−")


def test_versions_without_common_calls_cannot_be_compared() -> None:
    later = replace(sample(), open_ms=sample().open_ms + 10_000 * HOUR)
    line = promotion.gate(GOOD, sample(), Rival("v1", tuple(GOOD.markets), later), leaks="green").lines[1]
    assert not line.passed and line.value == "0 shared calls"
    other = promotion.gate(GOOD, sample(), Rival("v1", ("demo:ETH/USDT",), sample()), leaks="green").lines[1]
    assert other.value == "0 shared calls"
    assert promotion.gate(GOOD, sample(), Rival("v1", (), None), leaks="green").lines[1].value == "its rows are gone"


def test_abstained_calls_earn_and_cost_nothing() -> None:
    rows = sample()
    silent = replace(rows, abstains=np.ones(len(rows.label), dtype=bool))
    assert promotion.gate(GOOD, silent, None, leaks="green").lines[3].value == "not known"


def test_one_position_at_a_time_and_costs_each_time() -> None:
    time = np.array([0, 1, 2, 30], dtype=np.int64) * HOUR
    until = time + np.array([5, 5, 5, 1]) * HOUR
    said = np.array([2, 2, 0, 0], dtype=np.int8)
    days = sharpe.daily(np.zeros(4, int), time, until, said, np.log([1.02, 1.5, 1.5, 0.97]), cost=0.002)
    assert days == pytest.approx([0.018, 0.028])


def test_markets_share_the_capital() -> None:
    time = np.zeros(2, dtype=np.int64)
    days = sharpe.daily(np.array([0, 1]), time, time + HOUR, np.array([2, 1], np.int8), np.log([1.02, 1.5]), cost=0.0)
    assert days == pytest.approx([0.01])


def test_psr_is_that_of_the_paper() -> None:
    """Sharpe 0.458 a month over 24 months, skew −2.448, kurtosis 10.164: 0.913 (Bailey & López de Prado 2012)."""
    rng = np.random.default_rng(4)
    returns = rng.normal(0.02, 0.1, 2_000)
    ratio = returns.mean() / returns.std(ddof=1)
    skew = ((returns - returns.mean()) ** 3).mean() / returns.std() ** 3
    kurtosis = ((returns - returns.mean()) ** 4).mean() / returns.std() ** 4
    from scipy.stats import norm

    expected = norm.cdf(ratio * np.sqrt(1_999) / np.sqrt(1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2))
    assert sharpe.probabilistic(returns) == pytest.approx(float(expected))
    assert float(norm.cdf(0.458 * np.sqrt(23) / np.sqrt(1 + 2.448 * 0.458 + 9.164 / 4 * 0.458**2))) == pytest.approx(
        0.913, abs=2e-3
    )
    assert sharpe.probabilistic(returns[:20]) is None and sharpe.probabilistic(np.zeros(100)) is None


def test_promotion_replaces_the_champion_and_is_written_down(session: Session, tmp_path: Path) -> None:
    first = publish(session, tmp_path, versions.with_gain(GOOD, 0.5), sample(share=0.1), 1)
    second = examined(session, publish(session, tmp_path, GOOD, sample(share=0.5), 2))
    assert (first.state, second.state) == ("champion", "candidate")
    registry.promote(session, second, models=tmp_path, actor_id=None, actor="mara@example.org")
    assert (first.state, second.state, second.proven) == ("retired", "champion", True)
    event = audit.page(session, audit.Wanted(action="champion_changed"))[0]
    assert (event.actor, event.detail["before"], event.detail["proven"]) == ("mara@example.org", "v1", True)
    assert event.detail["leaks"] == "green"
    with pytest.raises(Refused, match="champion already"):
        registry.promote(session, second, models=tmp_path, actor_id=None, actor="x")


def test_nobody_promotes_past_the_gate(session: Session, tmp_path: Path) -> None:
    model = publish(session, tmp_path, GOOD, sample(), 1)
    with pytest.raises(Refused, match=r"cannot be promoted\. Leak lab green: not run"):
        registry.promote(session, model, models=tmp_path, actor_id=None, actor="x")
    examined(session, model, green=False)
    with pytest.raises(Refused, match="leak lab green: red"):
        registry.promote(session, model, models=tmp_path, actor_id=None, actor="x")
    assert not model.proven


def test_damaged_rows_are_no_rows(session: Session, tmp_path: Path) -> None:
    model = examined(session, publish(session, tmp_path, GOOD, sample(), 1))
    (tmp_path / model.folder / artefacts.OOS).write_bytes(b"x")
    assert not passed(registry.gate_of(session, model, models=tmp_path))["pays"]
    with pytest.raises(ModelUnavailable, match="lacks label"):
        Sample.of_walk(stored(sample()).replace(b"label", b"lobel"))
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        Sample.of_test(b"nothing")


def test_a_proven_champion_yields_to_the_gate_alone(session: Session, tmp_path: Path) -> None:
    first = examined(session, publish(session, tmp_path, GOOD, sample(), 1))
    registry.promote(session, first, models=tmp_path, actor_id=None, actor="x")
    second = publish(session, tmp_path, versions.with_gain(GOOD, 9.0), sample(share=0.9), 2)
    assert (first.state, second.state) == ("champion", "candidate")


def test_demotion_takes_the_proof_and_lets_the_best_other_version_serve(session: Session, tmp_path: Path) -> None:
    first = examined(session, publish(session, tmp_path, GOOD, sample(), 1))
    registry.promote(session, first, models=tmp_path, actor_id=None, actor="x")
    others = [publish(session, tmp_path, versions.with_gain(BARE, g), None, 2 + k) for k, g in enumerate((0.1, 0.3))]
    serves = registry.demote(session, first, "It drifted.", now=NOW)
    assert serves.id == others[1].id and (serves.state, serves.proven) == ("champion", False)
    assert (first.state, first.proven, first.demoted_because) == ("retired", False, "It drifted.")
    assert audit.page(session, audit.Wanted(action="champion_demoted"))[0].detail == {"because": "It drifted."}


def test_a_champion_alone_goes_on_unproven_until_any_other_comes(session: Session, tmp_path: Path) -> None:
    first = examined(session, publish(session, tmp_path, GOOD, sample(), 1))
    registry.promote(session, first, models=tmp_path, actor_id=None, actor="x")
    assert registry.demote(session, first, "Too old.", now=NOW).id == first.id
    assert (first.state, first.proven) == ("champion", False)
    second = publish(session, tmp_path, versions.with_gain(BARE, -0.1), None, 2)
    assert (first.state, second.state) == ("retired", "champion")
    with pytest.raises(Refused, match="not the champion"):
        registry.demote(session, first, "again", now=NOW)


def test_the_card_on_disk_carries_its_number(session: Session, tmp_path: Path) -> None:
    model = publish(session, tmp_path, GOOD, None, 1)
    assert b'"version": 1' in artefacts.read_checked(tmp_path, model.folder, artefacts.CARD, model.manifest)
    assert (tmp_path / model.folder / artefacts.MANIFEST).read_text().count(model.manifest[artefacts.CARD]) == 1
    assert trained_models.get(session, model.id).card["version"] == 1


def test_the_leak_report_decides_where_all_else_shows_skill(session: Session, tmp_path: Path) -> None:
    shown = replace(GOOD, verdict=BARE.verdict, skill_shown=True)
    verdicts = []
    for number, card in enumerate((shown, replace(shown, skill_shown=False)), 1):
        model = publish(session, tmp_path, card, None, number)
        verdicts += [examined(session, model, green=green).card["verdict"] for green in (True, False)]
    assert verdicts == ["skilled", "no_demonstrated_skill", "no_demonstrated_skill", "no_demonstrated_skill"]


def test_a_quick_look_never_outranks_a_walk_forward(session: Session, tmp_path: Path) -> None:
    walked = publish(session, tmp_path, replace(versions.with_gain(BARE, -0.1), quick_look=False), None, 1)
    publish(session, tmp_path, versions.with_gain(GOOD, 9.0), None, 2)
    assert trained_models.champion(session, walked.name) == walked


def test_a_version_that_passes_every_line_becomes_a_skilled_champion(session: Session, tmp_path: Path) -> None:
    """From a walk-forward's rows: judged, examined, compared with the champion, and promoted past every line."""
    rows = versions.prepared(ASKED).parts.test
    judged = report.judged(versions.prepared(ASKED), rows)
    tilt = np.where(np.random.default_rng(0).random(len(rows))[:, None] < 0.5, np.eye(3)[judged.y], 1 / 3)
    made = versions.card(ASKED, versions.prepared(ASKED), forecast=0.6 * tilt + 0.4 / 3)
    shown = verdict.skill_shown(made.metrics, made.baselines)
    assert shown and made.verdict == BARE.verdict
    first = publish(session, tmp_path, replace(BARE, quick_look=False), sample(share=0.1), 1)
    card = replace(made, skill_shown=shown, runs=RUNS, quick_look=True)
    model = publish(session, tmp_path, card, sample(), 2)
    assert [line.key for line in registry.gate_of(session, model, models=tmp_path).open] == ["skilled", "leaks"]
    examined(session, model)
    found = registry.promote(session, model, models=tmp_path, actor_id=None, actor="mara@example.org")
    assert found.passed and len(found.lines) == 6
    assert (model.card["verdict"], model.state, model.proven) == (SKILLED, "champion", True)
    assert (first.state, trained_models.champion(session, ASKED.family)) == ("retired", model)
