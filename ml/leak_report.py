"""What the leak lab found about a version, as plain JSON in `leak_reports.report`."""

from dataclasses import dataclass
from typing import Literal

from ml.card_parts import Part

State = Literal["green", "red", "not comparable", "not run"]
GREEN: State = "green"
RED: State = "red"
COMPARED_LESS: State = "not comparable"  # no alarm, but less was examined than what the version is
NOT_RUN: State = "not run"


@dataclass(frozen=True)
class Check(Part):
    """One test. `value` is what was measured, in a few characters; `detail` a sentence, empty where all is well."""

    key: str
    title: str
    passed: bool
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Report(Part):
    """`probe` is the forecaster that looked for what may not be found; `candles`, `windows`: what was examined.

    `code_version` names the code that was examined; a report of other code says nothing about the present one.
    `note`: what limits the examination, empty where nothing does.
    """

    checks: list[Check]
    probe: str
    candles: int
    windows: int
    code_version: str = ""
    note: str = ""
    created_ms: int = 0
    seconds: float = 0.0

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
