"""What may be claimed of a model, by the one rule there is.

`skilled`: out of sample its log loss beats base rates, majority and persistence (Diebold–Mariano, one-sided p < 0.05
against each), the Brier skill score is above 0 and the leak lab is green. Everything else is `no_demonstrated_skill`.
It has to beat itself without direction as well: how wide barriers lie is estimated, and the error of that estimate
foretells how often they are reached on a pure random walk, which beats base rates and is no skill at all. Of a handful
of independent calls nothing can be said (ADR 0017); from there on the comparison allows for how few they are.
Calibration and money do not enter; neither does the number of seeds, which decides whether it may be promoted.
"""

from typing import Literal

from ml.card import NO_SKILL, SKILLED, Baseline, Metrics

HURDLES = ("climatology", "majority", "persistence", "undirected")
MODELS = ("logistic", "boosting")
GREEN = "green"
INDEPENDENT = 30  # a judgement: with fewer calls the normality Student's t assumes does not hold


def skill_shown(metrics: Metrics, beside: list[Baseline]) -> bool:
    """Every condition of the verdict but the leak lab's."""
    return enough(metrics) and _beats(beside, HURDLES) and metrics.skill > 0


def enough(metrics: Metrics) -> bool:
    """Whether the calls are worth enough independent ones for a comparison to mean something."""
    return metrics.independent >= INDEPENDENT


def verdict(shown: bool, leak_lab: str) -> Literal["skilled", "no_demonstrated_skill"]:
    """The verdict; `leak_lab` is the state of the report on this version."""
    return SKILLED if shown and leak_lab == GREEN else NO_SKILL


def better_than_simple_models(shown: bool, beside: list[Baseline]) -> bool:
    """Whether a model with skill is also worth its complexity."""
    return shown and _beats(beside, MODELS)


def _beats(beside: list[Baseline], keys: tuple[str, ...]) -> bool:
    """Whether all of these baselines are there and beaten."""
    won = {b.key for b in beside if b.model_against.beats}
    return won.issuperset(keys)
