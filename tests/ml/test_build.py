"""What a training of one split tells while it runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml import build, parts, walk
from ml.dataset import Frame
from ml.parts import Key
from ml.trainer import Progress
from tests.candles import walk as candles
from tests.ml import versions


def test_epochs_of_the_network_on_shuffled_labels_are_kept_as_well_and_stay_off_the_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A training killed while that network trains goes on from its checkpoint: such an attempt must not count."""
    asked, seen = versions.config(), list[str]()

    def train(_net: object, _data: object, key: Key, *, on_epoch: Callable[[Progress], None], **_: Any) -> None:
        seen.append(key.kind)
        on_epoch(Progress(1, 1, 1, 1, [1.0], [1.0], 1, 1.0, 0.0, 1.0))

    monkeypatch.setattr(walk, "start", lambda *_: None)
    monkeypatch.setattr(parts, "train", train)
    monkeypatch.setattr(build, "assemble", lambda *_, **__: None)
    course = build.Course(
        on_stage=lambda *_: None,
        on_epoch=lambda *_: seen.append("told"),
        each_batch=lambda: None,
        on_kept=lambda: seen.append("kept"),
    )
    frames = [Frame(asked.markets[0], True, candles(1_500, seed=1))]
    build.build(frames, asked, folder=tmp_path, now_ms=1, course=course)
    assert seen == ["lstm", "kept", "told", "shuffled", "kept"]
