"""The leak lab names twelve of twelve planted leaks and is silent on twenty of twenty clean pipelines."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import Cancelled
from ml import dataset, features, leak_fits, leak_lab, leak_probes, leak_steps
from ml.leak_lab import BOLT, Stored
from ml.leak_probes import Probe
from ml.leak_report import Report
from tests.ml import leaks

PLANTED, CLEAN = leaks.planted(), leaks.clean()
ASKED = leaks.config()
GIVEN = leaks.frames(ASKED)
DATA = dataset.prepare(GIVEN, ASKED)
NAMED = {  # the line that must speak, whatever others do
    "feature shifted by one": "features",
    "centred moving average": "features",
    "future volume": "features",
    "coarse bar that still forms": "features",
    "normalised by the global maximum": "features",
    "target-encoded hour": "features",
    "scaler fitted on everything": "scaler",
    "label among the features": "table",
    "window reaching over the border": "split",
    "embargo missing": "split",
    "labels overlapping the border": "future",
    "gap filled forward": "labels",
}


def test_there_are_twelve_leaks_and_twenty_clean_pipelines() -> None:
    assert set(PLANTED) == set(NAMED)
    assert (len(PLANTED), len(CLEAN)) == (12, 20)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_leak_is_caught(name: str) -> None:
    frames, asked, pipeline = PLANTED[name]
    report = leak_lab.examine(frames, asked, pipeline=pipeline)
    assert report.state == "red"
    assert NAMED[name] in [check.key for check in report.alarms]
    assert all(check.detail for check in report.alarms)


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_pipeline_raises_no_alarm(name: str) -> None:
    frames, asked, pipeline = CLEAN[name]
    report = leak_lab.examine(frames, asked, pipeline=pipeline)
    assert report.alarms == []
    assert report.state == "green"


def test_the_guilty_feature_is_named() -> None:
    frames, asked, pipeline = PLANTED["future volume"]
    report = leak_lab.examine(frames, asked, pipeline=pipeline)
    (check,) = [c for c in report.checks if c.key == "features"]
    assert (check.value, check.detail) == ("9 of 10", "Later candles change: Volume z-score.")


def test_labels_the_candles_do_not_give_are_seen() -> None:
    report = leak_lab.examine(GIVEN, ASKED, pipeline=leaks.after(leaks.labels_that_repeat))
    assert "labels" in [check.key for check in report.alarms]


def test_a_blind_probe_makes_the_report_red() -> None:
    """Green must never come from a lab that sees nothing."""
    blind = Probe("nothing", lambda _x, _y, test: np.full((len(test), 3), 1 / 3))
    report = leak_lab.examine(GIVEN, ASKED, probe=blind)
    assert [check.key for check in report.alarms] == ["planted"]
    assert report.probe == "nothing"


def test_the_files_of_a_version_are_compared() -> None:
    mine = Stored(DATA.scaler, DATA.k)
    report = leak_lab.examine(GIVEN, ASKED, stored=mine)
    assert report.green
    assert "files" in [check.key for check in report.checks]
    for other in (
        replace(mine, k=DATA.k + 0.1),
        replace(mine, scaler=replace(DATA.scaler, mean=tuple(m + 0.01 for m in DATA.scaler.mean))),
    ):
        assert [c.key for c in leak_lab.examine(GIVEN, ASKED, stored=other).alarms] == ["files"]


def test_without_files_their_line_is_left_out() -> None:
    assert "files" not in [check.key for check in leak_lab.examine(GIVEN, ASKED).checks]


def test_progress_moves_and_may_stop_the_lab() -> None:
    seen: list[tuple[float, str]] = []

    def note(fraction: float, title: str) -> None:
        seen.append((fraction, title))
        if len(seen) == 4:
            raise Cancelled("The job was cancelled.")

    with pytest.raises(Cancelled):
        leak_lab.examine(GIVEN, ASKED, on_check=note)
    assert seen[0] == (0.0, "Computing every feature on truncated candles")
    assert [f for f, _ in seen] == sorted({f for f, _ in seen})
    assert [title for _, title in seen[1:3]] == [
        "Computing features and labels",
        "Computing the table of features again",
    ]


def test_a_report_survives_json() -> None:
    report = leak_lab.examine(*PLANTED["embargo missing"][:2], pipeline=PLANTED["embargo missing"][2])
    again = Report.from_dict(report.to_dict())
    assert again == report
    assert again.state == "red"
    assert again.windows == len(DATA.rows.y)


def test_another_future_keeps_the_past_and_stays_possible() -> None:
    candles = GIVEN[0].candles
    other = leak_probes.other_future(candles, 1_000)
    for mine, its in zip(candles.columns(), other.columns(), strict=True):
        assert np.array_equal(mine[:1_000], its[:1_000])
    assert (other.close[1_000:] != candles.close[1_000:]).all()
    assert (other.low <= np.minimum(other.open, other.close)).all()
    assert (other.high >= np.maximum(other.open, other.close)).all()


def test_a_placebo_is_made_of_candles_without_memory() -> None:
    walk = leak_probes.placebo(GIVEN[0], ASKED.step.ms, 4_000, seed=3).candles
    assert (walk.low <= np.minimum(walk.open, walk.close)).all()
    assert (walk.high >= np.maximum(walk.open, walk.close)).all()
    moves = np.diff(np.log(walk.close))
    assert abs(np.corrcoef(moves[1:], moves[:-1])[0, 1]) < 0.05
    assert np.isfinite(features.compute(walk, ASKED.step.ms)[200:]).all()


def test_bolts_own_pipeline_is_the_one_that_trains() -> None:
    assert BOLT.prepare is dataset.prepare
    assert BOLT.compute is features.compute


WALKED = leaks.config(scheme="rolling", folds=3, train_days=30)
OLDER = leaks.frames(WALKED, n=1_700, seed=3)
LINES = ("table", "labels", "scaler", "fitted", "split", "future")


def test_every_fold_of_a_walk_forward_is_looked_at() -> None:
    seen: list[str] = []
    report = leak_lab.examine(OLDER, WALKED, on_check=lambda _fraction, title: seen.append(title))
    assert report.alarms == [] and report.folds == 3
    assert {c.key for c in report.checks if c.folds == [1, 2, 3]} == set(LINES)
    assert {c.key for c in report.checks if c.folds == [3]} == {"shuffled", "planted", "walk"}
    assert sum(title.startswith("Fold 2 of 3: ") for title in seen) == len(LINES) + 1
    assert report.looked == (
        "Looked at all 3 folds. Only fold 3: shuffled labels score like chance, a planted future is found, "
        "a random walk cannot be foretold."
    )
    assert Report.from_dict(report.to_dict()) == report
    assert replace(report, folds=1).looked == "" and "newest fold alone" in replace(report, folds=0).looked


@pytest.mark.parametrize("name", leaks.KNOWING)
def test_a_leak_in_an_older_fold_alone_is_caught_and_the_fold_is_named(name: str) -> None:
    report = leak_lab.examine(OLDER, WALKED, pipeline=leaks.in_the_oldest_fold_alone(leaks.KNOWING[name]))
    assert NAMED[name] in [check.key for check in report.alarms]
    for check in report.alarms:
        assert (
            check.detail.startswith("Fold 1 of 3: ") and "Fold 2" not in check.detail and "Fold 3" not in check.detail
        )


@pytest.mark.parametrize("fit", leak_fits.FITS)
def test_a_fit_on_rows_of_another_segment_is_caught(fit: str) -> None:
    """What is fitted beside the network, taken from the test rows instead of its own."""
    part, right = leak_fits.FITS[fit]

    def wrong(data: dataset.Dataset, p: np.ndarray) -> leak_steps.Fitted:
        return right(replace(data, parts=replace(data.parts, **{part: data.parts.test})), p)

    report = leak_lab.examine(GIVEN, ASKED, pipeline=replace(BOLT, fits=leak_fits.FITS | {fit: (part, wrong)}))
    assert [(c.key, c.value, c.detail) for c in report.alarms] == [
        ("fitted", "3 of 4", f"Rows of another segment change the {fit}.")
    ]


def test_the_barrier_width_of_every_fold_of_a_version_is_compared() -> None:
    steps = [dataset.prepare(OLDER, WALKED, fold=fold) for fold in range(3)]
    mine = Stored(steps[-1].scaler, steps[-1].k, tuple(step.k for step in steps))
    assert leak_lab.examine(OLDER, WALKED, stored=mine).green
    other = leak_lab.examine(OLDER, WALKED, stored=replace(mine, ks=(mine.ks[0] + 0.1, *mine.ks[1:])))
    assert [(c.key, c.folds, c.detail) for c in other.alarms] == [
        ("files", [1, 2, 3], "The barrier width of fold 1 is not what its train rows give.")
    ]


@pytest.mark.parametrize(
    ("apart", "told"),
    [
        (0.0, "exactly the same"),
        (2.1e-12, "differs by at most 0.000000000002"),
        (0.5, "differs by at most 0.5"),
        (float("inf"), "cannot be compared"),
    ],
)
def test_a_difference_in_the_leak_report_has_no_exponent(apart: float, told: str) -> None:
    assert leak_steps.told(apart) == told
