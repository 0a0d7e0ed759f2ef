"""Before a training starts: what each of its markets has to earn, and the refusal of one that cannot pay.

A barrier has to lie at least three times the costs of a round trip away; nearer ones make calls that costs eat.
"""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from core import market_name
from core.errors import NotFound, Refused
from core.ohlcv import Candles
from db.queries import markets
from market import candles
from ml import outlook
from ml.config import TrainingConfig
from ml.dataset import Frame
from ml.outlook import NEWEST, WORTH, Outlook

Ahead = dict[str, Outlook]  # by the market's name; without those whose candles are too few to say


def look(session: Session, asked: TrainingConfig, *, now_ms: int) -> Ahead:
    """By the newest stored candles. Markets that have none are left to what says so itself."""
    found: Ahead = {}
    for name in asked.markets:
        try:
            market = markets.get(session, market_name.parse(name))
            newest = candles.latest(session, market.id, asked.timeframe, NEWEST, now_ms=now_ms)
        except NotFound:
            continue
        found |= _of(name, asked, newest)
    return found


def demand_of(frames: Sequence[Frame], asked: TrainingConfig) -> None:
    """Raise Refused where candles that are about to be learned from have barriers too near."""
    found: Ahead = {}
    for frame in frames:
        found |= _of(frame.market, asked, frame.candles)
    demand(found, asked)


def demand(found: Ahead, asked: TrainingConfig) -> None:
    """Raise Refused with the numbers and what to change, for the market whose barriers lie nearest."""
    near = {name: ahead for name, ahead in found.items() if not ahead.worth}
    if near:
        name, worst = min(near.items(), key=lambda item: item[1].barrier)
        raise Refused(
            f"{name}: barriers {asked.horizon} bars of {asked.timeframe} ahead lie {worst.barrier:.2%} from the entry, "
            f"less than {WORTH:.0f} times the costs of {asked.cost:.2%} a round trip. {outlook.TOO_NEAR}"
        )


def line(name: str, found: Outlook, cost: float) -> str:
    """What is said of a market before its training starts."""
    return f"{name}: {outlook.told(cost, found.barrier)}"


def _of(name: str, asked: TrainingConfig, newest: Candles) -> Ahead:
    found = outlook.outlooks(newest, (asked.horizon,), step_ms=asked.step.ms, span=asked.sigma_span, cost=asked.cost)
    return {name: found[0]} if found else {}
