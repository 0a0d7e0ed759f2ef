"""Every error Bolt raises on purpose.

BoltError                     a plain sentence for a person, an HTTP status, an exit code
├── ConfigurationError        500  exit 78   the environment cannot be used as it is
├── Refused                   422  exit 1    understood, and not possible as asked
│   ├── BadCandles            422            a file holds rows that are no candles
│   ├── DiskFull              507            the disk has too little room for what was asked
│   ├── NotEnoughData         422            fewer candles than the work needs
│   ├── SeriesEnded           422            nothing to predict: the last candle is too old
│   ├── TooMany               429            as much as one person may ask for at once
│   └── WeakPassword          422            a password that can be guessed
├── NotFound                  404  exit 1    it is not there, or it is not yours
├── Forbidden                 403  exit 1    signed in, but the role does not allow it
├── Conflict                  409  exit 1    somebody else changed it first
├── Cancelled                 409  exit 1    a person stopped the job
├── Unavailable               503  exit 1    a server, an exchange or a model does not answer
│   ├── ExchangeUnavailable   503            network, 5xx, garbage
│   │   ├── ExchangeBlocked   503            451 or 403: this exchange does not serve this address
│   │   └── ExchangeBackOff   503            429 or 418: asked to wait until a time
│   └── ModelUnavailable      503            files missing or corrupt
└── LostClaim                 409  exit 1    a worker tried to publish a job that was taken from it
"""

from datetime import datetime


class BoltError(Exception):
    """An error with a sentence that says what happened and what to do next. `code` names it to programs."""

    status = 500
    code = ""
    exit_code = 1
    title = "Something went wrong"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class ConfigurationError(BoltError):
    exit_code = 78
    title = "Bolt is not configured"


class Refused(BoltError):
    status = 422
    code = "refused"
    title = "That is not possible"


class BadCandles(Refused):
    """Rows of a file that are no candles; `lines` holds (line number, reason)."""

    title = "The file holds rows that are no candles"

    def __init__(self, sentence: str, lines: list[tuple[int, str]]) -> None:
        super().__init__(sentence)
        self.lines = lines


class NotEnoughData(Refused):
    title = "Not enough data"


class SeriesEnded(Refused):
    code = "series_ended"
    title = "The series has ended"


class TooMany(Refused):
    status = 429
    title = "Enough for now"


class WeakPassword(Refused):
    title = "Choose another password"


class DiskFull(Refused):
    """The disk has too little room for what was asked."""

    status = 507
    title = "The disk is nearly full"


class NotFound(BoltError):
    status = 404
    code = "not_found"
    title = "Not found"


class Forbidden(BoltError):
    status = 403
    title = "Your role does not allow this"


class Conflict(BoltError):
    status = 409
    title = "Somebody else changed this first"


class Cancelled(BoltError):
    status = 409
    title = "Cancelled"


class Unavailable(BoltError):
    status = 503
    title = "Not available right now"


class ExchangeUnavailable(Unavailable):
    title = "The exchange does not answer"


class ExchangeBlocked(ExchangeUnavailable):
    title = "The exchange refuses this address"


class ExchangeBackOff(ExchangeUnavailable):
    """The exchange asked to wait; `until` is UTC. `banned`: it had asked before, and was not heard (418)."""

    title = "The exchange asked to wait"

    def __init__(self, sentence: str, until: datetime, *, banned: bool = False) -> None:
        super().__init__(sentence)
        self.until = until
        self.banned = banned


class ModelUnavailable(Unavailable):
    code = "model_unavailable"
    retry_after = 60  # seconds; the next round of calls tries again
    title = "The model is not available"


class LostClaim(BoltError):
    status = 409
    title = "The job was taken over"
