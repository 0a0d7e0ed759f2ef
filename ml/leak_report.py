"""What the leak lab found about a version, as plain JSON in `leak_reports.report`."""

from dataclasses import dataclass, field
from typing import Literal

from ml.card_parts import Part

State = Literal["green", "red", "not comparable", "not run"]
GREEN: State = "green"
RED: State = "red"
COMPARED_LESS: State = "not comparable"  # no alarm, but less was examined than what the version is
NOT_RUN: State = "not run"


@dataclass(frozen=True)
class Check(Part):
    """One test. `value` is what was measured, in a few characters; `detail` a sentence, empty where all is well.

    `folds`: which steps of a walk-forward it looked at, from 1; empty where steps are no matter, and in reports from
    before a lab looked at more than the newest.
    """

    key: str
    title: str
    passed: bool
    value: str
    detail: str = ""
    folds: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Report(Part):
    """`probe` is the forecaster that looked for what may not be found; `candles`, `windows`: what was examined.

    `code_version` names the code that was examined; a report of other code says nothing about the present one.
    `note`: what limits the examination, empty where nothing does. `folds`: how many steps there were to look at, 0 in
    reports that looked at the newest alone.
    """

    checks: list[Check]
    probe: str
    candles: int
    windows: int
    code_version: str = ""
    note: str = ""
    created_ms: int = 0
    seconds: float = 0.0
    folds: int = 0

    @property
    def green(self) -> bool:
        return self.state == GREEN

    @property
    def state(self) -> State:
        if self.alarms:
            return RED
        return COMPARED_LESS if self.note else GREEN

    @property
    def alarms(self) -> list[Check]:
        return [check for check in self.checks if not check.passed]

    @property
    def looked(self) -> str:
        """Which steps of a walk-forward the lines are about, as a sentence; empty for a single split."""
        if self.folds == 0:
            return "Looked at the newest fold alone, as an older leak lab did."
        if self.folds == 1:
            return ""
        newest = [c.title.lower() for c in self.checks if c.folds == [self.folds]]
        told = f" Only fold {self.folds}: {', '.join(newest)}." if newest else ""
        return f"Looked at all {self.folds} folds.{told}"
