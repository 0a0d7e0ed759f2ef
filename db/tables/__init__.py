"""Every table, so that metadata is complete wherever it is used."""

from db.tables.audit import AuditEvent
from db.tables.candles import Candle, CandleRevision, Gap, Import, Market, Series, SourceHealth, Upload
from db.tables.jobs import Job, Lease, ScheduleSlot
from db.tables.predictions import LedgerHead, Prediction, PredictionOutcome
from db.tables.tokens import ApiToken, IdempotencyKey, RevokedToken, TokenFamily
from db.tables.trained_models import LeakReport, TrainedModel
from db.tables.users import EndedSession, Instance, Invitation, Throttle, User, UserSession

__all__ = [
    "ApiToken",
    "AuditEvent",
    "Candle",
    "CandleRevision",
    "EndedSession",
    "Gap",
    "IdempotencyKey",
    "Import",
    "Instance",
    "Invitation",
    "Job",
    "LeakReport",
    "Lease",
    "LedgerHead",
    "Market",
    "Prediction",
    "PredictionOutcome",
    "RevokedToken",
    "ScheduleSlot",
    "Series",
    "SourceHealth",
    "Throttle",
    "TokenFamily",
    "TrainedModel",
    "Upload",
    "User",
    "UserSession",
]
