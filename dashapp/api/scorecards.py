"""The public record: how every model did on its settled calls, beside baselines scored on the same candles."""

from typing import Any

from pydantic import Field

import db.engine
from dashapp.api.markets import find
from dashapp.api.route import Resource
from dashapp.api.schemas import Answer, Exchange, Query, Symbol, Time, Timeframe, symbol_of
from db.queries import scorecards
from db.queries.scorecards import Record
from ml.config import MAX_HORIZON
from ml.scorecard import Scorecard as Drawn
from ml.scorecard import Side, Slice

resource = Resource("Predictions")
SCORES = (
    *("key", "title", "right", "hit_rate", "mcc", "mcc_interval", "ece", "ece_interval"),
    *("log_loss", "brier", "brier_interval"),
)


class ScorecardQuery(Query):
    exchange: str | None = Field(default=None, max_length=32, examples=["binance"])
    timeframe: str | None = Field(default=None, max_length=3, examples=["1h"])
    horizon: int | None = Field(default=None, ge=1, le=MAX_HORIZON, examples=[24])


class Forecaster(Answer):
    """The model or a baseline, on the same calls. `saves`: nats a call the model saves against the baseline."""

    key: str = Field(examples=["climatology"])
    title: str = Field(examples=["Base rates"])
    calls: int = Field(examples=[426], description="Counted in the hit rate; abstained ones are not.")
    right: int = Field(examples=[167])
    hit_rate: float | None = Field(examples=[0.392])
    hit_rate_interval: list[float] | None = Field(
        examples=[[0.347, 0.439]],
        description="95 %, block bootstrap, never narrower than Wilson's at the effective number of calls.",
    )
    mcc: float | None = Field(examples=[0.01], description="Null, like all scores, below 100 calls.")
    mcc_interval: list[float] | None = Field(examples=[[-0.06, 0.08]])
    ece: float | None = Field(examples=[0.031], description="Expected calibration error.")
    ece_interval: list[float] | None = Field(examples=[[0.02, 0.06]])
    log_loss: float = Field(examples=[1.1014])
    brier: float = Field(examples=[0.668])
    brier_interval: list[float] | None = Field(examples=[[0.65, 0.69]])
    saves: float | None = Field(default=None, examples=[-0.008])
    saves_interval: list[float] | None = Field(default=None, examples=[[-0.0214, 0.0049]])
    p_value: float | None = Field(default=None, examples=[0.88])

    @classmethod
    def of(cls, side: Side) -> "Forecaster":
        made: dict[str, Any] = {name: getattr(side, name) for name in SCORES}
        made |= {"calls": side.n, "hit_rate_interval": side.interval}
        if side.saves is not None:
            made |= {"saves": side.saves.gain, "saves_interval": side.saves.interval, "p_value": side.saves.p_value}
        return cls.model_validate(made)


class Kind(Answer):
    """The calls made in one kind of market, the model and each rule on the same rows."""

    key: str = Field(examples=["falling"])
    n: int = Field(examples=[120])
    right: int = Field(examples=[44])
    abstained: int = Field(examples=[3])
    independent: float = Field(examples=[11.2])
    log_loss: float = Field(examples=[1.1014])
    base_log_loss: float = Field(examples=[1.0934])
    note: str = Field(examples=["38 of 100 settled calls: too few to score."], description="Empty where all is there.")
    scored: Forecaster | None
    rules: list[Forecaster]

    @classmethod
    def of(cls, part: Slice) -> "Kind":
        names = ("key", "n", "right", "abstained", "log_loss", "base_log_loss", "note")
        made: dict[str, Any] = {name: getattr(part, name) for name in names} | {"independent": part.n_eff}
        made["scored"] = Forecaster.of(part.model) if part.model else None
        return cls.model_validate(made | {"rules": [Forecaster.of(side) for side in part.baselines]})


