"""Every table, so that metadata is complete wherever it is used."""

from db.tables.candles import Candle, Import, Market, Series, SourceHealth, Upload
from db.tables.jobs import Job, Lease, ScheduleSlot
from db.tables.predictions import Prediction, PredictionOutcome
from db.tables.trained_models import TrainedModel
from db.tables.users import EndedSession, Instance, Throttle, User

__all__ = [
    "Candle",
    "EndedSession",
    "Import",
    "Instance",
    "Job",
    "Lease",
    "Market",
    "Prediction",
    "PredictionOutcome",
    "ScheduleSlot",
    "Series",
    "SourceHealth",
    "Throttle",
    "TrainedModel",
    "Upload",
    "User",
]
