"""Every table, so that metadata is complete wherever it is used."""

from db.tables.accounts import BackupCode, Mail, Passkey, TotpSecret
from db.tables.audit import AuditEvent
from db.tables.candles import (
    Candle,
    CandleDelivery,
    CandleRevision,
    CoarseCandle,
    Gap,
    Import,
    ImportRefusal,
    Market,
    RefusedRow,
    Series,
    Upload,
)
from db.tables.chart_state import ChartDrawing, ChartLayout, ChartSettings
from db.tables.jobs import Job, Lease, ScheduleSlot
from db.tables.predictions import LedgerHead, OutcomeRevision, Prediction, PredictionBaseline, PredictionOutcome
from db.tables.scorecards import CallRules, ModelReport, Retraining, StoredScorecard
from db.tables.sources import Coin, ExchangeRate, PriceCheck, SeriesBreak, SourceHealth, StandIn
from db.tables.tokens import ApiToken, IdempotencyKey, RevokedToken, TokenFamily
from db.tables.trained_models import LeakReport, TrainedModel
from db.tables.training_runs import TrainingPart, TrainingRun
from db.tables.users import DeskSetting, EndedSession, Instance, Invitation, Throttle, User, UserSession
from db.tables.watchlists import Listing, Watchlist, WatchlistEntry

__all__ = [
    "ApiToken",
    "AuditEvent",
    "BackupCode",
    "CallRules",
    "Candle",
    "CandleDelivery",
    "CandleRevision",
    "ChartDrawing",
    "ChartLayout",
    "ChartSettings",
    "CoarseCandle",
    "Coin",
    "DeskSetting",
    "EndedSession",
    "ExchangeRate",
    "Gap",
    "IdempotencyKey",
    "Import",
    "ImportRefusal",
    "Instance",
    "Invitation",
    "Job",
    "LeakReport",
    "Lease",
    "LedgerHead",
    "Listing",
    "Mail",
    "Market",
    "ModelReport",
    "OutcomeRevision",
    "Passkey",
    "Prediction",
    "PredictionBaseline",
    "PredictionOutcome",
    "PriceCheck",
    "RefusedRow",
    "Retraining",
    "RevokedToken",
    "ScheduleSlot",
    "Series",
    "SeriesBreak",
    "SourceHealth",
    "StandIn",
    "StoredScorecard",
    "Throttle",
    "TokenFamily",
    "TotpSecret",
    "TrainedModel",
    "TrainingPart",
    "TrainingRun",
    "Upload",
    "User",
    "UserSession",
    "Watchlist",
    "WatchlistEntry",
]