class Scorecard(Answer):
    """One version in one market. Simulated ones prove nothing and are counted nowhere else."""

    model_id: int = Field(examples=[4])
    model: str = Field(examples=["binance-btc-usdt-1h-h24"])
    version: int = Field(examples=[2])
    exchange: Exchange
    symbol: Symbol
    timeframe: Timeframe
    horizon: int = Field(examples=[24], description="In bars.")
    simulated: bool = Field(examples=[False])
    settled: int = Field(examples=[426])
    abstained: int = Field(examples=[27])
    independent: float = Field(examples=[41.3], description="Independent calls the overlapping ones are worth.")
    finding: str = Field(examples=["Over 426 settled calls this model did no better than quoting base rates."])
    evidence: int | None = Field(examples=[0], description="0 none to 4 very strong; null below 100 settled calls.")
    note: str = Field(examples=[""], description="Why scores are missing; empty where all are there.")
    never_settled: int = Field(examples=[2], description="Without an outcome two bars after their horizon.")
    revised: int = Field(examples=[3], description="Settled calls that rest on candles the exchange revised later.")
    revised_otherwise: int = Field(examples=[1], description="Of these, those that would have ended otherwise.")
    brier_skill: float | None = Field(examples=[-0.004])
    brier_skill_interval: list[float] | None = Field(examples=[[-0.02, 0.012]])
    mcc_interval: list[float] | None = Field(examples=[[-0.06, 0.08]])
    ece: float | None = Field(examples=[0.031])
    ece_interval: list[float] | None = Field(examples=[[0.02, 0.06]])
    scored: Forecaster
    rules: list[Forecaster] = Field(
        description="Base rates, majority, persistence and momentum; logistic regression and gradient boosting as they "
        "were fitted for this version, where it keeps them."
    )
    not_recorded: list[str] = Field(
        examples=[["logistic", "boosting"]],
        description="Baselines that said nothing beside these calls: the version is from before they were kept.",
    )
    by_regime: list[Kind]
    conformal: dict[str, Any] | None = Field(examples=[{"n": 426, "held": 380, "target": 0.9, "rate": 0.892}])
    directional: dict[str, Any] = Field(examples=[{"n": 212, "right": 110, "target": 0.53, "needed": 1717}])
    updated_at: Time

    @classmethod
    def of(cls, record: Record) -> "Scorecard":
        card = Drawn.from_dict(record.card)
        names = ("model_id", "model", "version", "exchange", "timeframe", "horizon", "simulated", "updated_at")
        made: dict[str, Any] = {name: getattr(record, name) for name in names}
        made |= {name: getattr(card, name) for name in ("abstained", "finding", "note", "not_recorded")}
        made |= {name: getattr(card.model, name) for name in ("mcc_interval", "ece", "ece_interval")}
        made |= {"symbol": symbol_of(record.symbol), "settled": card.n, "independent": card.n_eff}
        enough = card.level is not None
        made |= {"evidence": card.level, "never_settled": record.unsettled}
        made |= {"revised": record.revised.calls, "revised_otherwise": record.revised.otherwise}
        made |= {"brier_skill": card.skill if enough else None}
        made |= {"brier_skill_interval": card.skill_interval if enough else None}
        made |= {"scored": Forecaster.of(card.model), "rules": [Forecaster.of(side) for side in card.baselines]}
        made |= {"by_regime": [Kind.of(part) for part in card.regimes], "conformal": record.card["coverage"]}
        return cls.model_validate(made | {"directional": record.card["direction"]})


class Scorecards(Answer):
    items: list[Scorecard]


@resource("GET", "/predictions/<symbol:symbol>/scorecard", answer=Scorecards, query=ScorecardQuery, problems=(404,))
def show_scorecards(symbol: str, query: ScorecardQuery) -> Scorecards:
    """How every model did on its settled calls on a market, beside baselines scored on the same candles."""
    with db.engine.session() as session:
        market = find(session, symbol, query.exchange)
        found = scorecards.records(session, market_id=market.id, timeframe=query.timeframe, horizon=query.horizon)
    return Scorecards(items=[Scorecard.of(record) for record in found])
