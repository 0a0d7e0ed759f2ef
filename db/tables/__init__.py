"""Every table, so that metadata is complete wherever it is used."""

from db.tables.candles import Candle, Import, Market, Series, SourceHealth, Upload
from db.tables.jobs import Job, Lease, ScheduleSlot
from db.tables.predictions import Prediction, PredictionOutcome
from db.tables.trained_models import TrainedModel
from db.tables.users import Instance, User

__all__ = [
    "Candle",
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
    "TrainedModel",
    "Upload",
    "User",
]
